import { stat } from 'node:fs/promises';
import { BertuneError } from '../../core/errors.ts';
import { type Message, say } from '../../core/message.ts';
import { lineScan } from '../csv.ts';
import { Database, identifier } from '../duckdb.ts';
import type { FileSource } from '../fileNames.ts';
import { openFile } from '../openFile.ts';
import { openPart } from '../openPart.ts';
import { RemoteCopies } from '../remoteCopies.ts';
import { findSources, type Source } from '../source.ts';
import { looksLikeColumns, readColumns, type WordColumns } from './conll.ts';
import { type LeftOutRecord, type SpanRecord, spanRecord, type WordRecord } from './spanRecords.ts';
import type { TaggedOptions } from './taggedText.ts';

/** A record as its file has it. */
export interface TaggedRow {
  readonly record: SpanRecord | WordRecord | LeftOutRecord;
  /** Names file and row, for messages. */
  readonly place: Message;
}

/** Endings that say that a file holds words and tags in columns. */
const columnEndings = /\.(conll|conll2002|conll2003|iob|iob1|iob2|bio|bioes|iobes|ner)(\.gz)?$/i;

/** Whether a file is named for words and tags in columns. */
export function isColumnFile(path: string): boolean {
  return columnEndings.test(path) && !/\.gz$/i.test(path);
}

/** All records of the files. Throws what `readTagged` throws. */
export async function openTagged(options: TaggedOptions, columns: WordColumns): Promise<TaggedRow[]> {
  const database = await Database.open();
  try {
    const { flag, onNote } = options;
    const sources: Source[] = [];
    for (const file of options.files) {
      const named = await namedForColumns(file, database);
      if (named.length > 0) {
        sources.push(...named);
        continue;
      }
      const found = await findSources([file], flag, database);
      for (const line of found.notes) onNote?.(line);
      sources.push(...found.sources);
    }
    const copies = new RemoteCopies(database.folder);
    const rows: TaggedRow[] = [];
    for (const [i, source] of sources.entries()) {
      const lines = source.kind === 'file' ? await linesOf(source, database, options, copies) : undefined;
      const place = say`${flag}${source.kind === 'file' ? ` ${source.path}` : ''}`;
      rows.push(
        ...(lines ? columnRows(lines, columns, place, onNote) : await recordRows(source, i, database, options, copies)),
      );
    }
    return rows;
  } finally {
    await database.close();
  }
}

/** Files that are named for columns: those of one name, or of a glob. */
async function namedForColumns(file: string, database: Database): Promise<FileSource[]> {
  if (!columnEndings.test(file)) return [];
  const isThere = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  const paths = isThere ? [file] : /[*?[]/.test(file) ? (await database.glob(file)).sort() : [];
  return paths.map((path) => ({ kind: 'file', path, format: 'text', gzip: /\.gz$/i.test(path) }));
}

/** The lines of a file in columns, blank ones null; undefined for one of records. */
async function linesOf(
  source: FileSource,
  database: Database,
  { flag, onNote }: TaggedOptions,
  copies: RemoteCopies,
): Promise<(string | null)[] | undefined> {
  if (!['text', 'tsv', 'csv'].includes(source.format)) return undefined;
  const content = source.remote ? await copies.bring(source.remote) : source.content;
  const opened = await openFile({ ...source, format: 'text', content }, database.newFile(), flag);
  if (!opened) return [];
  if (source.format !== 'text' && !looksLikeColumns(opened.file.head)) return undefined;
  if (source.format === 'text' && opened.note) onNote?.(opened.note);
  const lines: (string | null)[] = [];
  for await (const rows of database.rows(`SELECT text FROM ${lineScan([opened.file])}`)) {
    for (const [line] of rows) lines.push(typeof line === 'string' ? line : null);
  }
  return lines;
}

function columnRows(
  lines: readonly (string | null)[],
  columns: WordColumns,
  place: Message,
  onNote: TaggedOptions['onNote'],
): TaggedRow[] {
  const { sentences, tagColumn, columns: count } = readColumns(lines, columns, place);
  if (count > 2) onNote?.(say`${place}: tags are those of column ${tagColumn} of ${count}`);
  return sentences.map(({ words, tags, line }) => ({ record: { words, tags }, place: say`${place}, line ${line}` }));
}

/** The records of a file or query, each as an object. */
async function recordRows(
  source: Source,
  index: number,
  database: Database,
  options: TaggedOptions,
  copies: RemoteCopies,
): Promise<TaggedRow[]> {
  const { flag, onNote, textColumn, labelColumn } = options;
  const part = await openPart(source, index, flag, database, (line) => onNote?.(line), undefined, copies);
  if (!part) return [];
  const names = part.table.columns.map(({ name }) => name);
  // A record of JSON may lack a key; a cell of a table is empty.
  const isJson = source.kind === 'file' && /^json/.test(source.format);
  const aliases = names.map((_, i) => `k${i}`);
  const values = aliases.map((alias) => `CAST(to_json(${identifier(alias)}) AS VARCHAR)`);
  const select = `SELECT ${values.join(', ')} FROM (${part.table.select(names)}\n) AS whole(${aliases.join(', ')})`;
  const rows: TaggedRow[] = [];
  try {
    await part.bring?.();
    for await (const chunk of database.rows(select)) {
      for (const row of chunk) {
        const record = Object.fromEntries(
          names.flatMap((name, i): [string, unknown][] => {
            const value = row[i];
            if (typeof value === 'string') return [[name, JSON.parse(value)]];
            return isJson ? [] : [[name, null]];
          }),
        );
        const place = say`${part.place}, row ${rows.length + 1}`;
        rows.push({ record: spanRecord(record, { text: textColumn, spans: labelColumn }, place), place });
      }
    }
  } catch (error) {
    throw error instanceof BertuneError ? error : await part.failure(error);
  }
  return rows;
}
