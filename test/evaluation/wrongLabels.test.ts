import { expect, test } from 'vitest';
import { randomUnit } from '../../src/core/random.ts';
import { confidentJoint } from '../../src/evaluation/confidentLearning.ts';
import { wrongLabels } from '../../src/evaluation/wrongLabels.ts';

const [count, classes] = [900, 3];
const right = Int32Array.from({ length: count }, (_, i) => i % classes);
const isWrong = Array.from(right, (_, i) => randomUnit(1, 'labels', i) < 0.12);
const labels = right.map((label, i) => (isWrong[i] ? (label + 1) % classes : label));
/** A classifier that is sure of the right class, of some texts more than of others, and wrong of every fiftieth. */
const data = Float64Array.from(
  Array.from(right, (label, i) => {
    const own = 0.55 + 0.4 * randomUnit(2, 'labels', i);
    const said = i % 50 === 0 ? (label + 2) % classes : label;
    return Array.from({ length: classes }, (_, c) => (c === said ? own : (1 - own) / (classes - 1)));
  }).flat(),
);
const found = wrongLabels({ data, classes }, labels, 0);

test('as many are flagged as the joint says, less than half a text a class apart', () => {
  const { joint } = confidentJoint({ data, classes }, labels);
  const off = joint.reduce((sum, row, k) => sum + row.reduce((all, n, j) => all + (j === k ? 0 : n), 0), 0);
  expect(Math.abs(found.estimate.mean - off)).toBeLessThan(classes / 2);
  expect(found.flagged).toHaveLength(Math.round(found.estimate.mean));
});

test('the interval holds what is really wrong, and is not wide', () => {
  const wrong = isWrong.filter(Boolean).length;
  const { low, high } = found.estimate;
  // What the classifier gets wrong of itself looks like a wrong label.
  const looks = wrong + count / 50;
  expect(low).toBeLessThan(looks);
  expect(high).toBeGreaterThan(wrong);
  expect(high - low).toBeLessThan(0.1 * count);
});

test('scores are p(other) / (p(label) + p(other)), and the flagged have the highest, none of them the likeliest label', () => {
  for (const i of [0, 7, 50, 333]) {
    const row = data.subarray(i * classes, (i + 1) * classes);
    const own = row[labels[i] as number] as number;
    const other = Math.max(...Array.from(row).filter((_, c) => c !== labels[i]));
    expect(found.scores[i]).toBeCloseTo(other / (own + other), 12);
  }
  const least = Math.min(...found.flagged.map((i) => found.scores[i] as number));
  const isFlagged = new Set(found.flagged);
  for (const [i, score] of found.scores.entries()) if (score > least) expect(isFlagged.has(i)).toBe(true);
  for (const i of found.flagged) expect(found.likely[i]).not.toBe(labels[i]);
});

test('a clean set has no more than a few', () => {
  expect(wrongLabels({ data, classes }, right, 0).flagged.length).toBeLessThanOrEqual(count / 25);
});

test('the same seed gives the same interval', () => {
  expect(wrongLabels({ data, classes }, labels, 0).estimate).toEqual(found.estimate);
});
