import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type DocumentFormat, documentText, readDocument } from '../core/document.ts';
import { BertuneError, messageOf } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';

/** One tokenized sequence, without special tokens around it. */
export interface StoredSequence {
  /** Token ids [length]. */
  readonly ids: Uint32Array;
  /** 1 where a token starts a new masking unit (a whole word), else 0 [length]. */
  readonly starts: Uint8Array;
}

/** Several of them, one after the other. */
export interface StoredSequences {
  /** Token ids of all of them [tokens]. */
  readonly ids: Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  /** As of one [tokens]. */
  readonly starts: Uint8Array<ArrayBuffer>;
  /** Tokens of each [sequences]. */
  readonly lengths: Uint32Array<ArrayBuffer>;
}

/** Bytes of one entry of the index: where the sequence starts, in tokens (48 bits), and its length (16 bits). */
const entryBytes = 8;
const headerFile = 'store.json';
const bufferedTokens = 1 << 18;
/** An index up to this size is kept in memory, whatever the corpus; a larger one is read by position. */
const largestCachedIndex = 1 << 26;

/** What a store's `store.json` tells of its other files. */
interface StoreHeader {
  readonly sequences: number;
  readonly tokens: number;
  readonly bytesPerToken: 2 | 4;
}

/** Stores of version 1 have no `store.json`, and otherwise the same files. */
const headerFormat: DocumentFormat<StoreHeader> = {
  schema: z.object({ sequences: z.int(), tokens: z.int(), bytesPerToken: z.union([z.literal(2), z.literal(4)]) }),
  migrations: [],
  oldest: 2,
};

/**
 * Tokenized sequences on disk: `tokens.bin` (16 bits a token where the vocabulary allows, else 32), `starts.bin`
 * (a byte a token), `index.bin` and, written last, `store.json`, which tells how many there are. Read by position, so
 * memory does not grow with the corpus.
 */
export class TokenStore {
  readonly length: number;
  readonly #files: { tokens: number; starts: number; index: number };
  readonly #wide: boolean;
  readonly #index: Uint32Array | undefined;
  readonly #entry = new Uint32Array(2);

  /**
   * @param vocabularySize tells the width of a token in stores of version 1
   * @throws NewerFormatError for a store of a newer version; BertuneError when it is damaged
   */
  constructor(folder: string, vocabularySize: number) {
    const header = readDocument(join(folder, headerFile), headerFormat) ?? firstHeader(folder, vocabularySize);
    this.#files = openAll(folder, 'r');
    this.#wide = header.bytesPerToken === 4;
    this.length = header.sequences;
    const size = header.sequences * entryBytes;
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
    const start = this.#startOf(i);
    const length = this.#lengthOf(i);
    const stored = this.#wide ? new Uint32Array(length) : new Uint16Array(length);
    readFully(this.#files.tokens, stored, start * stored.BYTES_PER_ELEMENT);
    const starts = new Uint8Array(length);
    readFully(this.#files.starts, starts, start);
    return { ids: stored instanceof Uint32Array ? stored : Uint32Array.from(stored), starts };
  }

  /** Reads the sequences from one up to another, one after the other. */
  readRange(from: number, to: number): StoredSequences {
    const lengths = Uint32Array.from({ length: to - from }, (_, i) => this.lengthOf(from + i));
    const tokens = lengths.reduce((sum, length) => sum + length, 0);
    const ids = this.#wide ? new Uint32Array(tokens) : new Uint16Array(tokens);
    const starts = new Uint8Array(tokens);
    if (tokens > 0) {
      const start = this.#startOf(from);
      readFully(this.#files.tokens, ids, start * ids.BYTES_PER_ELEMENT);
      readFully(this.#files.starts, starts, start);
    }
    return { ids, starts, lengths };
  }

  close(): void {
    for (const file of Object.values(this.#files)) closeSync(file);
  }

  #lengthOf(i: number): number {
    return (this.#entryOf(i)[1] as number) & 0xffff;
  }

  #startOf(i: number): number {
    const entry = this.#entryOf(i);
    const [low, high] = [entry[0] as number, entry[1] as number];
    return (high >>> 16) * 2 ** 32 + low;
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
    this.#ids = bytesPerToken(vocabularySize) === 4 ? new Uint32Array(bufferedTokens) : new Uint16Array(bufferedTokens);
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
    const { length: sequences, tokens } = this;
    const header: StoreHeader = { sequences, tokens, bytesPerToken: this.#ids instanceof Uint32Array ? 4 : 2 };
    this.#write(() => writeFileSync(join(this.#folder, headerFile), documentText(headerFormat, header)));
    return this.#hash.digest('hex');
  }

  #flush(): void {
    const parts = [
      [this.#files.tokens, this.#ids.subarray(0, this.#buffered)],
      [this.#files.starts, this.#starts.subarray(0, this.#buffered)],
      [this.#files.index, this.#index.subarray(0, this.#entries)],
    ] as const;
    this.#write(() => {
      for (const [file, values] of parts) {
        const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        this.#hash.update(bytes);
        writeFully(file, bytes);
      }
    });
    this.#buffered = 0;
    this.#entries = 0;
  }

  #write(write: () => void): void {
    try {
      write();
    } catch (error) {
      throw new BertuneError(`cannot write the tokenized corpus to ${this.#folder}: ${messageOf(error)}; free space`);
    }
  }
}

function bytesPerToken(vocabularySize: number): 2 | 4 {
  return vocabularySize > 65536 ? 4 : 2;
}

/** What version 1 left to be derived. */
function firstHeader(folder: string, vocabularySize: number): StoreHeader {
  const sizeOf = (name: string) => statSync(join(folder, name)).size;
  const sequences = Math.floor(sizeOf('index.bin') / entryBytes);
  return { sequences, tokens: sizeOf('starts.bin'), bytesPerToken: bytesPerToken(vocabularySize) };
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
