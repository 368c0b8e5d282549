import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { estimate } from '../../src/evaluation/estimate.ts';
import { fitLinearProbe } from '../../src/evaluation/linearProbe.ts';
import { classifyByNeighbours, nearest } from '../../src/evaluation/neighbours.ts';

interface Fixture {
  readonly size: number;
  readonly classes: number;
  readonly train: number[];
  readonly labels: number[];
  readonly test: number[];
  readonly neighbours: { readonly k: number; readonly temperature: number; readonly predictions: number[] }[];
  readonly probes: {
    readonly strength: number;
    readonly weight: number[];
    readonly bias: number[];
    readonly loss: number;
  }[];
}

const fixture: Fixture = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/images/evaluation.json'), 'utf8'),
);
const { size, classes, labels } = fixture;
const train = { data: Float32Array.from(fixture.train), size };
const held = { data: Float32Array.from(fixture.test), size };

describe('nearest neighbours', () => {
  test.each(fixture.neighbours)('k $k, temperature $temperature', ({ predictions, ...options }) => {
    expect([...classifyByNeighbours(train, labels, held, classes, options)]).toEqual(predictions);
  });

  test('the nearest of a vector among others is itself, then by falling similarity', () => {
    const [first] = nearest(train, { data: train.data.subarray(0, size), size }, 60);
    expect(first?.indices[0]).toBe(0);
    expect(first?.similarities[0]).toBeCloseTo(1, 6);
    const similarities = [...(first?.similarities ?? [])];
    expect(similarities).toEqual(similarities.toSorted((a, b) => b - a));
    expect([...(first?.indices ?? [])].sort((a, b) => a - b)).toEqual(labels.map((_, i) => i));
  });
});

describe('linear probe', () => {
  test.each(fixture.probes)('strength $strength reaches the minimum', async ({ strength, weight, bias, loss }) => {
    const probe = await fitLinearProbe(train, labels, classes, { strength });
    expect(probe.fit.converged).toBe(true);
    expect(probe.loss).toBeCloseTo(loss, 6);
    // Near the minimum the weights move much for little loss.
    for (const [i, value] of probe.weight.entries()) expect(Math.abs(value - (weight[i] as number))).toBeLessThan(1e-4);
    for (const [i, value] of probe.bias.entries()) expect(Math.abs(value - (bias[i] as number))).toBeLessThan(1e-4);
  });

  test('a feature that does not vary, and other scales, change no prediction', async () => {
    const widened = new Float32Array((train.data.length / size) * (size + 1));
    for (let row = 0; row < labels.length; row++) {
      for (let j = 0; j < size; j++) widened[row * (size + 1) + j] = 1000 * (train.data[row * size + j] as number);
      widened[row * (size + 1) + size] = 7;
    }
    const plain = (await fitLinearProbe(train, labels, classes)).classify(train);
    const wide = { data: widened, size: size + 1 };
    expect((await fitLinearProbe(wide, labels, classes)).classify(wide)).toEqual(plain);
  });
});

test('estimate gives the mean and the interval by Student t', () => {
  // t(0.975, 2) = 4.303; deviation 0.1, over √3.
  const { mean, low, high } = estimate([0.5, 0.6, 0.7]);
  expect(mean).toBeCloseTo(0.6, 10);
  expect(low).toBeCloseTo(0.6 - (4.303 * 0.1) / Math.sqrt(3), 4);
  expect(high).toBeCloseTo(0.6 + (4.303 * 0.1) / Math.sqrt(3), 4);
  expect(estimate([0.5])).toMatchObject({ mean: 0.5, low: null, high: null });
});
