import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UsageError } from '../core/errors.ts';
import { errorCode, makeFolder, makeFolders, removeMade, writeError } from '../core/files.ts';

/**
 * Writes a file that appears when it is complete. Until then what is written lies beside it, and goes when writing fails.
 *
 * @param write writes to the path that it is given
 * @throws UsageError for a place that cannot be written to, BertuneError when the disk is full
 */
export async function writeOutputFile<T>(path: string, write: (partial: string) => Promise<T>): Promise<T> {
  const partial = partialOf(path);
  await makeFolder(dirname(path));
  await checkPlace(path, partial);
  try {
    const result = await write(partial);
    await rename(partial, path);
    return result;
  } catch (error) {
    throw writeError(path, error);
  } finally {
    await rm(partial, { force: true });
  }
}

/**
 * Tells of a place that cannot be written to before there is any work. Leaves nothing behind.
 *
 * @throws UsageError
 */
export async function checkOutputFile(path: string): Promise<void> {
  const partial = partialOf(path);
  const made = await madeFolder(dirname(path));
  try {
    await checkPlace(path, partial);
    await rm(partial, { force: true });
  } finally {
    if (made !== undefined) removeMade(made, dirname(path));
  }
}

/** Leaves an empty partial file. */
async function checkPlace(path: string, partial: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw new UsageError(`${path} cannot be written: it is a folder`);
  try {
    await (await open(partial, 'w')).close();
  } catch (error) {
    throw writeError(path, error);
  }
}

/** @returns the topmost folder that was missing */
async function madeFolder(path: string): Promise<string | undefined> {
  try {
    return makeFolders(path);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    await makeFolder(path); // in words
    throw error;
  }
}

function partialOf(path: string): string {
  return `${path}.partial-${process.pid}`;
}
