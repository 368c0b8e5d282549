import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { BertuneError, messageOf } from '../core/errors.ts';

/** Hashes that are read or written at a time. */
const chunk = 1 << 14;

/** A 53-bit hash as a number (two FNV-1a streams). */
export function hashText(text: string): number {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x85ebca6b) ^ (b >>> 13);
  }
  return (a >>> 0) * 2 ** 21 + ((b >>> 0) & 0x1fffff);
}

/** A list of hashes on disk, 8 bytes each: what tells repeated texts of a corpus that does not fit in memory. */
export class HashFile {
  readonly #path: string;
  readonly #file: number;
  readonly #buffer = new Float64Array(chunk);
  #used = 0;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'w');
  }

  add(hash: number): void {
    this.#buffer[this.#used++] = hash;
    if (this.#used === this.#buffer.length) this.#flush();
  }

  /** Writes what is buffered and closes the file; it can be read from then on. */
  finish(): void {
    this.#flush();
    closeSync(this.#file);
  }

  /** The hashes in order, from the beginning at every call. */
  *values(): Generator<number> {
    const file = openSync(this.#path, 'r');
    try {
      const buffer = new Float64Array(chunk);
      for (;;) {
        const bytes = readSync(file, buffer, 0, buffer.byteLength, null);
        if (bytes === 0) return;
        yield* buffer.subarray(0, bytes / 8);
      }
    } finally {
      closeSync(file);
    }
  }

  #flush(): void {
    try {
      writeSync(this.#file, this.#buffer.subarray(0, this.#used));
    } catch (error) {
      throw new BertuneError(`cannot write ${this.#path}: ${messageOf(error)}; free space`);
    }
    this.#used = 0;
  }
}
