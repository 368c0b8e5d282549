import { describe, expect, test } from 'vitest';
import { errorAt, fitPowerLaw } from '../../src/evaluation/powerLaw.ts';

const sizes = [25, 50, 100, 200, 400, 800];

describe('a power law is found again', () => {
  test.each([
    { floor: 0, scale: 2, rate: 0.5 },
    { floor: 0.05, scale: 1.5, rate: 0.5 },
    { floor: 0.1, scale: 3, rate: 0.8 },
    { floor: 0, scale: 0.9, rate: 0.25 },
  ])('$floor + $scale n^-$rate', (law) => {
    const fitted = fitPowerLaw(sizes.map((examples) => ({ examples, error: errorAt(law, examples) })));
    for (const size of sizes) expect(errorAt(fitted, size)).toBeCloseTo(errorAt(law, size), 2);
    expect(Math.abs(errorAt(fitted, 1600) - errorAt(law, 1600))).toBeLessThan(0.006);
  });
});

test('errors that do not fall are a floor', () => {
  const fitted = fitPowerLaw(sizes.map((examples, i) => ({ examples, error: 0.2 + 0.01 * i })));
  expect(fitted.scale).toBe(0);
  expect(errorAt(fitted, 10_000)).toBeCloseTo(fitted.floor, 12);
  expect(fitted.floor).toBeGreaterThan(0.2);
  expect(fitted.floor).toBeLessThan(0.25);
});

test('neither part is below 0, whatever is measured', () => {
  const fitted = fitPowerLaw([
    { examples: 10, error: 0.5 },
    { examples: 20, error: 0.1 },
  ]);
  expect(fitted.floor).toBeGreaterThanOrEqual(0);
  expect(fitted.scale).toBeGreaterThan(0);
  expect(errorAt(fitted, 1e9)).toBeGreaterThanOrEqual(0);
});
