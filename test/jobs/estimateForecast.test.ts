import { describe, expect, test } from 'vitest';
import { randomUnit } from '../../src/core/random.ts';
import { forecastOf, type Measured } from '../../src/jobs/estimating/forecast.ts';

/** A start that answers three of five texts rightly, and runs that answer more of the others rightly. */
function world(texts: number, gains: readonly number[]): { start: Measured; runs: (Measured & { tokens: number })[] } {
  const right = (share: number) => Uint8Array.from({ length: texts }, (_, i) => Number(i / texts < share - 1e-9));
  const losses = [2.9, 2.8, 2.6];
  return {
    start: { loss: 3, perplexity: Math.exp(3), right: right(0.6) },
    runs: losses.map((loss, i) => ({ loss, tokens: 10_000 * 2 ** i, right: right(0.6 + (gains[i] ?? 0)) })),
  };
}

describe('what labels gain', () => {
  test('goes with the loss, and the interval holds what was measured already', () => {
    // A tenth of the fall of the loss, at each.
    const { start, runs } = world(1000, [0.01, 0.02, 0.04]);
    const { forecast, gain, outcome } = forecastOf(start, runs, 80_000, 0);
    expect(outcome).toBe('falls');
    const fall = 3 - (forecast?.loss.value ?? 0);
    expect(fall).toBeGreaterThan(0.4);
    expect(gain?.mean).toBeCloseTo(0.1 * fall, 9);
    expect(gain?.low).toBeLessThan(0.04);
    // 1.96 standard errors of 40 in 1,000.
    expect(gain?.low).toBeGreaterThan(0.04 - 2.4 * Math.sqrt((0.04 * 0.96) / 1000));
    expect(gain?.high).toBeGreaterThan(gain?.mean ?? 1);
  });

  test('is not told of few texts', () => {
    const { start, runs } = world(50, [0.02, 0.04, 0.08]);
    const noisy = runs.map((run, r) => ({
      ...run,
      right: Uint8Array.from(run.right ?? [], (is, i) => (randomUnit(r, 'noise', i, 0, 0) < 0.3 ? 1 - is : is)),
    }));
    expect(forecastOf(start, noisy, 5_000_000, 0).gain).toBeNull();
    expect(forecastOf({ ...start, right: undefined }, runs, 80_000, 0).gain).toBeNull();
  });
});

test('nothing is told from two runs, nor where the longest ended no better than the start', () => {
  const { start, runs } = world(10, [0, 0, 0]);
  const none = { forecast: null, gain: null };
  expect(forecastOf(start, runs.slice(0, 2), 80_000, 0)).toEqual({ ...none, outcome: 'too few' });
  const rising = [...runs, { loss: 3.001, tokens: 80_000 }];
  expect(forecastOf(start, rising, 320_000, 0)).toEqual({ ...none, outcome: 'rises' });
});

test('a fall that is no more than what runs differ by is open', () => {
  const { start, runs } = world(10, [0, 0, 0]);
  const flat = runs.map((run, i) => ({ ...run, loss: [3.01, 2.985, 2.999][i] ?? 3 }));
  const { outcome, forecast } = forecastOf(start, flat, 60_000, 0);
  expect(outcome).toBe('open');
  expect(forecast?.loss.high).toBeGreaterThanOrEqual(3);
  expect(forecast?.perplexity?.high).toBeCloseTo(Math.exp(forecast?.loss.high ?? 0), 9);
});
