import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as ops from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradients.ts';
import { Graph } from '../../src/graph/graph.ts';
import { Scope } from '../../src/nn/scope.ts';
import type { Objective } from '../../src/tasks/text/objective.ts';
import { manyLabels, type TargetText } from '../../src/tasks/text/objectives/manyLabels.ts';
import { number } from '../../src/tasks/text/objectives/number.ts';
import { relativeError } from '../graph/differences.ts';
import { evaluate } from '../graph/evaluator.ts';

/** Mean losses of PyTorch in float64, which are those of transformers by `problem_type`: see make.py beside it. */
interface Case {
  readonly outputs: readonly (readonly number[])[];
  readonly targets: readonly (readonly number[])[];
  readonly loss: number;
  readonly gradient: readonly (readonly number[])[];
}

const path = new URL('../fixtures/answers/reference.json', import.meta.url);
const { losses }: { readonly losses: Readonly<Record<'logistic' | 'squared' | 'huber', Case>> } = JSON.parse(
  readFileSync(path, 'utf8'),
);

test.each([
  ['several labels', manyLabels(4), losses.logistic],
  ['a number', number('squared'), losses.squared],
  ['a number by Huber', number('huber'), losses.huber],
] as const)('%s: loss and gradient are those of PyTorch', (_, objective, one) => {
  const { loss, gradient } = computed(objective, one);
  // Constants of a graph are float32.
  expect(loss).toBeCloseTo(one.loss, 6);
  expect(relativeError(gradient, one.gradient.flat())).toBeLessThan(1e-6);
});

test('logits of any size have a finite loss', () => {
  const far = { outputs: [[800, -800]], targets: [[1, 0]], loss: 0, gradient: [[0, 0]] };
  expect(computed(manyLabels(2), far).loss).toBe(0);
  const wrong = { ...far, targets: [[0, 1]] };
  const { loss, gradient } = computed(manyLabels(2), wrong);
  expect(loss).toBeCloseTo(800, 10);
  expect([...gradient]).toEqual([0.5, -0.5]);
});

test('a logit of zero has the slope of a coin', () => {
  const { gradient } = computed(manyLabels(1), { outputs: [[0]], targets: [[1]], loss: 0, gradient: [[0]] });
  expect([...gradient]).toEqual([-0.5]);
});

/** The mean loss of an objective's one term, and its gradient by the outputs. */
function computed({ terms }: Objective<TargetText>, { outputs, targets }: Case) {
  const [term] = Object.values(terms);
  if (!term) throw new Error('no term');
  const shape = [outputs.length, outputs[0]?.length ?? 0] as const;
  const graph = new Graph();
  const z = graph.input('z', 'float32', shape);
  const t = graph.input('t', 'float32', shape);
  const again = { weights: z, pass: () => z, start: () => z };
  const each = term.loss(z, t, new Scope(graph, [], { training: true }), again);
  const mean = ops.scale(ops.sum(each, [0]), 1 / shape[0]);
  const [slope] = gradients(mean, [z]);
  if (!slope) throw new Error('no gradient');
  const [loss, gradient] = evaluate([mean, slope], {
    z: { shape, data: Float64Array.from(outputs.flat()) },
    t: { shape, data: Float64Array.from(targets.flat()) },
  });
  return { loss: Number(loss?.data[0]), gradient: gradient?.data ?? new Float64Array() };
}
