import { describe, expect, test } from 'vitest';
import { randomUnit } from '../../src/core/random.ts';
import { type Answered, compareAnswers } from '../../src/evaluation/comparison.ts';
import { studentQuantile } from '../../src/evaluation/paired.ts';

test('quantiles of Student are those of the reference at tabled degrees, and a little wide between', () => {
  // scipy.stats.t.ppf(0.975, degrees)
  const reference: readonly [number, number][] = [
    [1, 12.7062],
    [4, 2.7764],
    [11, 2.201],
    [4.3, 2.7017],
    [7.7, 2.3217],
    [15, 2.1314],
    [30, 2.0423],
    [100, 1.984],
  ];
  for (const [degrees, expected] of reference) {
    expect(studentQuantile(degrees) - expected).toBeGreaterThan(-1e-3);
    expect(studentQuantile(degrees) - expected).toBeLessThan(0.03);
  }
  expect(studentQuantile(Number.POSITIVE_INFINITY)).toBeCloseTo(1.959964, 6);
});

describe('models compared on the same texts and repetitions', () => {
  test.each([
    ['few texts, like repetitions', { texts: 120, repetitions: 3, ofTexts: 0.1, ofRepetitions: 0.005 }],
    ['repetitions that differ much', { texts: 300, repetitions: 5, ofTexts: 0.1, ofRepetitions: 0.06 }],
    ['one repetition', { texts: 200, repetitions: 1, ofTexts: 0.1, ofRepetitions: 0 }],
  ])('the interval holds the true difference as often as it says: %s', (_, world) => {
    const [trials, gain] = [80, 0.03];
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const { answered } = simulated({ ...world, gains: [gain] }, trial);
      const [comparison] = compareAnswers(answered[0] as Answered, answered.slice(1), trial);
      if (comparison && comparison.low <= gain && gain <= comparison.high) held++;
    }
    // Of 80 draws with 95 %, fewer than 70 come about once in 1,000.
    expect(held).toBeGreaterThanOrEqual(70);
  });

  test('of several models alike, hardly ever is any called better or worse', () => {
    const trials = 50;
    let wrong = 0;
    for (let trial = 0; trial < trials; trial++) {
      const { answered } = simulated(
        { texts: 150, repetitions: 4, ofTexts: 0.1, ofRepetitions: 0.02, gains: [0, 0, 0, 0, 0] },
        1000 + trial,
      );
      const comparisons = compareAnswers(answered[0] as Answered, answered.slice(1), trial);
      if (comparisons.some(({ outcome }) => outcome === 'better' || outcome === 'worse')) wrong++;
    }
    expect(wrong).toBeLessThanOrEqual(8);
  });

  test('the error of one repetition is that of paired shares', () => {
    const reference = [Array.from({ length: 400 }, (_, i) => i % 4 !== 0)];
    const other = [Array.from({ length: 400 }, (_, i) => i % 4 !== 0 || i % 8 === 0)];
    const [comparison] = compareAnswers(reference, [other]);
    expect(comparison?.mean).toBeCloseTo(0.125, 12);
    // √(p (1 - p) / n) of the 50 texts that the other alone answers
    expect(comparison?.standardError).toBeCloseTo(Math.sqrt((0.125 * 0.875) / 400), 3);
    expect(comparison?.outcome).toBe('better');
  });

  test('says how many texts more would settle what is open, and they do', () => {
    // The other is right alone on 12 of 250 texts, the reference on 5.
    const reference = Array.from({ length: 250 }, (_, i) => i >= 12);
    const other = Array.from({ length: 250 }, (_, i) => i < 245);
    const times = (count: number, row: readonly boolean[]) => [Array.from({ length: count }, () => row).flat()];
    const [open] = compareAnswers([reference], [[other]]);
    expect(open?.outcome).toBe('open');
    expect(open?.settledBy?.of).toBe('texts');
    const more = open?.settledBy?.more ?? 0;
    // From ((1.96 + 0.8416) / 0.028)² · the variance of a text's difference, 17 / 250 - 0.028².
    expect(more).toBeGreaterThan(0.85 * (672.9 - 250));
    expect(more).toBeLessThan(1.15 * (672.9 - 250) + 15);
    const [settled] = compareAnswers(times(3, reference), [times(3, other)]);
    expect(settled?.outcome).toBe('better');
  });

  test('so many texts more settle it in about four of five draws, where the difference is what was measured', () => {
    // The other is right alone on 12 of 250 texts, the reference on 5.
    const reference = Array.from({ length: 250 }, (_, i) => i >= 12);
    const other = Array.from({ length: 250 }, (_, i) => i < 245);
    const more = compareAnswers([reference], [[other]])[0]?.settledBy?.more ?? 0;
    const trials = 40;
    let settled = 0;
    for (let trial = 0; trial < trials; trial++) {
      const drawn = Array.from({ length: 250 + more }, (_, i) => 250 * randomUnit(trial, 'noise', i, 0, 0));
      const [one, two] = [drawn.map((place) => place >= 12), drawn.map((place) => place < 245)];
      if (compareAnswers([one], [[two]], trial)[0]?.outcome === 'better') settled++;
    }
    // Of 40 draws with 80 %, fewer than 24, or all of them, come about less than once in 500.
    expect(settled).toBeGreaterThanOrEqual(24);
    expect(settled).toBeLessThan(trials);
  });

  test('the same answers are alike, and other texts are not compared', () => {
    const rows = [[true, false, true]];
    expect(compareAnswers(rows, [rows])).toEqual([{ mean: 0, low: 0, high: 0, standardError: 0, outcome: 'alike' }]);
    expect(() => compareAnswers(rows, [[[true, false]]])).toThrow(/same texts/);
    expect(() =>
      compareAnswers(rows, [
        [
          [true, false, true],
          [true, true, true],
        ],
      ]),
    ).toThrow(/same texts/);
  });
});

interface World {
  readonly texts: number;
  readonly repetitions: number;
  /** Deviation of a text's own difficulty for a model, and of a repetition's own luck. */
  readonly ofTexts: number;
  readonly ofRepetitions: number;
  /** By how much each other model is better than the first. */
  readonly gains: readonly number[];
}

/** Answers of models that are better than the first by known shares. */
function simulated({ texts, repetitions, ofTexts, ofRepetitions, gains }: World, trial: number) {
  const uniform = (deviation: number, ...counters: [number, number, number]) =>
    deviation * Math.sqrt(12) * (randomUnit(trial, 'noise', ...counters) - 0.5);
  const answered = [0, ...gains].map((gain, model) =>
    Array.from({ length: repetitions }, (_, repetition) => {
      const luck = uniform(ofRepetitions, model, repetition, 1_000_001);
      return Array.from({ length: texts }, (_, text) => {
        const own = uniform(ofTexts, model, text, 1_000_002);
        const chance = 0.6 + gain + luck + own;
        return randomUnit(trial, 'sample', model * 100 + repetition, text) < chance;
      });
    }),
  );
  return { answered };
}
