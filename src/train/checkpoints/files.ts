import { closeSync, fsyncSync, openSync, readdirSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolders } from '../../core/files.ts';

/** The most that is read or written by one call. */
const mostBytes = 2 ** 28;

/** Makes a folder whose own name is durable, too. */
export function makeDurableFolder(path: string): void {
  const first = makeFolders(path);
  if (first !== undefined) syncFolder(dirname(first));
}

/** Makes the names in a folder durable. */
export function syncFolder(path: string): void {
  // Windows opens no folders; there a rename is journaled by the file system.
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Writes a new file by `write`, and flushes it to disk. @throws when there is one */
export async function writeDurably(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await write(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Writes all bytes where the file stands. */
export async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(bytes.length - done, mostBytes));
    done += bytesWritten;
  }
}

/** Reads so many bytes of a file as `into` has. @returns whether there were as many */
export function readAt(path: string, offset: number, into: Uint8Array): boolean {
  const file = openSync(path, 'r');
  try {
    for (let done = 0; done < into.length; ) {
      const count = readSync(file, into, done, Math.min(into.length - done, mostBytes), offset + done);
      if (count === 0) return false;
      done += count;
    }
    return true;
  } finally {
    closeSync(file);
  }
}

/** Names in a folder; none when it does not exist. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
