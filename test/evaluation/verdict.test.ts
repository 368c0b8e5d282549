import { describe, expect, test } from 'vitest';
import { pairedDifference } from '../../src/evaluation/paired.ts';
import { leastGain, verdictOf } from '../../src/evaluation/verdict.ts';

const interval = (low: number, high: number) => ({ mean: (low + high) / 2, low, high });

describe('what an interval says', () => {
  test.each([
    [0.001, 0.06, 'helped'],
    [0.0001, 0.0002, 'helped'],
    [-0.003, 0.065, 'not shown'],
    [-0.065, 0.03, 'not shown'],
    [0, 0.01, 'not shown'],
    [-0.04, 0.01, 'not shown'],
    [-0.04, 0.0099, 'did not help'],
    [0, 0, 'did not help'],
    [-0.02, 0, 'did not help'],
    [-0.02, -0.0001, 'harmed'],
    [Number.NaN, Number.NaN, 'not shown'],
  ] as const)('%f to %f: %s', (low, high, verdict) => {
    expect(verdictOf(interval(low, high))).toBe(verdict);
  });

  test('a point is the smallest gain', () => expect(leastGain).toBe(0.01));

  test('what was not measured is not shown', () => expect(verdictOf(null)).toBe('not shown'));
});

test.each([
  // t of 4 degrees of freedom is 2.776; the intervals were worked out by hand.
  { adapted: [0.66, 0.68, 0.64, 0.67, 0.66], low: 0.0137, high: 0.0503, verdict: 'helped' },
  { adapted: [0.66, 0.61, 0.7, 0.62, 0.66], low: -0.0248, high: 0.0648, verdict: 'not shown' },
  { adapted: [0.631, 0.629, 0.63, 0.632, 0.628], low: -0.00196, high: 0.00196, verdict: 'did not help' },
  { adapted: [0.55, 0.58, 0.6, 0.57, 0.56], low: -0.0819, high: -0.0341, verdict: 'harmed' },
])('measurements of five seeds: $verdict', ({ adapted, low, high, verdict }) => {
  const difference = pairedDifference([0.63, 0.63, 0.63, 0.63, 0.63], adapted);
  expect(difference.low).toBeCloseTo(low, 3);
  expect(difference.high).toBeCloseTo(high, 3);
  expect(verdictOf(difference)).toBe(verdict);
});
