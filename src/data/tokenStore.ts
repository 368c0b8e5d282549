import { createHash } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { BertuneError, messageOf } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';

/** One tokenized sequence, without special tokens around it. */
export interface StoredSequence {
  /** Token ids [length]. */
  readonly ids: Uint32Array;
  /** 1 where a token starts a new masking unit (a whole word), else 0 [length]. */
  readonly starts: Uint8Array;
}

/** Bytes of one entry of the index: where the sequence starts, in tokens (48 bits), and its length (16 bits). */
const entryBytes = 8;
const bufferedTokens = 1 << 18;
/** An index up to this size is kept in memory, whatever the corpus; a larger one is read by position. */
const largestCachedIndex = 1 << 26;

/**
 * Tokenized sequences on disk: `tokens.bin` (16 bits a token where the vocabulary allows, else 32), `starts.bin`
 * (a byte a token) and `index.bin`. Read by position, so memory does not grow with the corpus.
 */
export class TokenStore {
  readonly length: number;
  readonly #files: { tokens: number; starts: number; index: number };
  readonly #wide: boolean;
  readonly #index: Uint32Array | undefined;
  readonly #entry = new Uint32Array(2);

  constructor(folder: string, vocabularySize: number) {
    this.#files = openAll(folder, 'r');
    this.#wide = vocabularySize > 65536;
    const { size } = fstatSync(this.#files.index);
    this.length = size / entryBytes;
    if (size <= largestCachedIndex) {
      this.#index = new Uint32Array(size / 4);
      readFully(this.#files.index, this.#index, 0);
    }
  }

  /** Tokens of sequence i. */
  lengthOf(i: number): number {
    return (this.#entryOf(i)[1] as number) & 0xffff;
  }

  /** Reads sequence i. */
  read(i: number): StoredSequence {
    const entry = this.#entryOf(i);
    const [low, high] = [entry[0] as number, entry[1] as number];
    const start = (high >>> 16) * 2 ** 32 + low;
    const length = high & 0xffff;
    const stored = this.#wide ? new Uint32Array(length) : new Uint16Array(length);
    readFully(this.#files.tokens, stored, start * stored.BYTES_PER_ELEMENT);
    const starts = new Uint8Array(length);
    readFully(this.#files.starts, starts, start);
    return { ids: stored instanceof Uint32Array ? stored : Uint32Array.from(stored), starts };
  }

  close(): void {
    for (const file of Object.values(this.#files)) closeSync(file);
  }

  #entryOf(i: number): Uint32Array {
    if (!(i >= 0 && i < this.length)) throw new RangeError(`token store: no sequence ${i} of ${this.length}`);
    if (this.#index) return this.#index.subarray(2 * i, 2 * i + 2);
    readFully(this.#files.index, this.#entry, i * entryBytes);
    return this.#entry;
  }
}

/** Writes a token store, sequence after sequence. */
export class TokenStoreWriter {
  length = 0;
  tokens = 0;
  readonly #folder: string;
  readonly #files: { tokens: number; starts: number; index: number };
  readonly #ids: Uint16Array | Uint32Array;
  readonly #starts = new Uint8Array(bufferedTokens);
  readonly #index = new Uint32Array(bufferedTokens);
  readonly #hash = createHash('sha256');
  #buffered = 0;
  #entries = 0;

  constructor(folder: string, vocabularySize: number) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.#files = openAll(folder, 'w');
    this.#ids = vocabularySize > 65536 ? new Uint32Array(bufferedTokens) : new Uint16Array(bufferedTokens);
  }

  /** Appends a sequence of at most 65,535 tokens. */
  add(ids: ArrayLike<number>, starts: ArrayLike<number>): void {
    if (ids.length > 0xffff) throw new RangeError(`token store: a sequence of ${ids.length} tokens is too long`);
    if (this.#buffered + ids.length > bufferedTokens || this.#entries + 2 > bufferedTokens) this.#flush();
    this.#ids.set(ids, this.#buffered);
    this.#starts.set(starts, this.#buffered);
    this.#index[this.#entries++] = this.tokens % 2 ** 32;
    this.#index[this.#entries++] = Math.floor(this.tokens / 2 ** 32) * 65536 + ids.length;
    this.#buffered += ids.length;
    this.tokens += ids.length;
    this.length++;
  }

  /**
   * Writes what is buffered and closes the files.
   * @returns a digest of all sequences and their order
   * @throws BertuneError when the disk is full
   */
  finish(): string {
    try {
      this.#flush();
    } finally {
      for (const file of Object.values(this.#files)) closeSync(file);
    }
    return this.#hash.digest('hex');
  }

  #flush(): void {
    const parts = [
      [this.#files.tokens, this.#ids.subarray(0, this.#buffered)],
      [this.#files.starts, this.#starts.subarray(0, this.#buffered)],
      [this.#files.index, this.#index.subarray(0, this.#entries)],
    ] as const;
    try {
      for (const [file, values] of parts) {
        const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        this.#hash.update(bytes);
        writeFully(file, bytes);
      }
    } catch (error) {
      throw new BertuneError(`cannot write the tokenized corpus to ${this.#folder}: ${messageOf(error)}; free space`);
    }
    this.#buffered = 0;
    this.#entries = 0;
  }
}

function openAll(folder: string, flags: string): { tokens: number; starts: number; index: number } {
  const open = (name: string) => openSync(join(folder, name), flags);
  return { tokens: open('tokens.bin'), starts: open('starts.bin'), index: open('index.bin') };
}

function readFully(file: number, target: NodeJS.TypedArray, position: number): void {
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  let done = 0;
  while (done < bytes.length) {
    const count = readSync(file, bytes, done, bytes.length - done, position + done);
    if (count === 0)
      throw new BertuneError(say`the tokenized corpus ends early; run again with ${setting('overwrite')}`);
    done += count;
  }
}

function writeFully(file: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(file, bytes, done, bytes.length - done);
}
