import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { classOrder } from '../../src/data/classOrder.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import * as ops from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradients.ts';
import { Graph } from '../../src/graph/graph.ts';
import { classContrastLoss } from '../../src/tasks/text/objectives/classContrast.ts';

interface Case {
  readonly name: string;
  readonly temperature: number;
  readonly labels: readonly number[];
  readonly size: number;
  readonly vectors: readonly number[];
  readonly losses: readonly number[];
  readonly gradient: readonly number[];
}

const file = new URL('../fixtures/contrast/classContrast.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: readonly Case[] };
const classes = 3;

/** Losses and gradient of a case with places behind its texts that hold none. */
async function computed({ temperature, labels, size, vectors }: Case, unused: number) {
  const count = labels.length + unused;
  const graph = new Graph();
  const x = graph.input('vectors', 'float32', [count, size]);
  const targets = graph.input('targets', 'int32', [count]);
  const weights = graph.input('weights', 'float32', [count]);
  const losses = classContrastLoss(x, targets, classes, temperature);
  const [slope] = gradients(ops.sum(ops.multiply(losses, weights), [0]), [x]);
  if (!slope) throw new Error('no gradient');
  graph.output('losses', losses);
  graph.output('gradient', slope);
  const program = await onnxEngine({ threads: 1 }).compile(graph);
  // As a batch has it: an unused place repeats the first text, without a target and with weight 0.
  const repeated = Array.from({ length: unused }, () => vectors.slice(0, size)).flat();
  const numbers = [...labels.map((label) => label + 1), ...new Array(unused).fill(0)];
  const result = await program.run({
    vectors: { dtype: 'float32', shape: [count, size], data: Float32Array.from([...vectors, ...repeated]) },
    targets: { dtype: 'int32', shape: [count], data: Int32Array.from(numbers) },
    weights: { dtype: 'float32', shape: [count], data: Float32Array.from(numbers, (n) => Number(n > 0)) },
  });
  await program.dispose();
  return { losses: [...(result.losses?.data ?? [])], gradient: [...(result.gradient?.data ?? [])] };
}

function expectClose(actual: readonly (number | bigint)[], wanted: readonly number[], tolerance: number) {
  for (const [i, value] of wanted.entries()) {
    expect(Math.abs(Number(actual[i]) - value), `number ${i}`).toBeLessThan(tolerance * Math.max(1, Math.abs(value)));
  }
}

describe.each(cases)('supervised contrast, $name', (one) => {
  test.each([0, 3])('equals that of PyTorch with %i places unused', async (unused) => {
    const { losses, gradient } = await computed(one, unused);
    expectClose(losses.slice(0, one.labels.length), one.losses, 2e-5);
    expectClose(gradient.slice(0, one.vectors.length), one.gradient, 2e-4);
    expect(gradient.slice(one.vectors.length).every((value) => Math.abs(Number(value)) < 1e-6)).toBe(true);
  });
});

describe('the order by class', () => {
  const labels = Int32Array.from({ length: 50 }, (_, i) => (i * i) % 7);

  test('has every example once, and another order in another epoch', () => {
    const [first, second] = [0, 1].map((epoch) => classOrder({ classes: labels, together: 2, seed: 4 }, epoch));
    for (const order of [first, second]) expect([...(order ?? [])].sort((a, b) => a - b)).toEqual([...labels.keys()]);
    expect(first).not.toEqual(second);
    expect(classOrder({ classes: labels, together: 2, seed: 4 }, 0)).toEqual(first);
    expect(classOrder({ classes: labels, together: 2, seed: 5 }, 0)).not.toEqual(first);
  });

  test('puts so many of one class together', () => {
    const same = Int32Array.from({ length: 24 }, (_, i) => i % 4);
    const order = classOrder({ classes: same, together: 3, seed: 1 }, 2);
    for (let from = 0; from < order.length; from += 3) {
      expect(new Set([...order.subarray(from, from + 3)].map((i) => same[i])).size).toBe(1);
    }
  });
});
