import { describe, expect, it } from 'vitest';
import { randomBelow } from '../../src/core/random.ts';
import { frameOf } from '../../src/text/frame.ts';
import { BlockBuilder, RowPacker, splitRanges } from '../../src/text/packing.ts';
import { repetitions } from '../repetitions.ts';

describe('RowPacker', () => {
  it('takes the first row with room', () => {
    const packer = new RowPacker(3, 10);
    expect([6, 6, 4, 3, 4, 10, 1].map((length) => packer.place(length))).toEqual([
      { row: 0, offset: 0 },
      { row: 1, offset: 0 },
      { row: 0, offset: 6 },
      { row: 1, offset: 6 },
      { row: 2, offset: 0 },
      undefined,
      { row: 1, offset: 9 },
    ]);
    expect([6, 7].map((length) => packer.fits(length))).toEqual([true, false]);
  });

  it('has no room for what is wider than a row', () => {
    const packer = new RowPacker(2, 4);
    expect(packer.fits(5)).toBe(false);
    expect(packer.place(5)).toBeUndefined();
    expect(packer.place(4)).toEqual({ row: 0, offset: 0 });
  });
});

describe('BlockBuilder', () => {
  const frame = frameOf([101], [102], 7);

  it('lays sequences out with their own positions and sequence numbers', () => {
    const builder = new BlockBuilder(2, 9, frame);
    expect(builder.add([1, 2, 3])).toBe(0);
    expect(builder.fits(7)).toBe(true);
    expect(builder.add(Uint32Array.of(4, 5, 6))).toBe(9);
    expect(builder.add([8])).toBe(5);
    expect(builder.add([])).toBe(14);
    expect(builder.fits(0)).toBe(true);
    expect(builder.fits(1)).toBe(false);
    expect(builder.add([9])).toBeUndefined();
    const { inputIds, positionIds, sequenceIds } = builder.block;
    // biome-ignore format: one row a line
    expect([...inputIds.data]).toEqual([
      101, 1, 2, 3, 102, 101, 8, 102, 7,
      101, 4, 5, 6, 102, 101, 102, 7, 7,
    ]);
    // biome-ignore format: one row a line
    expect([...positionIds.data]).toEqual([
      0, 1, 2, 3, 4, 0, 1, 2, 0,
      0, 1, 2, 3, 4, 0, 1, 0, 0,
    ]);
    // biome-ignore format: one row a line
    expect([...sequenceIds.data]).toEqual([
      1, 1, 1, 1, 1, 2, 2, 2, 0,
      1, 1, 1, 1, 1, 2, 2, 0, 0,
    ]);
    for (const tensor of [inputIds, positionIds, sequenceIds]) {
      expect(tensor.shape).toEqual([2, 9]);
      expect(tensor.dtype).toBe('int32');
    }
    expect(builder.tokens).toBe(15);
  });

  it('is padding where nothing was added', () => {
    const { inputIds, sequenceIds } = new BlockBuilder(1, 3, frame).block;
    expect([...inputIds.data]).toEqual([7, 7, 7]);
    expect([...sequenceIds.data]).toEqual([0, 0, 0]);
  });
});

describe('splitRanges', () => {
  it.each([
    [0, 4, []],
    [1, 4, [[0, 1]]],
    [4, 4, [[0, 4]]],
    [
      9,
      4,
      [
        [0, 4],
        [4, 8],
        [8, 9],
      ],
    ],
    [
      3,
      1,
      [
        [0, 1],
        [1, 2],
        [2, 3],
      ],
    ],
  ])('cuts %i tokens into pieces of at most %i', (length, most, ranges) => {
    expect(splitRanges(length, most)).toEqual(ranges);
  });

  it('cuts where words start', () => {
    // Words of 2, 3, 1 and 2 tokens.
    const starts = [1, 0, 1, 0, 0, 1, 1, 0];
    expect(splitRanges(8, 4, starts)).toEqual([
      [0, 2],
      [2, 6],
      [6, 8],
    ]);
    expect(splitRanges(8, 5, starts)).toEqual([
      [0, 5],
      [5, 8],
    ]);
    expect(splitRanges(8, 8, starts)).toEqual([[0, 8]]);
  });

  it('cuts a word that is longer than a piece', () => {
    expect(splitRanges(8, 3, [1, 1, 0, 0, 0, 0, 0, 1])).toEqual([
      [0, 1],
      [1, 4],
      [4, 7],
      [7, 8],
    ]);
    expect(splitRanges(5, 2, [1, 0, 0, 0, 0])).toEqual([
      [0, 2],
      [2, 4],
      [4, 5],
    ]);
  });

  it('repeats the end of a piece in the next one', () => {
    expect(splitRanges(10, 4, undefined, 1)).toEqual([
      [0, 4],
      [3, 7],
      [6, 10],
    ]);
    expect(splitRanges(4, 4, undefined, 1)).toEqual([[0, 4]]);
    expect(splitRanges(11, 5, undefined, 2)).toEqual([
      [0, 5],
      [3, 8],
      [6, 11],
    ]);
  });

  it('repeats whole words alone, and nothing where the next piece would reach no further', () => {
    // Words of 2, 1, 2, 1, 1 and 2 tokens.
    const starts = [1, 0, 1, 1, 0, 1, 1, 1, 0];
    expect(splitRanges(9, 5, starts, 2)).toEqual([
      [0, 5],
      [3, 7],
      [5, 9],
    ]);
    // The word of 6 tokens fits only where nothing is before it.
    expect(splitRanges(11, 6, [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1], 2)).toEqual([
      [0, 4],
      [4, 10],
      [10, 11],
    ]);
    // No word starts in the end of a piece.
    expect(splitRanges(6, 4, [1, 0, 0, 0, 1, 0], 1)).toEqual([
      [0, 4],
      [4, 6],
    ]);
  });

  it.each([0, 1, 2, 3])('leaves nothing out with an overlap of %i', (overlap) => {
    for (let seed = 0; seed < repetitions(200, 20_000); seed++) {
      const length = 1 + randomBelow(60, seed, 'sample', 0);
      const starts = Array.from({ length }, (_, i) => (i === 0 || randomBelow(3, seed, 'sample', 1, i) > 0 ? 1 : 0));
      const ranges = splitRanges(length, 8, starts, overlap);
      expect(ranges[0]?.[0]).toBe(0);
      expect(ranges.at(-1)?.[1]).toBe(length);
      for (const [i, [from, to]] of ranges.entries()) {
        const end = ranges[i - 1]?.[1] ?? 0;
        expect(to - from).toBeLessThanOrEqual(8);
        expect(to).toBeGreaterThan(end);
        expect(end - from).toBeGreaterThanOrEqual(0);
        expect(end - from).toBeLessThanOrEqual(overlap);
      }
    }
  });
});
