import { describe, expect, test } from 'vitest';
import { randomUnit } from '../../src/core/random.ts';
import { lossForecast } from '../../src/evaluation/lossForecast.ts';

interface World {
  readonly floor: number;
  readonly scale: number;
  readonly lead: number;
  readonly rate: number;
}

const lossAt = ({ floor, scale, lead, rate }: World, tokens: number) => floor + scale * (tokens + lead) ** -rate;
const tried = [8_000, 16_000, 32_000, 64_000, 128_000];

describe('losses that follow a law are forecast', () => {
  test.each([
    ['a slow one without a floor', { floor: 0, scale: 9, lead: 20_000, rate: 0.12 }],
    ['one with a floor', { floor: 1.4, scale: 80, lead: 30_000, rate: 0.4 }],
    ['a start that knows much', { floor: 0.8, scale: 20, lead: 500_000, rate: 0.25 }],
  ])('%s: the interval holds what comes, and the nearer it is the narrower', (_, world) => {
    const at = lossForecast(
      tried.map((tokens) => ({ tokens, loss: lossAt(world, tokens) })),
      lossAt(world, 0),
    );
    let width = 0;
    for (const tokens of [256_000, 1_000_000, 8_000_000]) {
      const { loss, low, high } = at(tokens);
      const truth = lossAt(world, tokens);
      expect(low).toBeLessThan(truth);
      expect(high).toBeGreaterThan(truth);
      expect(loss).toBeGreaterThan(low);
      expect(loss).toBeLessThan(high);
      expect(high - low).toBeGreaterThan(width);
      width = high - low;
    }
  });

  test('of runs that come out by chance a little off, nine in ten intervals hold what comes', () => {
    const trials = 60;
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const unit = (counter: number) => randomUnit(trial, 'noise', counter, 0, 0);
      const world = { floor: 1.5 * unit(1), scale: 0, lead: 2 ** (12 + 8 * unit(2)), rate: 0.1 + 0.5 * unit(3) };
      const start = world.floor + 1 + 2 * unit(4);
      const law = { ...world, scale: (start - world.floor) * world.lead ** world.rate };
      const off = (counter: number) => 1 + 0.01 * (unit(counter) + unit(counter + 50) - 1);
      const points = tried.map((tokens, i) => ({ tokens, loss: lossAt(law, tokens) * off(10 + i) }));
      const { low, high } = lossForecast(points, start)(1_000_000);
      const truth = lossAt(law, 1_000_000) * off(30);
      if (low <= truth && truth <= high) held++;
    }
    expect(held).toBeGreaterThanOrEqual(0.9 * trials);
  });
});

test('where nothing is gained any more, nothing is promised', () => {
  const points = tried.map((tokens, i) => ({ tokens, loss: 2 + (i % 2 === 0 ? 0.002 : -0.002) }));
  const { loss, low } = lossForecast(points, 2.01)(512_000);
  expect(loss).toBeGreaterThan(1.95);
  expect(low).toBeGreaterThan(1.8);
});

test('it does not depend on the unit of tokens, and goes with that of the loss', () => {
  const points = tried.map((tokens) => ({ tokens, loss: 1 + 30 * (tokens + 10_000) ** -0.3 }));
  const one = lossForecast(points, 3)(2_000_000);
  const scaled = lossForecast(
    points.map(({ tokens, loss }) => ({ tokens: tokens / 1000, loss: 10 * loss })),
    30,
  )(2000);
  for (const key of ['loss', 'low', 'high'] as const) expect(scaled[key]).toBeCloseTo(10 * one[key], 9);
});
