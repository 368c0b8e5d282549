import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { randomUnit } from '../../../src/core/random.ts';

export interface IdxContent {
  readonly rows: number;
  readonly columns: number;
  /** [images, rows, columns] */
  readonly pixels: ArrayLike<number>;
  readonly labels: readonly number[];
  readonly gzip?: boolean;
}

/** Writes `NAME-images-idx3-ubyte` with its labels beside it and gives the path of the images. */
export function writeIdx(folder: string, name: string, { rows, columns, pixels, labels, gzip }: IdxContent): string {
  const write = (file: string, header: readonly number[], content: ArrayLike<number>) => {
    const head = Buffer.alloc(4 * header.length);
    for (const [i, word] of header.entries()) head.writeUInt32BE(word, 4 * i);
    const whole = Buffer.concat([head, Uint8Array.from(content)]);
    const path = join(folder, gzip ? `${file}.gz` : file);
    writeFileSync(path, gzip ? gzipSync(whole) : whole);
    return path;
  };
  write(`${name}-labels-idx1-ubyte`, [0x801, labels.length], labels);
  return write(`${name}-images-idx3-ubyte`, [0x803, labels.length, rows, columns], pixels);
}

/** Pixels [count, size, size] of `writeBars`. */
export function barPixels(count: number, size: number, seed = 5): Uint8Array {
  const pixels = new Uint8Array(count * size * size);
  for (let n = 0; n < count; n++) {
    const bar = Math.floor(randomUnit(seed, 'sample', n) * size);
    for (let i = 0; i < size * size; i++) {
      const isBar = (n % 2 === 0 ? Math.floor(i / size) : i % size) === bar;
      pixels[n * size * size + i] = (isBar ? 200 : 20) + Math.floor(40 * randomUnit(seed, 'sample', n, i + 1));
    }
  }
  return pixels;
}

/** Writes bright bars on a dark ground: across in the images of class 0, down in those of class 1, taking turns. */
export function writeBars(folder: string, name: string, count: number, size = 8, seed = 5): string {
  const labels = Array.from({ length: count }, (_, n) => n % 2);
  return writeIdx(folder, name, { rows: size, columns: size, pixels: barPixels(count, size, seed), labels });
}
