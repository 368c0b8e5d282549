import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkedVersion,
  NewerFormatError,
  parseObject,
  type VersionRange,
  versionKey,
  versionOf,
} from '../core/document.ts';
import { BertuneError } from '../core/errors.ts';
import { makeFolders, writeError } from '../core/files.ts';
import { say, setting } from '../core/message.ts';

/**
 * What an entry holds beside its files, under this name: a line of JSON, then its checksum. In whatever version, the line
 * begins an object with its `format`, so that an older program can tell what it must leave alone.
 */
const recordFile = 'entry.json';
const recordFormat: VersionRange = { migrations: [] };

interface EntryRecord<T> {
  /** Of the value and the files; 1 in records that do not tell. */
  readonly contentVersion?: number;
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
 * processes may use it at once: entries appear whole or not at all, and one that was used within the hour stays. Entries
 * that a newer version of bertune wrote, and whatever else lies there, are left alone and not counted.
 */
export class CacheFolder<T> {
  readonly #path: string;
  readonly #mostBytes: number;
  readonly #contentVersion: number;

  /** @param contentVersion of what entries hold; part of the key is up to the caller */
  constructor(path: string, mostBytes: number, contentVersion = 1) {
    this.#path = path;
    this.#mostBytes = mostBytes;
    this.#contentVersion = contentVersion;
  }

  /**
   * The entry of a key; one that is damaged is removed.
   * @param onRead called now and then while its files are read
   */
  async find(key: string, onRead?: () => void): Promise<CacheEntry<T> | undefined> {
    const name = await this.#nameOf(key);
    const folder = join(this.#path, name);
    const record = await readRecord<T>(folder);
    if (!record || !(await isWhole(folder, record, onRead))) {
      await this.#remove(name);
      return undefined;
    }
    const now = new Date();
    await utimes(join(folder, recordFile), now, now).catch(() => {});
    return { folder, value: record.value };
  }

  /** Keys of the entries that begin alike, those first that were not used for longest. */
  async keys(beginning: string): Promise<string[]> {
    const found: { name: string; changedAt: number }[] = [];
    for (const name of await readdir(this.#path).catch(() => [])) {
      if (!name.startsWith(beginning) || !(await this.#isOurs(name))) continue;
      found.push({ name, changedAt: (await this.#sizeOf(name)).changedAt });
    }
    return found.sort((a, b) => a.changedAt - b.changedAt || (a.name < b.name ? -1 : 1)).map(({ name }) => name);
  }

  /** Removes an entry, for one that holds what it held. */
  async remove(key: string): Promise<void> {
    await this.#remove(await this.#nameOf(key));
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
    const content: EntryRecord<T> = { contentVersion: this.#contentVersion, value, files };
    const record = JSON.stringify({ ...versionKey(recordFormat), ...content });
    const path = join(folder, recordFile);
    await writeFile(path, `${record}\n${sha256(record)}\n`).catch((error: unknown) => {
      throw writeError(path, error);
    });
    const newest = await this.#nameOf(key);
    const entry = { folder: join(this.#path, newest), value };
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        await rename(folder, entry.folder);
        await this.#prune(newest);
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
      const isLeft = /^\..+\.\d+-\d+$/.test(name);
      if (!isLeft && !(await this.#isOurs(name))) continue;
      const { bytes, changedAt } = await this.#sizeOf(name);
      if (!isLeft) entries.push({ name, bytes, changedAt });
      else if (Date.now() - changedAt > 24 * hour) {
        await rm(join(this.#path, name), { recursive: true, force: true }).catch(() => {});
      }
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

  /** The folder's name for a key: another one where a newer version keeps an entry under the key's own. */
  async #nameOf(key: string): Promise<string> {
    const isTaken = (await this.#versionOf(key)) === 'newer';
    return isTaken ? `${key}.${versionOf(recordFormat)}.${this.#contentVersion}` : key;
  }

  async #isOurs(name: string): Promise<boolean> {
    return (await this.#versionOf(name)) === 'known';
  }

  /** What the record under a name says, whether or not it is damaged otherwise. */
  async #versionOf(name: string): Promise<'known' | 'newer' | 'none'> {
    const file = join(this.#path, name, recordFile);
    const [line = ''] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    try {
      const record = parseObject(line, file);
      checkedVersion(record, file, recordFormat);
      const { contentVersion = 1 } = record;
      return typeof contentVersion === 'number' && contentVersion > this.#contentVersion ? 'newer' : 'known';
    } catch (error) {
      return error instanceof NewerFormatError ? 'newer' : 'none';
    }
  }

  /** Takes the name away first, so that nobody meets half an entry. */
  async #remove(name: string): Promise<void> {
    const beside = this.#beside(name);
    try {
      await rename(join(this.#path, name), beside);
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
