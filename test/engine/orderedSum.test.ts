import { describe, expect, test } from 'vitest';
import { randomBits } from '../../src/core/random.ts';
import { sumInOrder } from '../../src/engine/host/orderedSum.ts';
import { inOneProcess } from '../train/processes.ts';

/** Numbers of very different sizes: their sum depends on the order. */
function arrays(count: number, length: number): Float32Array[] {
  return Array.from({ length: count }, (_, i) => {
    const bits = randomBits(1, 'sample', i, 0, 0, new Uint32Array(length));
    return Float32Array.from(bits, (draw) => ((draw % 2000) - 1000) * 10 ** ((draw >>> 20) % 8));
  });
}

function oneByOne(all: readonly Float32Array[], length: number): Float32Array {
  const [first, ...others] = all;
  const sums = first?.slice() ?? new Float32Array(length);
  for (const other of others) for (let i = 0; i < length; i++) sums[i] = Math.fround((sums[i] ?? 0) + (other[i] ?? 0));
  return sums;
}

describe.each([2, 3, 4])('%i processes', (size) => {
  test.each([
    [0, 5],
    [1, 5],
    [2, 1],
    [4, 33],
    // More than goes at once.
    [7, 1000],
  ])('add %i arrays of %i numbers up as one does', async (count, length) => {
    const all = arrays(count, length);
    const expected = oneByOne(all, length);
    const sums = await Promise.all(
      inOneProcess(size).map(async (collective) => {
        const own = all.filter((_, i) => i % size === collective.rank).map((array) => array.slice());
        const into = own[0] ?? new Float32Array(length).fill(9);
        await sumInOrder(collective, own, into, 500);
        return into;
      }),
    );
    for (const sum of sums) expect(Buffer.from(sum.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
  });

  test('keep the sign of a zero', async () => {
    const [first] = await Promise.all(
      inOneProcess(size).map(async (collective) => {
        const into = Float32Array.of(1);
        await sumInOrder(collective, collective.rank === 0 ? [Float32Array.of(-0)] : [], into);
        return into[0];
      }),
    );
    expect(Object.is(first, -0)).toBe(true);
  });
});
