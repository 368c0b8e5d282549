import { describe, expect, test } from 'vitest';
import { randomBelow } from '../../src/core/random.ts';
import { classificationMetrics } from '../../src/evaluation/classification.ts';
import {
  macroF1Interval,
  normalInterval,
  RatioEstimate,
  standardErrorOfMean,
  wilsonInterval,
} from '../../src/evaluation/intervals.ts';

describe("Wilson's interval", () => {
  // Newcombe (1998), table I, method 3; the last is its 0 of 29 turned round.
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
    [29, 29, 0.883, 1],
  ])('%i of %i', (successes, count, low, high) => {
    const interval = wilsonInterval(successes, count);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });

  test('nothing measured says nothing', () => {
    expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 });
  });
});

test('the normal interval', () => {
  expect(normalInterval(2, 0.5).low).toBeCloseTo(1.02002, 5);
  expect(normalInterval(2, 0.5).high).toBeCloseTo(2.97998, 5);
});

describe('standard errors', () => {
  test('of a mean: the textbook value', () => {
    // mean 5, variance 32 / 7
    expect(standardErrorOfMean([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7 / 8), 12);
    expect(standardErrorOfMean([3])).toBe(0);
  });

  test('of a ratio: by hand, and that of the mean when all groups are of one unit', () => {
    const ratio = new RatioEstimate();
    for (const [total, count] of [
      [2, 1],
      [6, 2],
      [7, 3],
    ] as const)
      ratio.add(total, count);
    // mean 15/6 = 2.5; residuals -0.5, 1, -0.5; sqrt(3/2 · 1.5) / 6
    expect(ratio.mean).toBe(2.5);
    expect(ratio.standardError).toBeCloseTo(Math.sqrt(2.25) / 6, 12);
  });

  test('covers the spread of the ratio over repeated draws', () => {
    const draw = (seed: number) => {
      const ratio = new RatioEstimate();
      for (let text = 0; text < 60; text++) {
        const count = 1 + randomBelow(5, seed, 'corpus', text, 0);
        // What tokens of one text share, as losses do.
        const shared = randomBelow(1000, seed, 'corpus', text, 1) / 250;
        let total = 0;
        for (let i = 0; i < count; i++) total += shared + randomBelow(1000, seed, 'corpus', text, 2 + i) / 1000;
        ratio.add(total, count);
      }
      return ratio;
    };
    const draws = Array.from({ length: 400 }, (_, seed) => draw(seed));
    const means = draws.map(({ mean }) => mean);
    const mean = means.reduce((a, b) => a + b) / means.length;
    const spread = Math.sqrt(means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (means.length - 1));
    const claimed = draws.reduce((sum, { standardError }) => sum + standardError, 0) / draws.length;
    expect(claimed / spread).toBeGreaterThan(0.9);
    expect(claimed / spread).toBeLessThan(1.1);
  });
});

describe('the interval of macro-F1', () => {
  test('agrees with the bootstrap', () => {
    const confusion = [
      [50, 6, 4],
      [8, 30, 2],
      [5, 3, 12],
    ];
    const cells = confusion.flatMap((row, i) =>
      row.flatMap((count, j) => Array(count).fill([i, j]) as [number, number][]),
    );
    const resampled = Array.from({ length: 3000 }, (_, seed) => {
      const drawn = cells.map((_, k): [number, number] => {
        return cells[randomBelow(cells.length, seed, 'corpus', k, 0)] ?? [0, 0];
      });
      const labels = drawn.map(([label]) => label);
      return classificationMetrics(
        labels,
        drawn.map(([, predicted]) => predicted),
        3,
      ).macroF1;
    }).sort((a, b) => a - b);
    const { low, high } = macroF1Interval(confusion);
    // Few texts leave the bootstrap a little skewed.
    expect(Math.abs(low - (resampled[75] ?? 0))).toBeLessThan(0.02);
    expect(Math.abs(high - (resampled[2924] ?? 0))).toBeLessThan(0.02);
    const width = (high - low) / ((resampled[2924] ?? 0) - (resampled[75] ?? 0));
    expect(width).toBeGreaterThan(0.9);
    expect(width).toBeLessThan(1.1);
  });

  test('two classes that are never confused leave no doubt, classes without a text none', () => {
    expect(
      macroF1Interval([
        [5, 0],
        [0, 5],
      ]),
    ).toEqual({ low: 1, high: 1 });
    const without = macroF1Interval([
      [5, 1],
      [2, 4],
    ]);
    const withEmpty = macroF1Interval([
      [5, 1, 0],
      [2, 4, 0],
      [0, 0, 0],
    ]);
    expect(withEmpty.low).toBeCloseTo(without.low, 12);
    expect(withEmpty.high).toBeCloseTo(without.high, 12);
  });
});
