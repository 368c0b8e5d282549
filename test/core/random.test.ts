import { describe, expect, it } from 'vitest';
import { fillNormal, permutedIndex, philox4x32, randomUnit } from '../../src/core/random.ts';

const block = (...words: [number, number, number, number, number, number]) =>
  [...philox4x32(...words, new Uint32Array(4))].map((word) => word.toString(16).padStart(8, '0'));

describe('philox4x32', () => {
  // Known answers published with the Random123 library.
  it('gives the published blocks', () => {
    const ones = 0xffffffff;
    expect(block(0, 0, 0, 0, 0, 0)).toEqual(['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']);
    expect(block(ones, ones, ones, ones, ones, ones)).toEqual(['408f276d', '41c83b0e', 'a20bc7c6', '6d5451fd']);
    expect(block(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0)).toEqual([
      'd16cfe09',
      '94fdcceb',
      '5001e420',
      '24126ea1',
    ]);
  });
});

describe('draws', () => {
  it('depend on seed, purpose and every counter', () => {
    const base = randomUnit(1, 'mask', 2, 3, 4);
    expect(randomUnit(1, 'mask', 2, 3, 4)).toBe(base);
    for (const other of [
      randomUnit(2, 'mask', 2, 3, 4),
      randomUnit(1, 'order', 2, 3, 4),
      randomUnit(1, 'mask', 3, 3, 4),
      randomUnit(1, 'mask', 2, 4, 4),
      randomUnit(1, 'mask', 2, 3, 5),
      randomUnit(1 + 2 ** 32, 'mask', 2, 3, 4),
    ])
      expect(other).not.toBe(base);
  });

  it('are standard normal', () => {
    const values = new Float32Array(100_001);
    fillNormal(values, 0.5, 7, 'initialize', 3);
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const variance = values.reduce((sum, x) => sum + x * x, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan((4 * 0.5) / Math.sqrt(values.length));
    expect(Math.abs(variance - 0.25)).toBeLessThan(4 * 0.25 * Math.sqrt(2 / values.length));
  });
});

describe('permutedIndex', () => {
  it.each([1, 2, 3, 4, 5, 17, 1000, 4097])('is a bijection of 0..%i-1', (size) => {
    const seen = new Set(Array.from({ length: size }, (_, i) => permutedIndex(i, size, 5, 0)));
    expect(seen.size).toBe(size);
    expect(Math.max(...seen)).toBe(size - 1);
  });

  it('changes with the epoch and leaves no neighbours together', () => {
    const order = (epoch: number) => Array.from({ length: 1000 }, (_, i) => permutedIndex(i, 1000, 5, epoch));
    expect(order(0)).not.toEqual(order(1));
    const first = order(0);
    const neighbours = first.filter((value, i) => i > 0 && Math.abs(value - (first[i - 1] as number)) === 1).length;
    expect(neighbours).toBeLessThan(12);
  });
});
