import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { BertuneError } from '../../core/errors.ts';
import { writeError } from '../../core/files.ts';
import { narrowToFloat16, widenFloat16 } from '../../hub/halfPrecision.ts';

/** Bytes of a number: half precision, which moves a cosine by less than 1e-6. */
const numberBytes = 2;

/** Rows of numbers in half precision on disk, read by their number: memory does not grow with them. */
export class Answers {
  readonly length: number;
  /** Numbers of a row. */
  readonly size: number;
  readonly #files: readonly number[];
  readonly #rowsOfFile: number;

  /** @param rowsOfFile rows of each file but the last, which may have fewer */
  constructor(paths: readonly string[], rowsOfFile: number, length: number, size: number) {
    this.length = length;
    this.size = size;
    this.#rowsOfFile = rowsOfFile;
    this.#files = paths.map((path) => openSync(path, 'r'));
  }

  /** Row i [size]. */
  read(i: number): Float32Array {
    const file = this.#files[Math.floor(i / this.#rowsOfFile)];
    if (file === undefined || !(i < this.length)) throw new RangeError(`answers: no row ${i} of ${this.length}`);
    const stored = new Uint16Array(this.size);
    const bytes = new Uint8Array(stored.buffer);
    const position = (i % this.#rowsOfFile) * bytes.length;
    if (readSync(file, bytes, 0, bytes.length, position) < bytes.length) {
      throw new BertuneError('the answers of the teacher end early; run again');
    }
    const row = new Float32Array(this.size);
    widenFloat16(stored, row);
    return row;
  }

  close(): void {
    for (const file of this.#files) closeSync(file);
  }
}

/** Writes rows of numbers, one after the other, to a file that `Answers` reads. */
export class AnswersWriter {
  readonly #path: string;
  readonly #file: number;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'w');
  }

  /** @throws BertuneError when the disk is full */
  add(rows: readonly Float32Array[]): void {
    const size = rows[0]?.length ?? 0;
    const stored = new Uint16Array(rows.length * size);
    for (const [i, row] of rows.entries()) narrowToFloat16(row, stored.subarray(i * size, (i + 1) * size));
    const bytes = new Uint8Array(stored.buffer, 0, stored.length * numberBytes);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
    } catch (error) {
      throw writeError(this.#path, error);
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}
