import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { counted, messageOf, UsageError } from '../core/errors.ts';
import { type Message, type Origin, say } from '../core/message.ts';
import type { Database } from './duckdb.ts';
import { type FileSource, formatOfName, isAboutFolder, isProse, knownEndings } from './fileNames.ts';
import { filesOf, kindOf as kindOfName, LeftOut } from './folderFiles.ts';
import { holdsText, refuseKnown } from './openFile.ts';

/** A DuckDB query that stands where a file may stand. */
export interface QuerySource {
  readonly kind: 'query';
  readonly sql: string;
}

export type Source = FileSource | QuerySource;

/** What is to be read, in its order, and what there is to say of how it was found. */
export interface FoundSources {
  readonly sources: readonly Source[];
  /** Of files that were left out or taken for text, one line for each folder or glob. */
  readonly notes: readonly Message[];
}

/**
 * What `files` names, in its order: files, globs and folders (their matches sorted) and queries. Of a folder or glob
 * those files are left out that cannot hold texts, and told in the notes.
 * @throws UsageError when there is no such file, or one of an unknown format.
 */
export async function findSources(
  files: readonly string[],
  flag: Origin,
  database: Pick<Database, 'glob'>,
): Promise<FoundSources> {
  const sources: Source[] = [];
  const notes: Message[] = [];
  for (const file of files) {
    if (isQuery(file)) {
      sources.push({ kind: 'query', sql: file.trim().replace(/[;\s]+$/, '') });
      continue;
    }
    const found = await findFiles(file, flag, database);
    sources.push(...found.sources);
    notes.push(...found.notes);
  }
  if (sources.length === 0) throw new UsageError(say`${flag}: no file given`);
  return { sources, notes: [...notes, ...partitionNotes(sources, flag)] };
}

/** What there is to say of folders named `column=value`: DuckDB makes columns of them for Parquet. */
function partitionNotes(sources: readonly Source[], flag: Origin): Message[] {
  const columns = new Set<string>();
  for (const source of sources) {
    if (source.kind === 'query' || source.format === 'parquet') continue;
    for (const [, name = ''] of dirname(source.path).matchAll(/(?:^|[/\\])(\w+)=/g)) columns.add(name);
  }
  if (columns.size === 0) return [];
  const names = [...columns].join(', ');
  return [say`${flag}: left out: what the names of folders say (${names}=…); it is read beside .parquet files alone`];
}

/** Whether a `files` element is a query: it starts with SELECT, WITH or FROM. */
export function isQuery(file: string): boolean {
  return /^\s*(select|with|from)\s/i.test(file);
}

async function findFiles(path: string, flag: Origin, database: Pick<Database, 'glob'>): Promise<FoundSources> {
  const [, workbook, sheet] = /^(.+\.xls[xm]):([^:/\\]+)$/i.exec(path) ?? [];
  if (workbook !== undefined && (await kindOf(workbook, flag)) === 'file') {
    return { sources: [{ ...(await fileSource(workbook, flag)), sheet }], notes: [] };
  }
  const kind = await kindOf(path, flag);
  if (kind === 'file') return { sources: [await fileSource(path, flag)], notes: [] };
  if (kind === 'folder') {
    const { names, leftOut } = await filesOf(path, { takes: (name) => formatOfName(name) !== undefined });
    const paths = names.map((name) => join(path, name));
    return chosen(paths, leftOut, {
      name: path,
      flag,
      nothing: say`the folder ${path} has no file ending in ${knownEndings}`,
    });
  }
  if (!/[*?[]/.test(path)) throw new UsageError(say`${flag}: no file at ${path}`);
  const matches = await database.glob(path);
  if (matches.length === 0) throw new UsageError(say`${flag}: no file matches ${path}`);
  for (const match of matches) await kindOf(match, flag);
  const leftOut = new LeftOut();
  const named = matches.sort().filter((match) => {
    const isKnown = formatOfName(match) !== undefined;
    if (!isKnown) leftOut.add(kindOfName(match));
    return isKnown;
  });
  return chosen(named, leftOut, { name: path, flag, nothing: say`${path} matches no file ending in ${knownEndings}` });
}

interface Choice {
  /** The folder or glob. */
  readonly name: string;
  readonly flag: Origin;
  /** What to say when no file is left. */
  readonly nothing: Message;
}

/** Those of a folder's or glob's files that hold texts: what tells of the others is left out beside them. */
async function chosen(
  paths: readonly string[],
  leftOut: LeftOut,
  { name, flag, nothing }: Choice,
): Promise<FoundSources> {
  const records = paths.filter((path) => !isAboutFolder(path));
  const hasTables = records.some((path) => (formatOfName(path)?.format ?? 'text') !== 'text');
  const sources: FileSource[] = [];
  let withoutEnding = 0;
  for (const path of paths) {
    const { format, gzip } = formatOfName(path) ?? {};
    const isBeside = (records.length > 0 && isAboutFolder(path)) || (hasTables && isProse(path));
    if (isBeside) leftOut.add(basename(path));
    else if (format !== undefined) sources.push({ kind: 'file', path, format, gzip: gzip === true });
    else if (await holdsText(path, flag)) {
      sources.push({ kind: 'file', path, format: 'text', gzip: gzip === true });
      withoutEnding++;
    } else leftOut.add(kindOfName(path));
  }
  const without = leftOut.isEmpty ? '' : `; left out: ${leftOut}`;
  if (sources.length === 0) throw new UsageError(say`${flag}: ${nothing}${without}`);
  const taken = withoutEnding > 0 ? `${counted(withoutEnding, 'file')} without an ending read as lines of text` : '';
  const line = [taken, leftOut.isEmpty ? '' : `left out: ${leftOut}`].filter((part) => part !== '').join('; ');
  return { sources, notes: line === '' ? [] : [say`${flag} ${name}: ${line}`] };
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

async function fileSource(path: string, flag: Origin): Promise<FileSource> {
  const named = formatOfName(path);
  if (named === undefined) {
    if (/\.(xls|xlsb|ods|numbers)$/i.test(path))
      throw new UsageError(say`${flag}: ${path} is a spreadsheet of a kind that is not read; save it as .xlsx or .csv`);
    await refuseKnown(path, flag);
    throw new UsageError(say`${flag}: cannot tell the format of ${path}; known are ${knownEndings}`);
  }
  return { kind: 'file', path, format: named.format ?? 'text', gzip: named.gzip };
}
