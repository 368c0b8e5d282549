import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BertuneError } from '../../src/core/errors.ts';
import {
  dropSeen,
  labelNames,
  readLabeledSet,
  sampleLimit,
  samplePerClass,
  stratifiedSplit,
} from '../../src/data/labels.ts';
import { TestFolder } from './files.ts';

const folder = new TestFolder();
beforeAll(() => folder.create());
afterAll(() => folder.remove());

/** 100 of "a", 40 of "b", 7 of "c", 2 of "d", 1 of "e", interleaved. */
const labels = [...'a'.repeat(100), ...'b'.repeat(40), ...'c'.repeat(7), 'd', 'd', 'e']
  .map((label, index) => ({ label, key: (index * 61) % 150 }))
  .sort((x, y) => x.key - y.key)
  .map(({ label }) => label);

function countsOf(indices: readonly number[], of: readonly string[] = labels): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const index of indices) {
    const label = of[index] as string;
    counts[label] = (counts[label] ?? 0) + 1;
  }
  return counts;
}

describe('readLabeledSet', () => {
  test('gives parallel arrays', async () => {
    const path = await folder.write('set.csv', 'id,message,intent,thread\n1,a,x,t1\n2,b,y,\n3,c,x,t1\n');
    const set = await readLabeledSet({ files: [path], flag: '--train', groupColumn: 'thread' });
    expect(set).toMatchObject({ texts: ['a', 'b', 'c'], labels: ['x', 'y', 'x'], ids: [1, 2, 3] });
    expect(set).toMatchObject({ textColumn: 'message', labelColumn: 'intent', invalidUtf8: 0 });
    expect(set.groups?.[0]).toBe(set.groups?.[2]);
    expect(new Set(set.groups).size).toBe(2);
  });

  test('has no ids and groups where the data has none', async () => {
    const path = await folder.write('plain.csv', 'text,label\na,1\n');
    const set = await readLabeledSet({ files: [path], flag: '--train' });
    expect([set.ids, set.groups]).toEqual([undefined, undefined]);
  });

  test('refuses a row without a label', async () => {
    const path = await folder.write('hole.csv', 'text,label\na,1\nb,\n');
    await expect(readLabeledSet({ files: [path], flag: '--train' })).rejects.toThrow(
      new BertuneError('--train: row 2 has no label in column label'),
    );
  });
});

test('label names have a fixed order: by value for integers, else by code point', () => {
  expect(labelNames(['10', '2', '-1', '2', '0'])).toEqual(['-1', '0', '2', '10']);
  expect(labelNames(['10', '2', 'x'])).toEqual(['10', '2', 'x']);
  // UTF-16 order would put the emoji (U+1F600, a surrogate pair) before U+FF01.
  expect(labelNames(['😀', '！', 'b', 'B'])).toEqual(['B', 'b', '！', '😀']);
});

describe('stratifiedSplit', () => {
  test('holds out a share of every class, never all of it', () => {
    const split = stratifiedSplit({ labels, fraction: 0.2, seed: 1 });
    expect(countsOf(split.heldOut)).toEqual({ a: 20, b: 8, c: 1, d: 1 });
    expect(countsOf(split.train)).toEqual({ a: 80, b: 32, c: 6, d: 1, e: 1 });
    expect(split.singletons).toEqual(['e']);
    expect([...split.train, ...split.heldOut].sort((x, y) => x - y)).toEqual(labels.map((_, index) => index));
  });

  test('is a function of the seed alone', () => {
    const split = (seed: number) => stratifiedSplit({ labels, fraction: 0.2, seed }).heldOut;
    expect(split(7)).toEqual(split(7));
    expect(split(7)).not.toEqual(split(8));
  });

  test('leaves one of each class even when nearly everything is asked for', () => {
    const split = stratifiedSplit({ labels, fraction: 0.999, seed: 1 });
    expect(countsOf(split.train)).toEqual({ a: 1, b: 1, c: 1, d: 1, e: 1 });
  });

  test('keeps a group on one side, with shares as close as groups allow', () => {
    const groups = labels.map((_, index) => `conversation ${Math.floor(index / 3)}`);
    for (let seed = 0; seed < 20; seed++) {
      const split = stratifiedSplit({ labels, groups, fraction: 0.2, seed });
      const training = new Set(split.train.map((index) => groups[index]));
      expect(split.heldOut.filter((index) => training.has(groups[index]))).toEqual([]);
      const counts = countsOf(split.heldOut);
      expect(Math.abs((counts.a ?? 0) - 20)).toBeLessThanOrEqual(4);
      expect(Math.abs((counts.b ?? 0) - 8)).toBeLessThanOrEqual(4);
      expect(counts.c).toBeGreaterThan(0);
      expect(countsOf(split.train)).toMatchObject({ d: expect.any(Number), e: 1 });
    }
  });

  test('holds nothing out of a class that lies in one group', () => {
    const split = stratifiedSplit({
      labels: ['x', 'x', 'y', 'y'],
      groups: ['1', '1', '2', '3'],
      fraction: 0.5,
      seed: 0,
    });
    expect(countsOf(split.heldOut, ['x', 'x', 'y', 'y'])).toEqual({ y: 1 });
  });
});

describe('sampling', () => {
  test('takes so many of each class, smaller samples being part of larger', () => {
    const five = samplePerClass({ labels, perClass: 5, seed: 3 });
    expect(countsOf(five)).toEqual({ a: 5, b: 5, c: 5, d: 2, e: 1 });
    expect(samplePerClass({ labels, perClass: 50, seed: 3 })).toEqual(expect.arrayContaining(five));
    expect(five).toEqual(five.toSorted((x, y) => x - y));
    expect(samplePerClass({ labels, perClass: 5, seed: 4 })).not.toEqual(five);
  });

  test.each([
    [150, { a: 100, b: 40, c: 7, d: 2, e: 1 }],
    [15, { a: 9, b: 3, c: 1, d: 1, e: 1 }],
    [5, { a: 1, b: 1, c: 1, d: 1, e: 1 }],
    [3, { a: 2, b: 1 }],
    [0, {}],
  ])('limited to %i keeps the shares', (limit, expected) => {
    const chosen = sampleLimit({ labels, limit, seed: 3 });
    expect(countsOf(chosen)).toEqual(expected);
    expect(chosen).toEqual(sampleLimit({ labels, limit, seed: 3 }));
  });

  test('of two equal classes takes half of each', () => {
    const halves = Array.from({ length: 1000 }, (_, index) => String(index % 2));
    expect(countsOf(sampleLimit({ labels: halves, limit: 100, seed: 0 }), halves)).toEqual({ '0': 50, '1': 50 });
  });
});

test('held-out texts that training has seen are dropped, and those told from them by numbers alone counted', () => {
  const heldOut = ['Where is order 1?', 'WHERE  is order 4711?', 'new', 'caf\u00e9', 'error E-1'];
  const training = ['where is order 1?', 'other', 'cafe\u0301', 'error 1'];
  expect(dropSeen(training, heldOut)).toEqual({ kept: [1, 2, 4], dropped: 2, alike: 1 });
});
