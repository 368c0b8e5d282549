import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BertuneError, UsageError } from '../core/errors.ts';
import { makeFolder } from '../core/files.ts';
import { throwIfAborted } from '../core/interrupt.ts';
import { s3Address } from './address.ts';
import { fetchObject, findObject, type RemoteObject } from './objects.ts';

export interface FolderHooks {
  /** Hears how far a file is, in bytes. */
  readonly onProgress?: (file: string, done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Brings a folder of S3 to this machine, once for what it holds: what was fetched before and has not changed is taken.
 *
 * @param takes whether a file is wanted, by its name in the folder
 * @param below folder that keeps what was fetched
 * @returns the folder, to be read only
 * @throws UsageError when there is nothing at the address; BertuneError when the network fails
 */
export async function fetchFolder(
  address: string,
  takes: (name: string) => boolean,
  below: string,
  { onProgress, signal }: FolderHooks = {},
): Promise<string> {
  const top = address.endsWith('/') ? address : `${address}/`;
  const found = await findObject(top);
  if (!found || 'scheme' in found) throw new UsageError(`no folder ${address}: no object's key begins with it`);
  const nameOf = ({ fileName }: RemoteObject) => fileName.slice(s3Address(top).key.length);
  const objects = found.filter((object) => takes(nameOf(object)));
  const hash = createHash('sha256').update(JSON.stringify([process.env.AWS_ENDPOINT_URL ?? '', top]));
  for (const object of objects) hash.update(JSON.stringify([nameOf(object), object.bytes, object.version]));
  const folder = join(below, hash.digest('hex').slice(0, 40));
  if (existsSync(folder)) return folder;
  const beside = `${folder}.${process.pid}.partial`;
  try {
    for (const object of objects) {
      const name = nameOf(object);
      if (name.split('/').some((part) => part === '..' || part === '.' || part === '' || part.includes('\\'))) {
        throw new BertuneError(`${object.name} has a name that lies outside its folder: nothing was fetched`);
      }
      throwIfAborted(signal);
      const path = join(beside, name);
      await makeFolder(dirname(path));
      await fetchObject(object, path, (bytes) => onProgress?.(name, bytes, object.bytes ?? bytes));
    }
    await rename(beside, folder).catch((error: unknown) => {
      // Another process was first.
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}
