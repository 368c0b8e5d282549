import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeError } from '../core/files.ts';
import { CacheFolder } from './cacheFolder.ts';

/** Most bytes of all vectors together that are kept. */
const mostBytes = 5e9;
/** Changes with what is in the files of an entry. */
const format = 1;
/** Files of an entry: digests of texts, and their vectors in the same order. */
const files = { texts: 'texts.bin', vectors: 'vectors.bin' } as const;
/** Bytes of a text's digest. */
const digestBytes = 16;
/** Entries of one encoder that become one when another comes. */
const mostEntries = 16;
/** Bytes of vectors that are put together at most. */
const mostJoinedBytes = 500e6;

interface Entry {
  readonly count: number;
  readonly size: number;
}

/**
 * Vectors of texts on disk, found by what they are of: the encoder's digest and the text. Every addition is an entry of
 * its own that appears whole or not at all, so that several processes may read and add at once; damaged ones are removed
 * and their vectors made anew.
 */
export class VectorStore {
  readonly #entries: CacheFolder<Entry>;
  readonly #encoder: string;
  readonly #size: number;

  /**
   * @param cache folder of what can be made again
   * @param encoder digest of everything that decides what a text's vector is
   * @param size numbers of a vector
   */
  constructor(cache: string, encoder: string, size: number) {
    this.#entries = new CacheFolder(join(cache, 'vectors'), mostBytes, format);
    this.#encoder = `${encoder.slice(0, 32)}-`;
    this.#size = size;
  }

  /** The vectors that are there, in the order of the texts. */
  async read(texts: readonly string[]): Promise<(Float32Array | undefined)[]> {
    const digests = texts.map(digestOf);
    const wanted = new Set(digests);
    const found = new Map<string, Float32Array>();
    for (const key of await this.#entries.keys(this.#encoder)) {
      if (found.size === wanted.size) break;
      for (const [digest, vector] of (await this.#vectorsOf(key)) ?? []) {
        // A copy, so that no more of an entry stays in memory than is asked for.
        if (wanted.has(digest) && !found.has(digest)) found.set(digest, vector.slice());
      }
    }
    return digests.map((digest) => found.get(digest));
  }

  /** Keeps the vectors of texts. @throws what the file system throws */
  async add(texts: readonly string[], vectors: readonly Float32Array[]): Promise<void> {
    const added = new Map(texts.map((text, i) => [digestOf(text), vectors[i] as Float32Array]));
    const keys = await this.#entries.keys(this.#encoder);
    if (keys.length < mostEntries) {
      await this.#write(added);
      return;
    }
    const joined: string[] = [];
    for (const key of keys) {
      const vectorsOfKey = await this.#vectorsOf(key);
      const bytes = (added.size + (vectorsOfKey?.size ?? 0)) * this.#size * 4;
      if (!vectorsOfKey || bytes > mostJoinedBytes) continue;
      for (const [digest, vector] of vectorsOfKey) added.set(digest, vector);
      joined.push(key);
    }
    const whole = await this.#write(added);
    for (const key of joined) if (key !== whole) await this.#entries.remove(key);
  }

  async #write(vectors: ReadonlyMap<string, Float32Array>): Promise<string> {
    const digests = [...vectors.keys()].sort();
    const texts = Buffer.concat(digests.map((digest) => Buffer.from(digest, 'hex')));
    const numbers = new Float32Array(digests.length * this.#size);
    for (const [i, digest] of digests.entries()) numbers.set(vectors.get(digest) as Float32Array, i * this.#size);
    const key = `${this.#encoder}${createHash('sha256').update(texts).digest('hex').slice(0, 32)}`;
    const folder = await this.#entries.begin(key);
    try {
      for (const [name, bytes] of [
        [files.texts, texts],
        [files.vectors, new Uint8Array(numbers.buffer)],
      ] as const) {
        const path = join(folder, name);
        await writeFile(path, bytes).catch((error: unknown) => {
          throw writeError(path, error);
        });
      }
      await this.#entries.finish(key, folder, { count: digests.length, size: this.#size });
      return key;
    } finally {
      // Nothing is there any more when it became an entry.
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** The vectors of an entry by the digests of their texts; undefined for one that is damaged or just went. */
  async #vectorsOf(key: string): Promise<Map<string, Float32Array> | undefined> {
    const entry = await this.#entries.find(key);
    if (!entry || entry.value.size !== this.#size) return undefined;
    const { count } = entry.value;
    const [texts, bytes] = await Promise.all([
      readFile(join(entry.folder, files.texts)),
      readFile(join(entry.folder, files.vectors)),
    ]).catch(() => []);
    if (texts?.length !== count * digestBytes || bytes?.length !== count * this.#size * 4) return undefined;
    // Into memory of its own, which begins at a multiple of four bytes.
    const numbers = new Float32Array(Uint8Array.from(bytes).buffer);
    return new Map(
      Array.from({ length: count }, (_, i) => [
        texts.toString('hex', i * digestBytes, (i + 1) * digestBytes),
        numbers.subarray(i * this.#size, (i + 1) * this.#size),
      ]),
    );
  }
}

function digestOf(text: string): string {
  // Lone surrogates have no UTF-8 of their own.
  return createHash('sha256')
    .update(text, 'utf16le')
    .digest('hex')
    .slice(0, 2 * digestBytes);
}
