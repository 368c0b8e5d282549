import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BertuneError } from '../core/errors.ts';
import { makeFolder, writeError } from '../core/files.ts';
import type { RepoCache } from './hubCache.ts';
import { ConnectionError, connectionError } from './requests.ts';

/** One file of a repository, as its listing says. */
export interface RemoteFile {
  readonly path: string;
  /** Bytes of its content. */
  readonly size: number;
  /** SHA-256 of the content of a large file (64 digits), or the SHA-1 that git gives a small one (40 digits). */
  readonly checksum: string;
}

export interface DownloadOptions {
  readonly url: URL;
  readonly fetch: typeof fetch;
  /** What messages call the repository. */
  readonly name: string;
  readonly signal?: AbortSignal;
  /** Hears the bytes that are there so far. */
  readonly onBytes?: (bytes: number) => void;
}

/** Times that a download whose connection broke goes on by itself; those that brought nothing new. */
const attempts = 4;
const firstPauseMs = 250;

/**
 * Brings a file's content into the cache, under its checksum. It is written beside and takes its name when the checksum is
 * right; what a broken connection or a killed process left is gone on with.
 *
 * @throws BertuneError when the content does not have the checksum, or the connection breaks for good
 */
export async function downloadBlob(cache: RepoCache, file: RemoteFile, options: DownloadOptions): Promise<void> {
  const path = cache.blob(file.checksum);
  const isThere = async () => (await stat(path).catch(() => undefined))?.size === file.size;
  if (await isThere()) return;
  await makeFolder(dirname(path));
  await cache.exclusively(
    file.checksum,
    async () => {
      // Whoever held the lock before may have brought it.
      if (!(await isThere())) await downloadTo(path, file, options);
    },
    options.signal,
  );
}

async function downloadTo(path: string, file: RemoteFile, options: DownloadOptions): Promise<void> {
  // Not the name that huggingface_hub uses: it does not know our lock, nor we its.
  const beside = `${path}.bertune.incomplete`;
  const resumedFrom = (await stat(beside).catch(() => undefined))?.size ?? 0;
  try {
    await transfer(beside, file, options);
    if (await matches(beside, file)) return await rename(beside, path);
    await rm(beside, { force: true });
    if (resumedFrom > 0) {
      // What was left of an earlier download may be what is wrong.
      await transfer(beside, file, options);
      if (await matches(beside, file)) return await rename(beside, path);
      await rm(beside, { force: true });
    }
  } catch (error) {
    throw writeError(path, error);
  }
  throw new BertuneError(
    `${file.path} of ${options.name} came with another checksum than the Hub lists for it (${file.checksum}): not kept; run again`,
  );
}

/** Writes the file beside, going on where a connection breaks, until it has the whole size. */
async function transfer(beside: string, file: RemoteFile, options: DownloadOptions): Promise<void> {
  let failures = 0;
  for (;;) {
    const before = (await stat(beside).catch(() => undefined))?.size ?? 0;
    try {
      if (await receive(beside, file, before, options)) return;
      throw connectionError(new Error('the connection was closed'), options.url, options.signal);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      const after = (await stat(beside).catch(() => undefined))?.size ?? 0;
      failures = after > before ? 1 : failures + 1;
      if (failures > attempts) throw brokenOff(file, after, error);
      await sleep(firstPauseMs * 2 ** (failures - 1), undefined, { signal: options.signal }).catch(() => {});
    }
  }
}

function brokenOff(file: RemoteFile, bytes: number, error: ConnectionError): BertuneError {
  if (bytes === 0) return error;
  return new BertuneError(
    `the connection broke after ${bytes} of ${file.size} bytes of ${file.path}; run again, and it goes on from there`,
  );
}

/** Asks for the rest of a file and appends it. @returns whether the file has its size now */
async function receive(beside: string, file: RemoteFile, from: number, options: DownloadOptions): Promise<boolean> {
  if (from === file.size) return true;
  const start = from > file.size ? 0 : from;
  // Content that is compressed on the way has other lengths and ranges.
  const headers = { 'accept-encoding': 'identity', ...(start > 0 ? { range: `bytes=${start}-` } : {}) };
  const response = await options.fetch(options.url, { headers });
  const goesOn = response.status === 206 && startOf(response) === start;
  if (start > 0 && !goesOn) {
    await response.body?.cancel();
    await rm(beside, { force: true });
    return receive(beside, file, 0, options);
  }
  const output = await open(beside, start > 0 ? 'a' : 'w');
  let size = start;
  try {
    for await (const chunk of chunksOf(response, options)) {
      size += chunk.length;
      if (size > file.size) break;
      await output.writeFile(chunk);
      options.onBytes?.(size);
    }
    await output.sync();
  } finally {
    await output.close();
  }
  if (size <= file.size) return size === file.size;
  await rm(beside, { force: true });
  throw new BertuneError(`${file.path} of ${options.name} is longer than the Hub lists (${file.size} bytes): not kept`);
}

async function* chunksOf(response: Response, { url, signal }: DownloadOptions): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw connectionError(error, url, signal);
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** First byte of a partial answer. */
function startOf(response: Response): number {
  return Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? Number.NaN);
}

/** Whether a file's content has its checksum. */
export async function matches(path: string, file: Pick<RemoteFile, 'size' | 'checksum'>): Promise<boolean> {
  const hash = hashFor(file);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex') === file.checksum;
}

/** Git hashes a small file's length along with it. */
function hashFor({ checksum, size }: Pick<RemoteFile, 'size' | 'checksum'>): Hash {
  return checksum.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}
