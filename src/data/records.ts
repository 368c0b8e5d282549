import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { type Origin, say, setting } from '../core/message.ts';
import { type ColumnChoice, type ColumnOptions, chooseColumns, findColumn } from './columns.ts';
import { Database, firstLine } from './duckdb.ts';
import { fileFailure } from './failure.ts';
import { type FileSource, findSources, type Source } from './source.ts';
import { openQuery, openTable, type Table, type TableFile } from './table.ts';
import { repairText, scanText } from './utf8.ts';
import { openWholeRows, type WholeRows } from './wholeRows.ts';
import { workbookToCsv } from './workbook.ts';

export interface RecordsOptions extends ColumnOptions {
  /** Files, globs, folders, or queries that start with SELECT, WITH or FROM; read in this order. */
  readonly files: readonly string[];
  /** The CLI flag that named the files, for messages: `--corpus`. */
  readonly flag: Origin;
  /** Most records that are read. */
  readonly limit?: number;
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
  /** How many rows there are, lines without text counted in; undefined for queries, which may take long to run twice. */
  count(): Promise<number | undefined>;
  /** The same rows with all of their columns. */
  whole(): Promise<WholeRows>;
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
  const sources = await findSources(options.files, options.flag, database);
  const parts: Part[] = [];
  for (const source of sources) {
    const part = await openPart(source, parts.length, options.flag, database);
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
    count: () => countOf(parts, choices, database),
    whole: () => openWholeRows(parts, choices, database),
    close: () => database.close(),
  };
}

/** @returns undefined for a file that holds nothing, as rotated logs often do. */
export async function openPart(
  source: Source,
  index: number,
  flag: Origin,
  database: Database,
): Promise<Part | undefined> {
  if (source.kind === 'query') {
    const failure = (error: unknown) => new UsageError(say`the query for ${flag}: ${firstLine(error)}`);
    const table = await openQuery(source.sql, database).catch((error: unknown) => Promise.reject(failure(error)));
    return { table, name: 'query', isPlainText: false, invalidUtf8: 0, failure };
  }
  const prepared = await prepareFile(
    await asTable(source, join(database.folder, `sheet${index}.csv`), flag),
    join(database.folder, `repaired${index}`),
    flag,
  );
  if (prepared === undefined) return undefined;
  const { file, invalidUtf8 } = prepared;
  const failure = (error: unknown) => fileFailure(error, file, source.path, flag);
  try {
    const table = await openTable(file, database);
    return { table, name: source.path, isPlainText: source.format === 'text', invalidUtf8, failure };
  } catch (error) {
    throw await failure(error);
  }
}

/** A workbook as CSV beside it; other files as they are. */
async function asTable(source: FileSource, target: string, flag: Origin): Promise<FileSource> {
  if (source.format !== 'xlsx') return source;
  try {
    const holdsRows = await workbookToCsv(source.path, source.sheet, target);
    if (!holdsRows) await writeFile(target, '');
    return { kind: 'file', path: target, format: 'csv', gzip: false };
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(say`${flag}: ${error.line}`);
    if (error instanceof BertuneError) throw new BertuneError(say`${flag}: ${error.line}`);
    throw new UsageError(say`${flag}: cannot read ${source.path}: ${messageOf(error)}`);
  }
}

async function prepareFile(
  source: FileSource,
  repairedPath: string,
  flag: Origin,
): Promise<{ file: TableFile; invalidUtf8: number } | undefined> {
  const { path, format, gzip } = source;
  try {
    if (format === 'parquet') {
      if ((await stat(path)).size === 0) return undefined;
      return { file: { path, format, gzip, head: '', longestLine: 0 }, invalidUtf8: 0 };
    }
    const { blank, valid, encoding, hasByteOrderMark, longestLine, head } = await scanText(path, gzip);
    if (blank) return undefined;
    // DuckDB's JSON reader, unlike its CSV reader, stumbles over the mark.
    const isReadable = valid && !(hasByteOrderMark && (format === 'json' || format === 'jsonl'));
    if (isReadable) return { file: { path, format, gzip, head, longestLine }, invalidUtf8: 0 };
    const invalidUtf8 = await repairText(path, gzip, encoding, repairedPath);
    // A replaced byte becomes three; UTF-16 grows by half at most.
    return { file: { path: repairedPath, format, gzip: false, head, longestLine: longestLine * 3 }, invalidUtf8 };
  } catch (error) {
    const isZlib = String((error as NodeJS.ErrnoException).code).startsWith('Z_');
    if (isZlib) throw new BertuneError(say`${flag}: ${path} is not a whole gzip file (${messageOf(error)})`);
    throw new UsageError(say`${flag}: cannot read ${path}: ${messageOf(error)}`);
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

async function countOf(
  parts: readonly Part[],
  choices: readonly ColumnChoice[],
  database: Database,
): Promise<number | undefined> {
  if (parts.some(({ name }) => name === 'query')) return undefined;
  let count = 0;
  for (const [i, { table, failure }] of parts.entries()) {
    try {
      const [row] = await database.all(`SELECT count(*) FROM (${table.select(choices[i]?.text ?? '', [])})`);
      count += Number(row?.[0]);
    } catch (error) {
      throw await failure(error);
    }
  }
  return count;
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
