import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
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
    await mkdir(path, { recursive: true });
  } catch (error) {
    const inTheWay = ['EEXIST', 'ENOTDIR'].includes(errorCode(error) ?? '');
    throw inTheWay ? new UsageError(`${path} cannot be made: a file is in the way`) : writeError(path, error);
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

/** The system's error code ("ENOENT") of anything thrown. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
