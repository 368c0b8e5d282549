import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import {
  crossEntropies,
  fitLogisticRegression,
  hostProducts,
  type LinearClassifier,
  strengthAt,
} from '../../src/evaluation/logisticRegression.ts';
import { engineProducts } from '../../src/tasks/featureProducts.ts';
import { fitLinearHead } from '../../src/tasks/linearHead.ts';

interface Problem {
  readonly name: string;
  readonly size: number;
  readonly classes: number;
  readonly labels: number[];
  readonly features: number[];
  readonly tests: number[];
  /** Probabilities of the first six examples and of the tests [12, classes]. */
  readonly fits: { readonly c: number; readonly balanced: boolean; readonly probabilities: number[] }[];
}

const problems: Problem[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/evaluation/logistic.json'), 'utf8'),
);
const engine = onnxEngine({ threads: 1 });

/** Class weights n / (classes · n_c). */
function balancedWeights({ labels, classes }: Problem): number[] {
  return Array.from({ length: classes }, (_, c) => labels.length / (classes * labels.filter((l) => l === c).length));
}

function asked(problem: Problem): Float32Array {
  return Float32Array.from([...problem.features.slice(0, 6 * problem.size), ...problem.tests]);
}

function probabilities(data: Float32Array, size: number, { weight, bias }: LinearClassifier): number[] {
  const result: number[] = [];
  for (let row = 0; row < data.length; row += size) {
    const logits = [...bias].map((b, c) =>
      data.subarray(row, row + size).reduce((sum, x, j) => sum + x * (weight[c * size + j] as number), b),
    );
    const most = Math.max(...logits);
    const odds = logits.map((logit) => Math.exp(logit - most));
    const total = odds.reduce((a, b) => a + b);
    result.push(...odds.map((value) => value / total));
  }
  return result;
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

describe.each(problems)('$name', (problem) => {
  const { size, classes, labels } = problem;
  const data = Float32Array.from(problem.features);

  test.each(problem.fits)("C $c, balanced $balanced: scikit-learn's probabilities", async (wanted) => {
    const own = wanted.balanced ? balancedWeights(problem) : undefined;
    const weights = own && labels.map((label) => own[label] as number);
    const options = { strength: strengthAt(wanted.c, classes), weights, tolerance: 1e-9, maxIterations: 5000 };
    const fitted = await fitLogisticRegression(hostProducts({ data, size }), labels, classes, options);
    expect(fitted.fit.converged).toBe(true);
    expect(largestDifference(probabilities(asked(problem), size, fitted), wanted.probabilities)).toBeLessThan(1e-6);
    expect(fitted.bias.reduce((a, b) => a + b)).toBeCloseTo(0, 9);
  });

  test.each(problem.fits)('C $c, balanced $balanced: the head as it is fitted on an engine', async (wanted) => {
    const head = await fitLinearHead({
      ...{ engine, features: { data, size }, labels, classes, folds: labels.map(() => 0), cs: [wanted.c] },
      classWeights: wanted.balanced ? balancedWeights(problem) : undefined,
    });
    expect(head).toMatchObject({ c: wanted.c, converged: true });
    expect(largestDifference(probabilities(asked(problem), size, head), wanted.probabilities)).toBeLessThan(1e-4);
  });
});

test('products of an engine are those of the host', async () => {
  const problem = problems[0] as Problem;
  const rows = { data: Float32Array.from(problem.features), size: problem.size };
  const { size, classes, labels } = problem;
  const [host, own] = [hostProducts(rows), await engineProducts(engine, rows, classes)];
  const weight = Float64Array.from({ length: classes * size }, (_, i) => Math.sin(i));
  const logits = await host.logits(weight, classes);
  expect(largestDifference([...(await own.logits(weight, classes))], [...logits])).toBeLessThan(1e-5);
  const pulled = await host.pulledBack(logits, classes);
  expect(largestDifference([...(await own.pulledBack(logits, classes))], [...pulled])).toBeLessThan(1e-4);
  expect(own.count).toBe(labels.length);
  expect([...own.squares]).toEqual([...host.squares]);
  await own.dispose();
});

test('examples of weight 0 are as if they were not there', async () => {
  const { size, classes, labels, features } = problems[0] as Problem;
  const left = 40;
  const all = hostProducts({ data: Float32Array.from(features), size });
  const fewer = hostProducts({ data: Float32Array.from(features.slice(0, left * size)), size });
  const options = { strength: 0.1, tolerance: 1e-9 };
  const weights = labels.map((_, i) => (i < left ? 1 : 0));
  const masked = await fitLogisticRegression(all, labels, classes, { ...options, weights });
  const short = await fitLogisticRegression(fewer, labels.slice(0, left), classes, options);
  expect(largestDifference([...masked.weight], [...short.weight])).toBeLessThan(1e-6);
  expect(masked.loss).toBeCloseTo(short.loss, 9);
});

test('a start changes where a fit begins, not where it ends', async () => {
  const { size, classes, labels, features } = problems[0] as Problem;
  const products = hostProducts({ data: Float32Array.from(features), size });
  const options = { strength: 0.1, tolerance: 1e-9 };
  const cold = await fitLogisticRegression(products, labels, classes, options);
  const warm = await fitLogisticRegression(products, labels, classes, { ...options, start: cold });
  expect(warm.fit.iterations).toBeLessThan(2);
  expect(largestDifference([...warm.weight], [...cold.weight])).toBeLessThan(1e-6);
});

test('cross-entropies and predictions of logits', () => {
  const { losses, predictions } = crossEntropies(Float64Array.of(0, 0, 1000, 0), [0, Math.log(3)], [0, 1]);
  expect([...predictions]).toEqual([1, 0]);
  expect(losses[0]).toBeCloseTo(Math.log(4), 12);
  expect(losses[1]).toBeCloseTo(1000 - Math.log(3), 9);
});
