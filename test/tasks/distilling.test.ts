import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as ops from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradients.ts';
import { Graph } from '../../src/graph/graph.ts';
import { Scope } from '../../src/nn/scope.ts';
import type { Term } from '../../src/tasks/text/objective.ts';
import { likeProbabilities } from '../../src/tasks/text/objectives/likeProbabilities.ts';
import { likeVectors } from '../../src/tasks/text/objectives/likeVectors.ts';
import { relativeError } from '../graph/differences.ts';
import { evaluate, item } from '../graph/evaluator.ts';

/** What `fixtures/distilling/make.py` computed with PyTorch in float64. */
interface Case {
  readonly shape: readonly [number, number];
  readonly student: readonly number[];
  readonly teacher: readonly number[];
  readonly weights: readonly number[];
  readonly losses: readonly number[];
  readonly gradient: readonly number[];
}

const path = new URL('../fixtures/distilling/values.json', import.meta.url);
const cases: { readonly vectors: Case; readonly labels: readonly (Case & { readonly temperature: number })[] } =
  JSON.parse(readFileSync(path, 'utf8'));

test('one minus the cosine to a vector: losses and gradient are those of PyTorch, whatever the lengths', () => {
  const { losses, gradient } = computed(likeVectors(5), cases.vectors);
  expect(relativeError(losses, Float64Array.from(cases.vectors.losses))).toBeLessThan(1e-7);
  // Each row for itself: those of short vectors are large.
  const size = cases.vectors.shape[1];
  for (let at = 0; at < gradient.length; at += size) {
    const expected = Float64Array.from(cases.vectors.gradient.slice(at, at + size));
    if (at === 3 * size) expect(Math.max(...gradient.slice(at, at + size).map(Math.abs))).toBeLessThan(1e-12);
    else expect(relativeError(gradient.slice(at, at + size), expected)).toBeLessThan(1e-7);
  }
});

test('a vector of zeros is at 1 from every other, and its gradient is no larger than the target', () => {
  const zero = { shape: [2, 2], student: [0, 0, 3, 4], teacher: [3, 4, 0, 0], weights: [1, 1] } as const;
  const { losses, gradient } = computed(likeVectors(2), zero);
  expect([...losses]).toEqual([1, 1]);
  expect(gradient[0]).toBeCloseTo(-0.6, 12);
  expect(gradient[1]).toBeCloseTo(-0.8, 12);
  expect([...gradient.slice(2)].map(Math.abs)).toEqual([0, 0]);
});

test.each(cases.labels.map((one) => [one.temperature, one] as const))(
  'divergence from class probabilities at temperature %f: losses and gradient are those of PyTorch, of any logits',
  (temperature, one) => {
    const { losses, gradient } = computed(likeProbabilities(7, temperature), one);
    expect(relativeError(losses, one.losses)).toBeLessThan(1e-7);
    expect(relativeError(gradient, one.gradient)).toBeLessThan(1e-7);
  },
);

/** A term's losses, and the gradient of their weighted sum by what the student makes. */
function computed(term: Term, { shape, student, teacher, weights }: Omit<Case, 'losses' | 'gradient'>) {
  const graph = new Graph();
  const outputs = graph.input('student', 'float32', shape);
  const targets = graph.input('teacher', 'float32', [shape[0], teacher.length / shape[0]]);
  const weight = graph.input('weights', 'float32', [shape[0]]);
  const again = { weights: weight, pass: () => outputs, start: () => outputs };
  const losses = term.loss(outputs, targets, new Scope(graph, [], { training: true }), again);
  const weighted = ops.multiply(losses, weight);
  const [slope] = gradients(ops.sum(weighted, [0]), [outputs]);
  if (!slope) throw new Error('no gradient');
  const [lossValues, gradient] = evaluate([losses, slope], {
    student: { shape, data: Float64Array.from(student) },
    teacher: { shape: [shape[0], teacher.length / shape[0]], data: Float64Array.from(teacher) },
    weights: { shape: [shape[0]], data: Float64Array.from(weights) },
  });
  return { losses: item([lossValues], 0)?.data ?? new Float64Array(), gradient: gradient?.data ?? new Float64Array() };
}
