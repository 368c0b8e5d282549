import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UsageError } from '../core/errors.ts';
import { type Origin, say } from '../core/message.ts';
import type { Database } from './duckdb.ts';

export type Format = 'text' | 'csv' | 'tsv' | 'jsonl' | 'json' | 'parquet' | 'xlsx';

export interface FileSource {
  readonly kind: 'file';
  /** As the user would write it. */
  readonly path: string;
  readonly format: Format;
  readonly gzip: boolean;
  /** The sheet of a workbook that is meant; absent: all of them. */
  readonly sheet?: string;
}

/** A DuckDB query that stands where a file may stand. */
export interface QuerySource {
  readonly kind: 'query';
  readonly sql: string;
}

export type Source = FileSource | QuerySource;

/**
 * What `files` names, in its order: files, globs and folders (their matches sorted) and queries.
 * @throws UsageError when there is no such file, or one of an unknown format.
 */
export async function findSources(
  files: readonly string[],
  flag: Origin,
  database: Pick<Database, 'glob'>,
): Promise<Source[]> {
  const sources: Source[] = [];
  for (const file of files) {
    if (isQuery(file)) sources.push({ kind: 'query', sql: file.trim().replace(/[;\s]+$/, '') });
    else sources.push(...(await findFiles(file, flag, database)));
  }
  if (sources.length === 0) throw new UsageError(say`${flag}: no file given`);
  return sources;
}

/** Whether a `files` element is a query: it starts with SELECT, WITH or FROM. */
export function isQuery(file: string): boolean {
  return /^\s*(select|with|from)\s/i.test(file);
}

const formats: Readonly<Record<string, Format>> = {
  txt: 'text',
  log: 'text',
  csv: 'csv',
  tsv: 'tsv',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'json',
  parquet: 'parquet',
  xlsx: 'xlsx',
  xlsm: 'xlsx',
};

async function findFiles(path: string, flag: Origin, database: Pick<Database, 'glob'>): Promise<FileSource[]> {
  const [, workbook, sheet] = /^(.+\.xls[xm]):([^:/\\]+)$/i.exec(path) ?? [];
  if (workbook !== undefined && (await kindOf(workbook, flag)) === 'file') {
    return [{ ...fileSource(workbook, flag), sheet }];
  }
  const kind = await kindOf(path, flag);
  if (kind === 'file') return [fileSource(path, flag)];
  if (kind === 'folder') return findInFolder(path, flag);
  if (!/[*?[]/.test(path)) throw new UsageError(say`${flag}: no file at ${path}`);
  const matches = await database.glob(path);
  if (matches.length === 0) throw new UsageError(say`${flag}: no file matches ${path}`);
  for (const match of matches) await kindOf(match, flag);
  return matches.sort().map((match) => fileSource(match, flag));
}

async function kindOf(path: string, flag: Origin): Promise<'file' | 'folder' | undefined> {
  let found: Stats;
  try {
    found = await stat(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new UsageError(say`${flag}: cannot read ${path}: ${messageOf(error)}`);
  }
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'folder';
  // Files are read more than once, which the others do not stand.
  if (found.isFIFO()) {
    throw new UsageError(say`${flag}: ${path} is a pipe; give it to standard input or write it to a file`);
  }
  throw new UsageError(say`${flag}: ${path} is a device or socket; write what it holds to a file`);
}

async function findInFolder(folder: string, flag: Origin): Promise<FileSource[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => !/(^|[\\/])\./.test(name)).sort();
  const sources: FileSource[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const source = parseName(path);
    if (source !== undefined && (await stat(path)).isFile()) sources.push(source);
  }
  if (sources.length === 0)
    throw new UsageError(say`${flag}: the folder ${folder} has no file ending in ${knownEndings}`);
  return sources;
}

function fileSource(path: string, flag: Origin): FileSource {
  const source = parseName(path);
  if (source === undefined && /\.(xls|xlsb|ods|numbers)$/i.test(path))
    throw new UsageError(say`${flag}: ${path} is a spreadsheet of a kind that is not read; save it as .xlsx or .csv`);
  if (source === undefined)
    throw new UsageError(say`${flag}: cannot tell the format of ${path}; known are ${knownEndings}`);
  return source;
}

function parseName(path: string): FileSource | undefined {
  const match = /\.([a-z]+)(\.gz)?$/i.exec(path);
  const format = formats[match?.[1]?.toLowerCase() ?? ''];
  const gzip = match?.[2] !== undefined;
  if (format === undefined || (gzip && isBinary(format))) return undefined;
  return { kind: 'file', path, format, gzip };
}

/** Whether a format is compressed by itself. */
function isBinary(format: Format): boolean {
  return format === 'parquet' || format === 'xlsx';
}

const knownEndings = `${Object.keys(formats)
  .filter((name) => !isBinary(formats[name] ?? 'text'))
  .map((name) => `.${name}`)
  .join(', ')} (each also .gz), .parquet, .xlsx`;
