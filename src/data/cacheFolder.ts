import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BertuneError } from '../core/errors.ts';
import { makeFolders, writeError } from '../core/files.ts';
import { say, setting } from '../core/message.ts';

/** What an entry holds beside its files, under this name. */
const recordFile = 'entry.json';

interface EntryRecord<T> {
  readonly value: T;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
}

/** An entry that has been looked at: its files are as they were written. */
export interface CacheEntry<T> {
  readonly folder: string;
  readonly value: T;
}

const hour = 3_600_000;

/**
 * Folders of files under keys, each with a value, up to a size: those that were not used for longest go first. Several
 * processes may use it at once: entries appear whole or not at all, and one that was used within the hour stays.
 */
export class CacheFolder<T> {
  readonly #path: string;
  readonly #mostBytes: number;

  constructor(path: string, mostBytes: number) {
    this.#path = path;
    this.#mostBytes = mostBytes;
  }

  /**
   * The entry of a key; one that is damaged is removed.
   * @param onRead called now and then while its files are read
   */
  async find(key: string, onRead?: () => void): Promise<CacheEntry<T> | undefined> {
    const folder = join(this.#path, key);
    const record = await readRecord<T>(folder);
    if (!record || !(await isWhole(folder, record, onRead))) {
      await this.#remove(key);
      return undefined;
    }
    const now = new Date();
    await utimes(join(folder, recordFile), now, now).catch(() => {});
    return { folder, value: record.value };
  }

  /** Makes an empty folder to write an entry to. @throws what the file system throws */
  async begin(key: string): Promise<string> {
    const folder = this.#beside(key);
    makeFolders(folder);
    return folder;
  }

  /** Turns a folder of `begin` into the entry of its key, or takes the one that another process was first with. */
  async finish(key: string, folder: string, value: T): Promise<CacheEntry<T>> {
    const files = [];
    for (const name of (await readdir(folder)).sort()) {
      const path = join(folder, name);
      files.push({ name, bytes: (await stat(path)).size, sha256: await digestOfFile(path) });
    }
    const record = JSON.stringify({ value, files } satisfies EntryRecord<T>);
    const path = join(folder, recordFile);
    await writeFile(path, `${record}\n${sha256(record)}\n`).catch((error: unknown) => {
      throw writeError(path, error);
    });
    const entry = { folder: join(this.#path, key), value };
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        await rename(folder, entry.folder);
        await this.#prune(key);
        return entry;
      } catch {
        const other = await this.find(key);
        if (other) {
          await rm(folder, { recursive: true, force: true });
          return other;
        }
      }
    }
    throw new BertuneError(
      say`${entry.folder} cannot be written; remove it, or choose another folder with ${setting('cache')}`,
    );
  }

  /** Removes what was not used for longest until the rest fits, and what killed processes left. */
  async #prune(newest: string): Promise<void> {
    const entries = [];
    for (const name of await readdir(this.#path)) {
      const isLeft = name.startsWith('.');
      const { bytes, changedAt } = await this.#sizeOf(name);
      if (isLeft && Date.now() - changedAt > 24 * hour) {
        await rm(join(this.#path, name), { recursive: true, force: true }).catch(() => {});
      } else if (!isLeft) entries.push({ name, bytes, changedAt });
    }
    entries.sort((a, b) => b.changedAt - a.changedAt);
    let total = 0;
    for (const { name, bytes, changedAt } of entries) {
      total += bytes;
      if (total <= this.#mostBytes || name === newest || Date.now() - changedAt < hour) continue;
      await this.#remove(name);
      total -= bytes;
    }
  }

  async #sizeOf(name: string): Promise<{ bytes: number; changedAt: number }> {
    const folder = join(this.#path, name);
    let bytes = 0;
    let changedAt = 0;
    for (const file of await readdir(folder).catch(() => [])) {
      const found = await stat(join(folder, file)).catch(() => undefined);
      bytes += found?.size ?? 0;
      changedAt = Math.max(changedAt, found?.mtimeMs ?? 0);
    }
    return { bytes, changedAt };
  }

  /** Takes the name away first, so that nobody meets half an entry. */
  async #remove(key: string): Promise<void> {
    const beside = this.#beside(key);
    try {
      await rename(join(this.#path, key), beside);
      await rm(beside, { recursive: true, force: true });
    } catch {
      // Gone already, or still open on a system that keeps such files: then it goes another time.
    }
  }

  #beside(key: string): string {
    return join(this.#path, `.${key}.${process.pid}-${++made}`);
  }
}

/** Tells apart the folders of one process. */
let made = 0;

/** SHA-256 of a file's content, in constant memory. @throws what the file system throws */
export async function digestOfFile(path: string, onRead?: () => void): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer);
    onRead?.();
  }
  return hash.digest('hex');
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function readRecord<T>(folder: string): Promise<EntryRecord<T> | undefined> {
  const text = await readFile(join(folder, recordFile), 'utf8').catch(() => '');
  const [record = '', checksum] = text.split('\n');
  return record !== '' && sha256(record) === checksum ? (JSON.parse(record) as EntryRecord<T>) : undefined;
}

async function isWhole<T>(folder: string, { files }: EntryRecord<T>, onRead?: () => void): Promise<boolean> {
  try {
    for (const { name, bytes } of files) if ((await stat(join(folder, name))).size !== bytes) return false;
  } catch {
    return false;
  }
  for (const { name, sha256: expected } of files) {
    const found = await digestOfFile(join(folder, name), onRead).catch((error: unknown) => {
      if (error instanceof BertuneError) throw error;
      return undefined;
    });
    if (found !== expected) return false;
  }
  return true;
}
