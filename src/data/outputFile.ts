import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UsageError } from '../core/errors.ts';
import {
  errorCode,
  makeFolder,
  makeFolders,
  removeFolder,
  removeMade,
  temporaryFolder,
  writeError,
} from '../core/files.ts';
import { setting } from '../core/message.ts';
import { s3Address, schemeOf, unknownScheme, withoutSecrets } from '../remote/address.ts';
import { at } from '../remote/failure.ts';
import { checkBucket, uploadFile } from '../remote/upload.ts';

/**
 * Writes a file that appears when it is complete. Until then what is written lies beside it, and goes when writing fails.
 *
 * @param write writes to the path that it is given
 * @param signal stops the sending of what is to be elsewhere
 * @throws UsageError for a place that cannot be written to, BertuneError when the disk is full
 */
export async function writeOutputFile<T>(
  path: string,
  write: (partial: string) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  if (isAddress(path)) return writeObject(path, write, signal);
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
  if (isAddress(path)) return checkObject(path);
  const partial = partialOf(path);
  const made = await madeFolder(dirname(path));
  try {
    await checkPlace(path, partial);
    await rm(partial, { force: true });
  } finally {
    if (made !== undefined) removeMade(made, dirname(path));
  }
}

/** The same on S3: what is written lies in a temporary folder until it is sent as a whole. */
async function writeObject<T>(
  address: string,
  write: (partial: string) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  await checkObject(address);
  const folder = temporaryFolder();
  try {
    const path = join(folder, basename(address));
    const result = await write(path);
    await uploadFile(path, address, undefined, signal);
    return result;
  } catch (error) {
    throw writeError(folder, error);
  } finally {
    removeFolder(folder);
  }
}

async function checkObject(address: string): Promise<void> {
  if (schemeOf(address) !== 's3') {
    throw new UsageError(`${withoutSecrets(address)} cannot be written to; give a file, or s3://BUCKET/KEY`);
  }
  const { bucket, key } = s3Address(address);
  if (bucket === '' || key === '' || key.endsWith('/'))
    throw new UsageError(`${withoutSecrets(address)} names no object; write s3://BUCKET/KEY`);
  await checkBucket(address).catch((error: unknown) => Promise.reject(at(setting('output'), error)));
}

function isAddress(path: string): boolean {
  return schemeOf(path) !== undefined || unknownScheme(path) !== undefined;
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
