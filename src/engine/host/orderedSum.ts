import type { Collective } from '../../core/collective.ts';
import { defined } from '../../core/errors.ts';

/**
 * Adds up arrays that were dealt out to processes in turn, in the order in which they were: array i lies in process
 * i mod size as its ⌊i / size⌋th. Each process adds up a part of the elements, all arrays of it, and hands the sums to
 * the others: with one array a process as much traffic as any sum takes, with k of them (k + 1) / 2 times as much.
 *
 * @param own arrays of this process, as long as `into`; none where it was dealt none
 * @param into where the sums go: may be one of them
 * @param mostElements elements of all own arrays together that are under way at once; 32 MB of them by default
 */
export async function sumInOrder(
  collective: Collective,
  own: readonly Float32Array[],
  into: Float32Array,
  mostElements = 1 << 23,
): Promise<void> {
  const { size } = collective;
  const counts = await countsOf(collective, own.length);
  const rounds = Math.max(...counts);
  if (rounds === 0) {
    into.fill(0);
    return;
  }
  const atOnce = Math.max(size, Math.floor(mostElements / rounds));
  for (let from = 0; from < into.length; from += atOnce) {
    const count = Math.min(atOnce, into.length - from);
    const start = (part: number) => from + Math.floor((count * part) / size);
    const parts = Array.from({ length: size }, (_, i) => together(own, start(i), start(i + 1)));
    const received = (await collective.exchange(parts)).map(floatsIn);
    const sums = summed(received, counts, rounds, start(collective.rank + 1) - start(collective.rank));
    const all = await collective.exchange(new Array<Uint8Array>(size).fill(bytesOf(sums)));
    for (const [i, part] of all.entries()) into.set(floatsIn(part), start(i));
  }
}

/** How many arrays each process has. */
async function countsOf(collective: Collective, count: number): Promise<number[]> {
  const mine = new Uint8Array(Uint32Array.of(count).buffer);
  const all = await collective.exchange(new Array<Uint8Array>(collective.size).fill(mine));
  return all.map((bytes) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true));
}

/** A part of every array, one after the other. */
function together(arrays: readonly Float32Array[], from: number, to: number): Uint8Array {
  const joined = new Float32Array(arrays.length * (to - from));
  for (const [i, array] of arrays.entries()) joined.set(array.subarray(from, to), i * (to - from));
  return bytesOf(joined);
}

/** @param received of each process as many arrays as it has, one after the other */
function summed(
  received: readonly Float32Array[],
  counts: readonly number[],
  rounds: number,
  length: number,
): Float32Array {
  let sums: Float32Array | undefined;
  for (let round = 0; round < rounds; round++) {
    for (const [rank, arrays] of received.entries()) {
      if (round >= (counts[rank] ?? 0)) continue;
      const addend = arrays.subarray(round * length, (round + 1) * length);
      // The first is taken as it is: a zero that is added would turn -0 to 0.
      if (sums) addTo(sums, addend);
      else sums = addend.slice();
    }
  }
  return defined(sums, 'a micro-batch of the update');
}

function addTo(sums: Float32Array, addend: Float32Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (addend[i] as number);
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Where they do not lie at a multiple of four bytes, a copy. */
function floatsIn(bytes: Uint8Array): Float32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}
