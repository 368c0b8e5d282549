import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { BertuneError } from '../core/errors.ts';
import { errorCode, writeError } from '../core/files.ts';
import { connectionFailure, PassingError } from './failure.ts';
import { headHttps, readHttps } from './https.ts';
import type { RemoteObject } from './remoteObject.ts';
import { headS3, listS3, readS3 } from './s3.ts';

export type { RemoteObject } from './remoteObject.ts';

/**
 * What an address of S3 or the web names: an object, or all whose keys begin with it, as with a folder.
 *
 * @returns undefined for nothing
 * @throws UsageError when it is not there or refused; BertuneError when the network fails
 */
export async function findObject(address: string): Promise<RemoteObject | readonly RemoteObject[] | undefined> {
  if (!/^s3:/i.test(address)) return persisting(() => headHttps(address));
  const found = await persisting(() => headS3(address));
  if (found) return found;
  const below = await persisting(() => listS3(address.endsWith('/') ? address : `${address}/`));
  return below.length > 0 ? below : undefined;
}

/** The objects of S3 whose keys match a pattern with `*`, `?`, `[]` or `**`. */
export async function globObjects(pattern: string): Promise<RemoteObject[]> {
  const start = pattern.slice(0, pattern.search(/[*?[]/));
  const wanted = globExpression(pattern);
  return (await persisting(() => listS3(start))).filter(({ address }) => wanted.test(address));
}

/** The first bytes of an object, or all of a small one. */
export async function headOfObject(object: RemoteObject, bytes: number): Promise<Buffer> {
  if (object.bytes === 0) return Buffer.alloc(0);
  return persisting(async () => {
    const { body } = await bodyOf(object, 0, bytes - 1);
    const parts: Buffer[] = [];
    let length = 0;
    try {
      for await (const part of body) {
        parts.push(part as Buffer);
        length += (part as Buffer).length;
        if (length >= bytes) break;
      }
    } catch (error) {
      throw connectionFailure(error, object.name, 'its host');
    }
    return Buffer.concat(parts).subarray(0, bytes);
  });
}

/**
 * Writes an object to a file, going on where a connection breaks.
 *
 * @param onBytes hears how many are there
 * @throws BertuneError when it changed since it was found, the network fails for good, or the disk is full
 */
export async function fetchObject(object: RemoteObject, path: string, onBytes?: (bytes: number) => void) {
  let [failures, before] = [0, 0];
  for (;;) {
    try {
      const done = await receive(object, path, before, onBytes);
      if (object.bytes === undefined || done === object.bytes) return;
      if (done > object.bytes) throw new BertuneError(`${object.name} changed while it was read; run again`);
      throw new PassingError(`${object.name}: the connection was closed after ${done} of ${object.bytes} bytes`);
    } catch (error) {
      if (!(error instanceof PassingError)) throw error;
      const now = object.version === undefined ? 0 : ((await stat(path).catch(() => undefined))?.size ?? 0);
      failures = now > before ? 1 : failures + 1;
      before = now;
      if (failures >= attempts) throw error;
      await sleep(firstPauseMs * 2 ** (failures - 1));
    }
  }
}

const attempts = 4;
const firstPauseMs = 200;

/** Asks again where that may help. */
async function persisting<T>(ask: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof PassingError) || failures >= attempts) throw error;
      await sleep(firstPauseMs * 2 ** (failures - 1));
    }
  }
}

/** @returns how many bytes the file has now */
async function receive(object: RemoteObject, path: string, from: number, onBytes?: (bytes: number) => void) {
  const { body, from: start } = await bodyOf(object, from);
  let size = start;
  async function* counted() {
    try {
      for await (const part of body) {
        size += (part as Buffer).length;
        onBytes?.(size);
        yield part as Buffer;
      }
    } catch (error) {
      throw connectionFailure(error, object.name, 'its host');
    }
  }
  try {
    await pipeline(counted(), createWriteStream(path, { flags: start > 0 ? 'a' : 'w' }));
  } catch (error) {
    throw errorCode(error) === undefined ? error : writeError(path, error);
  }
  return size;
}

async function bodyOf(object: RemoteObject, from: number, to?: number): Promise<{ body: Readable; from: number }> {
  if (object.scheme === 'https') return readHttps(object, from, to);
  return { body: await readS3(object, from, to), from };
}

/** A glob as DuckDB has them: `**` stands for folders, the others for no slash. */
function globExpression(pattern: string): RegExp {
  const parts = pattern.split(/(\*\*\/|\*\*|\*|\?|\[[^\]]*\])/).map((part) => {
    if (part === '**/') return '(?:[^/]+/)*';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    if (/^\[.+\]$/.test(part)) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
    return part.replace(/[\\^$.|+(){}[\]]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`, 's');
}
