import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { formatBytes } from '../core/memory.ts';
import { type Message, type Origin, say } from '../core/message.ts';
import { messageWithoutSecrets } from '../remote/address.ts';
import { at } from '../remote/failure.ts';
import { type Database, firstLine } from './duckdb.ts';
import { loadForQuery, MissingExtensionError } from './extensions.ts';
import { fileFailure } from './failure.ts';
import type { FileSource } from './fileNames.ts';
import { databaseFailure, openDatabase } from './openDatabase.ts';
import { openFile, openInPlace } from './openFile.ts';
import type { Part } from './recordRows.ts';
import { giveKeys, readsInPlace } from './remoteAccess.ts';
import { RemoteCopies } from './remoteCopies.ts';
import type { Source } from './source.ts';
import { openQuery, openTable, type Table, type TableFile } from './table.ts';
import { workbookToCsv } from './workbook.ts';

/** Told in one line which files are not what their names say, or are copied. */
export type OnNote = (line: Message, about: 'files' | 'columns') => void;

/**
 * @param like the table of an earlier file of the same format
 * @returns undefined for a file that holds nothing, as rotated logs often do.
 */
export async function openPart(
  source: Source,
  index: number,
  flag: Origin,
  database: Database,
  onNote?: OnNote,
  like?: Table,
  copies: RemoteCopies = new RemoteCopies(database.folder),
): Promise<Part | undefined> {
  if (source.kind === 'query') {
    const failure = (error: unknown) =>
      new UsageError(
        say`the query for ${flag}: ${error instanceof BertuneError ? error.line : messageWithoutSecrets(firstLine(error))}`,
      );
    const table = await openQueryOf(source.sql, database).catch((error: unknown) => Promise.reject(failure(error)));
    const place = say`${flag} query`;
    return { table, name: 'query', place, isPlainText: false, invalidUtf8: 0, isUncounted: true, failure };
  }
  if (source.kind === 'database') {
    const failure = (error: unknown) => at(flag, databaseFailure(error, source)) as BertuneError;
    const table = await openDatabase(source, index, database).catch((error: unknown) => Promise.reject(failure(error)));
    const { name } = source;
    return { table, name, place: say`${flag} ${name}`, isPlainText: false, invalidUtf8: 0, isUncounted: true, failure };
  }
  const { remote } = source;
  if (remote) {
    const there = await openThere(source, flag, database, onNote);
    if (there) return there;
  }
  const content = remote && (await copies.bring(remote).catch((error: unknown) => Promise.reject(at(flag, error))));
  const bring =
    remote &&
    (() =>
      copies.bring(remote).then(
        () => {},
        (error: unknown) => Promise.reject(at(flag, error)),
      ));
  const table = await asTable({ ...source, content }, join(database.folder, `sheet${index}.csv`), flag);
  const opened = await openFile(table, join(database.folder, `repaired${index}`), flag);
  if (opened === undefined) return undefined;
  const { file, encoding, invalidUtf8, note } = opened;
  if (note !== undefined) onNote?.(note, 'files');
  const failure = (error: unknown) => fileFailure(error, file, source.path, flag);
  try {
    const table = await openTable(file, database, like);
    const isPlainText = file.format === 'text';
    const place = say`${flag} ${source.path}`;
    return { table, name: source.path, place, isPlainText, encoding, invalidUtf8, bring, failure };
  } catch (error) {
    throw await failure(error);
  }
}

/** A Parquet file that DuckDB reads where it lies; undefined for what has to be copied. */
async function openThere(
  source: FileSource,
  flag: Origin,
  database: Database,
  onNote?: OnNote,
): Promise<Part | undefined> {
  const { remote, path: name } = source;
  if (!remote || source.format !== 'parquet') return undefined;
  let file: TableFile | undefined;
  try {
    if (!(await readsInPlace(remote, database))) return undefined;
    file = await openInPlace(source);
  } catch (error) {
    if (!(error instanceof MissingExtensionError)) throw at(flag, error);
    onNote?.(
      say`${flag}: ${name} is copied whole (${formatBytes(remote.bytes ?? 0)}), where its columns would do: ${error.line}`,
      'files',
    );
    return undefined;
  }
  if (!file) return undefined;
  const opened = file;
  const failure = (error: unknown) => fileFailure(error, opened, name, flag);
  try {
    const table = await openTable(opened, database);
    const bring = async () => {
      // Credentials of a role are good for an hour or so.
      await readsInPlace(remote, database);
    };
    return { table, name, place: say`${flag} ${name}`, isPlainText: false, invalidUtf8: 0, bring, failure };
  } catch (error) {
    throw await failure(error);
  }
}

async function openQueryOf(sql: string, database: Database): Promise<Table> {
  await loadForQuery(sql, database);
  if (/'s3:\/\//i.test(sql)) await giveKeys(database);
  return openQuery(sql, database);
}

/** A workbook as CSV beside it; other files as they are. */
async function asTable(source: FileSource, target: string, flag: Origin): Promise<FileSource> {
  if (source.format !== 'xlsx') return source;
  try {
    const holdsRows = await workbookToCsv(source.content ?? source.path, source.sheet, target);
    if (!holdsRows) await writeFile(target, '');
    return { kind: 'file', path: target, format: 'csv', gzip: false };
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(say`${flag}: ${error.line}`);
    if (error instanceof BertuneError) throw new BertuneError(say`${flag}: ${error.line}`);
    throw new UsageError(say`${flag}: cannot read ${source.path}: ${messageOf(error)}`);
  }
}
