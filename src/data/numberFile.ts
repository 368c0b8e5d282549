import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { BertuneError, messageOf } from '../core/errors.ts';

/** Numbers that are read or written at a time. */
const chunk = 1 << 14;

/** A list of numbers on disk, 8 bytes each: what is known of each text of a corpus that does not fit in memory. */
export class NumberFile {
  readonly length: number;
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'r');
    this.length = Math.floor(fstatSync(this.#file).size / 8);
  }

  /** The numbers in order, from the beginning at every call. */
  *values(): Generator<number> {
    const buffer = new Float64Array(chunk);
    for (let done = 0; done < this.length; ) {
      const bytes = readSync(this.#file, buffer, 0, buffer.byteLength, done * 8);
      const count = Math.floor(bytes / 8);
      if (count === 0) throw new BertuneError('the tokenized corpus ends early; run again');
      for (let i = 0; i < count; i++) yield buffer[i] as number;
      done += count;
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Writes a list of numbers, one after the other. */
export class NumberFileWriter {
  readonly #path: string;
  readonly #file: number;
  readonly #buffer = new Float64Array(chunk);
  #used = 0;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'w');
  }

  add(number: number): void {
    this.#buffer[this.#used++] = number;
    if (this.#used === this.#buffer.length) this.#flush();
  }

  /** Writes what is buffered and closes the file. @throws BertuneError when the disk is full */
  finish(): void {
    try {
      this.#flush();
    } finally {
      closeSync(this.#file);
    }
  }

  #flush(): void {
    const bytes = new Uint8Array(this.#buffer.buffer, 0, this.#used * 8);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
    } catch (error) {
      throw new BertuneError(`cannot write ${this.#path}: ${messageOf(error)}; free space`);
    }
    this.#used = 0;
  }
}
