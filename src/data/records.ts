import { join } from 'node:path';
import { BertuneError, UsageError } from '../core/errors.ts';
import { type Message, type Origin, say, setting } from '../core/message.ts';
import { type ColumnChoice, type ColumnOptions, chooseColumns, findColumn } from './columns.ts';
import { Database, firstLine } from './duckdb.ts';
import { fileFailure } from './failure.ts';
import { openFile } from './openFile.ts';
import { findSources, type Source } from './source.ts';
import { openQuery, openTable, type Table } from './table.ts';

export interface RecordsOptions extends ColumnOptions {
  /** Files, globs, folders, or queries that start with SELECT, WITH or FROM; read in this order. */
  readonly files: readonly string[];
  /** The CLI flag that named the files, for messages: `--corpus`. */
  readonly flag: Origin;
  /** Most records that are read. */
  readonly limit?: number;
  /** Told which files were left out or are not what their names say. */
  readonly onNote?: (line: Message) => void;
}

export interface DataRecord {
  readonly text: string;
  readonly label?: string;
  readonly group?: string;
  readonly id?: string | number;
}

/** An opened corpus or labeled set; close it when done. */
export interface Records {
  /** Columns of the (first) file. */
  readonly columns: readonly string[];
  readonly textColumn: string;
  readonly labelColumn?: string;
  /** How many U+FFFD stand for bytes that were not UTF-8. */
  readonly invalidUtf8: number;
  /**
   * The records in the files' order, a few thousand at a time, from the beginning at every call. Blank lines of text
   * files are left out; a null text is ''.
   * @throws BertuneError when a file turns out malformed.
   */
  batches(): AsyncGenerator<DataRecord[]>;
  close(): Promise<void>;
}

/**
 * Opens text files, tables or queries for streaming: memory does not grow with their size. Text that is not UTF-8 is
 * read with U+FFFD in place of what cannot be decoded, and counted.
 * @throws UsageError for files or columns that are not there, BertuneError for files that cannot be read.
 */
export async function openRecords(options: RecordsOptions): Promise<Records> {
  const database = await Database.open();
  try {
    return await openWith(database, options);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** A table with its chosen columns, ready to be streamed. */
export interface Part {
  readonly table: Table;
  /** What to call it in a message. */
  readonly name: string;
  readonly isPlainText: boolean;
  readonly invalidUtf8: number;
  readonly failure: (error: unknown) => Promise<BertuneError> | BertuneError;
}

async function openWith(database: Database, options: RecordsOptions): Promise<Records> {
  const { sources, notes } = await findSources(options.files, options.flag, database);
  for (const line of notes) options.onNote?.(line);
  const parts: Part[] = [];
  for (const source of sources) {
    const part = await openPart(source, parts.length, options.flag, database, options.onNote);
    if (part !== undefined) parts.push(part);
  }
  const main = parts.find((part) => !part.isPlainText) ?? parts[0];
  if (main === undefined) throw emptyError(sources, options.flag);
  if (main.isPlainText && options.needLabel) {
    throw new UsageError(
      say`${options.flag}: ${main.name} holds lines of text without labels; give a .csv, .tsv, .jsonl or .parquet file with a label column`,
    );
  }
  const choice = chooseColumns(main.table.columns, options, say`${options.flag} ${main.name}`);
  const choices = parts.map((part) => (part === main ? choice : sameColumns(part, choice, options.flag)));
  return {
    columns: main.table.columns.map(({ name }) => name),
    textColumn: choice.text,
    labelColumn: choice.label,
    invalidUtf8: parts.reduce((sum, part) => sum + part.invalidUtf8, 0),
    batches: () => limited(recordsOf(parts, choices, database), options.limit ?? Number.POSITIVE_INFINITY),
    close: () => database.close(),
  };
}

/** @returns undefined for a file that holds nothing, as rotated logs often do. */
export async function openPart(
  source: Source,
  index: number,
  flag: Origin,
  database: Database,
  onNote?: (line: Message) => void,
): Promise<Part | undefined> {
  if (source.kind === 'query') {
    const failure = (error: unknown) => new UsageError(say`the query for ${flag}: ${firstLine(error)}`);
    const table = await openQuery(source.sql, database).catch((error: unknown) => Promise.reject(failure(error)));
    return { table, name: 'query', isPlainText: false, invalidUtf8: 0, failure };
  }
  const opened = await openFile(source, join(database.folder, `repaired${index}`), flag);
  if (opened === undefined) return undefined;
  const { file, invalidUtf8, note } = opened;
  if (note !== undefined) onNote?.(note);
  const failure = (error: unknown) => fileFailure(error, file, source.path, flag);
  try {
    const table = await openTable(file, database);
    return { table, name: source.path, isPlainText: file.format === 'text', invalidUtf8, failure };
  } catch (error) {
    throw await failure(error);
  }
}

function emptyError(sources: readonly Source[], flag: Origin): BertuneError {
  const [first] = sources;
  const name = first?.kind === 'file' ? first.path : 'query';
  return new BertuneError(say`${flag}: ${name} is empty${sources.length > 1 ? ', and so are the other files' : ''}`);
}

/** The same columns in a further file. Lines of text have no names: they are the text, whatever it is called. */
function sameColumns(part: Part, choice: ColumnChoice, flag: Origin): ColumnChoice {
  const find = (wanted: string | undefined, option: Origin) =>
    wanted === undefined ? undefined : findColumn(part.table.columns, wanted, option, say`${flag} ${part.name}`);
  return {
    text: part.isPlainText
      ? 'text'
      : findColumn(part.table.columns, choice.text, setting('textColumn'), say`${flag} ${part.name}`),
    label: find(choice.label, setting('labelColumn')),
    group: find(choice.group, setting('groupColumn')),
    id: part.table.columns.find(({ name }) => name === choice.id)?.name,
  };
}

async function* recordsOf(
  parts: readonly Part[],
  choices: readonly ColumnChoice[],
  database: Database,
): AsyncGenerator<DataRecord[]> {
  for (const [index, part] of parts.entries()) {
    try {
      yield* partRecords(part, choices[index] as ColumnChoice, database);
    } catch (error) {
      throw await part.failure(error);
    }
  }
}

async function* partRecords(part: Part, choice: ColumnChoice, database: Database): AsyncGenerator<DataRecord[]> {
  const { table } = part;
  const others = (['label', 'group', 'id'] as const).filter((role) => choice[role] !== undefined);
  const names = [...new Set(others.map((role) => choice[role] as string))];
  const places = others.map((role) => ({ role, index: 1 + names.indexOf(choice[role] as string) }));
  for await (const rows of database.rows(table.select(choice.text, names))) {
    const records: DataRecord[] = [];
    for (const row of rows) {
      const text = table.textOf(row[0] ?? null);
      if (part.isPlainText && text.trim() === '') continue;
      const record: { text: string; label?: string; group?: string; id?: string | number } = { text };
      for (const { role, index } of places) {
        const key = table.keyOf(row[index] ?? null);
        if (key === undefined) continue;
        if (role === 'id') record.id = key;
        else record[role] = String(key);
      }
      records.push(record);
    }
    if (records.length > 0) yield records;
  }
}

async function* limited(batches: AsyncGenerator<DataRecord[]>, limit: number): AsyncGenerator<DataRecord[]> {
  let left = limit;
  if (left <= 0) return;
  for await (const batch of batches) {
    yield batch.length > left ? batch.slice(0, left) : batch;
    left -= batch.length;
    if (left <= 0) return;
  }
}
