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

test('as many are taken for wrong as the joint says, less than half a text a class apart', () => {
  const { joint } = confidentJoint({ data, classes }, labels);
  const off = joint.reduce((sum, row, k) => sum + row.reduce((all, n, j) => all + (j === k ? 0 : n), 0), 0);
  expect(Math.abs(found.estimate.mean - off)).toBeLessThan(classes / 2);
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

test('scores are probabilities: p(other) / p(label) by one factor, and as many in sum as are wrong', () => {
  const factors = [0, 7, 50, 333].map((i) => {
    const row = data.subarray(i * classes, (i + 1) * classes);
    const own = row[labels[i] as number] as number;
    const other = Math.max(...Array.from(row).filter((_, c) => c !== labels[i]));
    const score = found.scores[i] as number;
    return score / (1 - score) / (other / own);
  });
  for (const factor of factors) expect(factor / (factors[0] as number)).toBeCloseTo(1, 9);
  const sum = found.scores.reduce((all, score) => all + score, 0);
  expect(sum).toBeCloseTo(found.estimate.mean, 3);
  expect(found.runLength).toBeUndefined();
});

test('flagged are those likelier wrong than right, of which another class is the likeliest', () => {
  const isFlagged = new Set(found.flagged);
  for (const [i, score] of found.scores.entries()) {
    expect(isFlagged.has(i)).toBe(score > 0.5 && found.likely[i] !== labels[i]);
  }
  expect(found.flagged.length).toBeGreaterThan(0);
});

test('labels that slipped by some rows are found where the classifier is unsure, too', () => {
  const slipped = right.map((label, i) => (i >= 300 && i < 360 ? (right[i + 1] as number) : label));
  // Of every third text in them the classifier knows nothing.
  const unsure = data.map((value, at) => (Math.floor(at / classes) % 3 === 0 ? 1 / classes : value));
  const { flagged, runLength } = wrongLabels({ data: unsure, classes }, slipped, 0);
  expect(runLength).toBeGreaterThan(3);
  expect(flagged.filter((i) => i >= 300 && i < 360).length).toBeGreaterThanOrEqual(57);
  expect(flagged.filter((i) => i < 300 || i >= 360).length).toBeLessThanOrEqual(20);
});

test('a clean set has no more than a few', () => {
  expect(wrongLabels({ data, classes }, right, 0).flagged.length).toBeLessThanOrEqual(count / 25);
});

test('the same seed gives the same interval', () => {
  expect(wrongLabels({ data, classes }, labels, 0).estimate).toEqual(found.estimate);
});
