import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BertuneError, counted, messageOf, UsageError } from '../core/errors.ts';
import { type Message, type Origin, say } from '../core/message.ts';
import { s3Address, schemeOf, unknownScheme, withoutSecrets } from '../remote/address.ts';
import { at } from '../remote/failure.ts';
import { findObject, globObjects, headOfObject, type RemoteObject } from '../remote/objects.ts';
import { isTokenized } from './corpusWriter.ts';
import { type DatabaseSource, databaseSource, isMissingFile } from './databaseSource.ts';
import type { Database } from './duckdb.ts';
import { contentOf } from './fileContent.ts';
import { type FileSource, formatOfName, isAboutFolder, isProse, knownEndings } from './fileNames.ts';
import { filesOf, kindOf as kindOfName, LeftOut } from './folderFiles.ts';
import { holdsText, refuseKnown } from './openFile.ts';

/** A DuckDB query that stands where a file may stand. */
export interface QuerySource {
  readonly kind: 'query';
  readonly sql: string;
}

export type Source = FileSource | QuerySource | DatabaseSource;

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
    const base = databaseIn(file, flag);
    if (base) {
      sources.push(base);
      continue;
    }
    const found = schemeOf(file) ? await findRemote(file, flag) : await findFiles(file, flag, database);
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
    if (source.kind !== 'file' || source.format === 'parquet') continue;
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
    if (isTokenized(path))
      throw new UsageError(say`${flag}: ${path} holds a tokenized corpus, no texts; give the texts`);
    const { names, leftOut } = await filesOf(path, { takes: (name) => formatOfName(name) !== undefined });
    const files = names.map((name) => ({ path: join(path, name), fileName: join(path, name) }));
    return chosen(files, leftOut, {
      name: path,
      flag,
      nothing: say`the folder ${path} has no file ending in ${knownEndings}`,
    });
  }
  const scheme = unknownScheme(path);
  if (scheme !== undefined) throw new UsageError(say`${flag}: ${withoutSecrets(path)}: ${notRead(scheme)}`);
  if (!/[*?[]/.test(path)) throw new UsageError(say`${flag}: no file at ${path}`);
  const matches = await database.glob(path);
  if (matches.length === 0) throw new UsageError(say`${flag}: no file matches ${path}`);
  for (const match of matches) await kindOf(match, flag);
  const files = matches.sort().map((match) => ({ path: match, fileName: match }));
  const { named, leftOut } = withKnownNames(files);
  return chosen(named, leftOut, { name: path, flag, nothing: say`${path} matches no file ending in ${knownEndings}` });
}

function notRead(scheme: string): string {
  return `${scheme}:// is not read; files are, s3://, https://, postgres://, mysql:// and, in a query, hf://; copy it to one of these`;
}

/** A file or object before it is known what it is. */
interface Candidate extends Pick<FileSource, 'path' | 'remote'> {
  /** What tells its format. */
  readonly fileName: string;
}

function withKnownNames(files: readonly Candidate[]): { named: Candidate[]; leftOut: LeftOut } {
  const leftOut = new LeftOut();
  const named = files.filter(({ fileName }) => {
    const isKnown = formatOfName(fileName) !== undefined;
    if (!isKnown) leftOut.add(kindOfName(fileName));
    return isKnown;
  });
  return { named, leftOut };
}

/** @throws UsageError for a file of SQLite that is not there */
function databaseIn(text: string, flag: Origin): DatabaseSource | undefined {
  try {
    const source = databaseSource(text);
    if (!source || !isMissingFile(source)) return source;
    // A pattern, or a file of another kind.
    if (source.connection === text && /[*?[]/.test(text)) return undefined;
    throw new UsageError(`no file at ${source.connection}`);
  } catch (error) {
    throw at(flag, error);
  }
}

/** What an address of S3 or the web names: one object, those whose keys begin with it, or match it. */
async function findRemote(address: string, flag: Origin): Promise<FoundSources> {
  const [, workbook, sheet] = /^(.+\.xls[xm]):([^:/\\]+)$/i.exec(address) ?? [];
  const name = withoutSecrets(workbook ?? address);
  const isPattern = /^s3:.*[*?[]/i.test(address);
  try {
    const found = await findObject(workbook ?? address);
    if (found && 'scheme' in found) return { sources: [{ ...(await remoteSource(found)), sheet }], notes: [] };
    if (found) {
      const visible = found.filter(({ fileName }) => !/(^|\/)\./.test(fileName.slice(keyLength(address))));
      const { named, leftOut } = withKnownNames(visible.map(candidate));
      if (visible.length < found.length) leftOut.add('hidden', found.length - visible.length);
      return await chosen(named, leftOut, {
        name,
        flag,
        nothing: say`${name} has no object ending in ${knownEndings}`,
      });
    }
    const matches = isPattern ? await globObjects(address) : [];
    if (matches.length > 0) {
      const { named, leftOut } = withKnownNames(matches.map(candidate));
      const nothing = say`${name} matches no object ending in ${knownEndings}`;
      return await chosen(named, leftOut, { name, flag, nothing });
    }
  } catch (error) {
    // What `chosen` throws names it already.
    throw error instanceof BertuneError && !String(error.line).startsWith(String(flag)) ? at(flag, error) : error;
  }
  throw new UsageError(
    isPattern ? say`${flag}: no object matches ${name}` : say`${flag}: no object at ${name}, and none below it`,
  );
}

function keyLength(address: string): number {
  return s3Address(address).key.length;
}

function candidate(remote: RemoteObject): Candidate {
  return { path: remote.name, fileName: remote.fileName, remote };
}

async function remoteSource(remote: RemoteObject): Promise<FileSource> {
  const named = formatOfName(remote.fileName);
  if (named?.format === undefined && /^(text\/html|application\/xhtml\+xml)$/.test(remote.type ?? '')) {
    throw new UsageError(
      `${remote.name} is a web page (${remote.type}), no file of texts; give the address of the file itself, or save the page's text as .txt`,
    );
  }
  if (named === undefined) {
    const head = contentOf(await headOfObject(remote, 512));
    const known =
      head.kind === 'other'
        ? `is ${head.title}; ${head.wayOut}`
        : `has no ending that tells its format; known are ${knownEndings}`;
    throw new UsageError(`${remote.name} ${known}`);
  }
  return { kind: 'file', path: remote.name, remote, format: named.format ?? 'text', gzip: named.gzip };
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
  files: readonly Candidate[],
  leftOut: LeftOut,
  { name, flag, nothing }: Choice,
): Promise<FoundSources> {
  const records = files.filter(({ fileName }) => !isAboutFolder(fileName));
  const hasTables = records.some(({ fileName }) => (formatOfName(fileName)?.format ?? 'text') !== 'text');
  const sources: FileSource[] = [];
  let withoutEnding = 0;
  for (const file of files) {
    const { path, fileName, remote } = file;
    const { format, gzip } = formatOfName(fileName) ?? {};
    const isBeside = (records.length > 0 && isAboutFolder(fileName)) || (hasTables && isProse(fileName));
    const source = { kind: 'file', path, ...(remote && { remote }), gzip: gzip === true } as const;
    if (isBeside) leftOut.add(basename(fileName));
    else if (format !== undefined) sources.push({ ...source, format });
    else if (await holdsText(file, flag)) {
      sources.push({ ...source, format: 'text' });
      withoutEnding++;
    } else leftOut.add(kindOfName(fileName));
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
