import { expect, test } from 'vitest';
import { fillNormal, randomUnit } from '../../src/core/random.ts';
import { onePairs, twoParts } from '../../src/evaluation/classShapes.ts';

/** ln p of `n` texts of each class, where `toward(i, label)` says which class each leans to. */
function leaning(
  labels: readonly number[],
  classes: number,
  toward: (i: number, label: number) => number,
): Float32Array {
  return Float32Array.from(
    labels.flatMap((label, i) =>
      Array.from({ length: classes }, (_, c) => Math.log(c === toward(i, label) ? 0.8 : 0.1)),
    ),
  );
}

test('classes that are drawn from one are one pair, those with a few wrong labels are none', () => {
  const labels = Array.from({ length: 240 }, (_, i) => i % 4);
  // Classes 0 and 1 are told apart by a coin; of 2 and 3 a tenth lean to the other.
  const toward = (i: number, label: number) => {
    const draw = randomUnit(1, 'labels', i);
    if (label < 2) return draw < 0.5 ? 0 : 1;
    return draw < 0.1 ? 5 - label : label;
  };
  const pairs = onePairs(leaning(labels, 4, toward), labels, 4);
  expect(pairs.map(({ classes }) => classes)).toEqual([[0, 1]]);
  const count = (label: number, other: number) =>
    labels.filter((own, i) => own === label && toward(i, label) === other).length / 60;
  expect(pairs[0]?.shares).toEqual([count(0, 1), count(1, 0)]);
});

test('texts that could not be judged do not count', () => {
  const labels = [0, 1, 0, 1];
  expect(onePairs(new Float32Array(8).fill(Number.NaN), labels, 2)).toEqual([]);
});

test('a class in two places is two, one in one place is not', () => {
  const [size, each] = [16, 80];
  const data = new Float32Array(2 * each * size);
  fillNormal(data, 1, 3, 'noise', 0);
  // Every third text of class 0 lies elsewhere.
  for (let i = 0; i < each; i += 3) for (let j = 0; j < 4; j++) data[i * size + j] = (data[i * size + j] as number) + 5;
  const labels = Int32Array.from({ length: 2 * each }, (_, i) => Number(i >= each));
  const [found, ...others] = twoParts({ data, size }, labels, 2);
  expect(others).toEqual([]);
  expect(found?.class).toBe(0);
  const parts = found?.parts.map((part) => [...part].sort((a, b) => a - b)).sort((a, b) => a.length - b.length);
  const elsewhere = Array.from({ length: each }, (_, i) => i).filter((i) => i % 3 === 0);
  expect(parts).toEqual([elsewhere, Array.from({ length: each }, (_, i) => i).filter((i) => i % 3 > 0)]);
});
