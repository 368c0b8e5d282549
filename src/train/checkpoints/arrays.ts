import { join } from 'node:path';
import { BertuneError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { ArraySource, ExportedArray } from '../../engine/trainState.ts';
import { Checksum, wordsOf } from './checksum.ts';
import { readAt, writeAll, writeDurably } from './files.ts';
import { bytesOf, keyOf, type PlacedArray } from './manifest.ts';

/** What every format's arrays are in. */
export const arraySuffix = '.f32';

/** Writes a file for each part. @returns where every array is */
export async function writeArrays(folder: string, arrays: AsyncIterable<ExportedArray>): Promise<PlacedArray[]> {
  const placed: PlacedArray[] = [];
  const source = arrays[Symbol.asyncIterator]();
  for (let next = await source.next(); !next.done; ) {
    const { part } = next.value;
    const file = `${part}${arraySuffix}`;
    await writeDurably(join(folder, file), async (handle) => {
      let offset = 0;
      for (; !next.done && next.value.part === part; next = await source.next()) {
        const { name, shape, data } = next.value;
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        // The system writes in a thread of its own meanwhile.
        const writing = writeAll(handle, bytes);
        const checksum = new Checksum().update(wordsOf(data)).digest();
        await writing;
        placed.push({ part, name, shape, file, offset, checksum });
        offset += bytes.length;
      }
    });
  }
  return placed;
}

/** The arrays of a checkpoint's folder. */
export function arraysIn(path: string, arrays: readonly PlacedArray[]): ArraySource {
  const places = new Map(arrays.map((array) => [keyOf(array), array]));
  return {
    async read(array, into) {
      const place = places.get(keyOf(array));
      const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
      if (!place || !readAt(join(path, place.file), place.offset, bytes)) {
        throw new BertuneError(
          say`${path} has lost ${array.part} ${array.name}; remove it and run with ${setting('resume')}`,
        );
      }
    },
  };
}

/** Words that are read at once to be checked. */
const checkedWords = 2 ** 18;

/** Whether an array holds what was written; of one without a checksum nothing is known. */
export function isIntact(folder: string, array: PlacedArray): boolean {
  if (array.checksum === undefined) return true;
  const checksum = new Checksum();
  const size = bytesOf(array);
  const words = new Int32Array(Math.min(checkedWords, size / 4));
  for (let done = 0; done < size; done += 4 * checkedWords) {
    const part = words.subarray(0, Math.min(checkedWords, (size - done) / 4));
    const bytes = new Uint8Array(part.buffer, 0, part.byteLength);
    if (!readAt(join(folder, array.file), array.offset + done, bytes)) return false;
    checksum.update(part);
  }
  return checksum.digest() === array.checksum;
}
