import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { BertuneError, messageOf, UsageError } from './errors.ts';

/** What a file is to hold: all of it, or a function that writes it piece by piece. */
export type FileContent = string | Uint8Array | ((file: FileHandle) => Promise<void>);

/**
 * Writes `path` so that it holds either what it held before or all of the new content, also after a crash: the content
 * goes to a file beside it, is flushed to disk and takes the name at the end. The folder has to exist.
 *
 * @throws BertuneError when the disk is full; UsageError when the place cannot be written to.
 */
export async function writeFileAtomic(path: string, content: FileContent): Promise<void> {
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}-${++written}.tmp`);
  try {
    await writeFlushed(beside, content);
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw writeError(path, error);
  }
  await flushFolder(dirname(path));
}

/**
 * Removes what killed processes left of atomic writes to files of these names in a folder. For a folder that no other
 * process writes to.
 */
export async function removeTemporaries(folder: string, names: readonly string[]): Promise<void> {
  for (const name of await readdir(folder)) {
    const written = /^\.(.+)\.\d+-\d+\.tmp$/.exec(name)?.[1];
    if (written !== undefined && names.includes(written)) await rm(join(folder, name), { force: true });
  }
}

/** Makes a folder and those above it, as far as they are missing. @throws UsageError when a file is in the way. */
export async function makeFolder(path: string): Promise<void> {
  try {
    makeFolders(path);
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (['EEXIST', 'ENOTDIR'].includes(code)) throw new UsageError(`${path} cannot be made: a file is in the way`);
    if (code === 'ENOENT') throw new UsageError(`${path} cannot be made: choose another folder`);
    throw writeError(path, error);
  }
}

/**
 * Makes a folder and those above it, as far as they are missing, one by one: Node's own recursive way never returns
 * where a file system takes no folders, as below /proc.
 * @param mode permissions of the folders made
 * @returns the first folder that was made; undefined when there was none to make.
 * @throws what the file system throws
 */
export function makeFolders(path: string, mode?: number): string | undefined {
  const missing: string[] = [];
  for (let folder = resolve(path); !exists(folder); folder = dirname(folder)) {
    missing.unshift(folder);
    if (folder === dirname(folder)) break;
  }
  if (missing.length === 0) missing.push(resolve(path));
  const made = missing.filter((folder) => makeOne(folder, mode));
  return made[0];
}

/**
 * Removes folders that `makeFolders` made, as far as nothing is in them.
 * @param made what it returned
 * @param path what it was called with
 */
export function removeMade(made: string, path: string): void {
  const top = resolve(made);
  for (let folder = resolve(path); folder.length >= top.length; folder = dirname(folder)) {
    if (readdirSync(folder).length > 0) return;
    rmdirSync(folder);
  }
}

/** Folders of this process that go with it, however it ends. */
const temporaries = new Set<string>();

/**
 * Makes a folder for what is needed for a while. `removeFolder` removes it, or else the end of the process.
 * @throws UsageError when the system's place for temporary files cannot be used.
 */
export function temporaryFolder(): string {
  try {
    const path = mkdtempSync(join(tmpdir(), 'bertune-'));
    if (temporaries.size === 0) process.on('exit', removeTemporaryFolders);
    temporaries.add(path);
    return path;
  } catch (error) {
    const reason = messageOf(writeError(tmpdir(), error));
    throw new UsageError(`no place for temporary files: ${reason}; set TMPDIR to a folder that can be written to`);
  }
}

/** Removes a folder of `temporaryFolder` with everything in it. */
export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  temporaries.delete(path);
  if (temporaries.size === 0) process.off('exit', removeTemporaryFolders);
}

function removeTemporaryFolders(): void {
  for (const path of temporaries) {
    try {
      removeFolder(path);
    } catch {
      // The process ends; the system clears such folders in the end.
    }
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** @returns false when the folder is there already. */
function makeOne(path: string, mode?: number): boolean {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
    throw error;
  }
}

/** Tells apart the temporary files of writes to one path at one time. */
let written = 0;

async function writeFlushed(path: string, content: FileContent): Promise<void> {
  const file = await open(path, 'w');
  try {
    if (typeof content === 'function') await content(file);
    else await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the new name itself durable. */
async function flushFolder(path: string): Promise<void> {
  // Windows opens no folders; there the rename is journaled by the file system.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The system's reason as one line that names the path; errors that are none of the system's stay as they are. */
export function writeError(path: string, error: unknown): unknown {
  const full = /no space left on device/i.test(messageOf(error)); // libraries word it so, without a code
  switch (full ? 'ENOSPC' : errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new BertuneError(`no space left on the disk of ${path}: free some and run again`);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new UsageError(`${path} cannot be written: no permission; choose another folder`);
    case 'ENOENT':
    case 'ENOTDIR':
      return new UsageError(`${path} cannot be written: its folder does not exist`);
    case 'EISDIR':
      return new UsageError(`${path} cannot be written: it is a folder`);
    case undefined:
      return error;
    default:
      return new BertuneError(`${path} cannot be written: ${messageOf(error)}`);
  }
}

/** The same for a file or folder that cannot be read. */
export function readError(path: string, error: unknown): unknown {
  switch (errorCode(error)) {
    case 'EACCES':
    case 'EPERM':
      return new UsageError(`${path} cannot be read: no permission; allow it, or choose another`);
    case 'ENOENT':
      return new UsageError(`${path} does not exist`);
    case 'ENOTDIR':
      return new UsageError(`${path} does not exist: a file stands where a folder is named`);
    case 'EISDIR':
      return new UsageError(`${path} cannot be read: it is a folder, not a file`);
    case undefined:
      return error;
    default:
      return new BertuneError(`${path} cannot be read: ${messageOf(error)}`);
  }
}

/** The system's error code ("ENOENT") of anything thrown. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
