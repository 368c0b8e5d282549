import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fitLinearTargets, type TargetLoss } from '../../src/evaluation/linearTargets.ts';
import { hostProducts } from '../../src/evaluation/logisticRegression.ts';
import { manyLabelsMetrics } from '../../src/evaluation/manyLabels.ts';
import { conformalMargin, ranks, regressionMetrics } from '../../src/evaluation/regression.ts';
import { chosenThreshold } from '../../src/evaluation/thresholds.ts';

type Matrix = readonly (readonly number[])[];

/** What scikit-learn and SciPy computed: see make.py beside it. */
interface Reference {
  readonly manyLabels: readonly (Readonly<Record<string, number>> & {
    readonly targets: Matrix;
    readonly scores: Matrix;
    readonly told: Matrix;
    readonly perLabel: readonly Readonly<Record<string, number | null>>[];
  })[];
  readonly numbers: readonly (Readonly<Record<string, number>> & {
    readonly targets: readonly number[];
    readonly values: readonly number[];
  })[];
  readonly fits: {
    readonly features: Matrix;
    readonly labels: Matrix;
    readonly values: readonly number[];
    readonly c: number;
    readonly logistic: { readonly weight: Matrix; readonly bias: readonly number[] };
    readonly ridge: { readonly weight: readonly number[]; readonly bias: number };
  };
}

const reference: Reference = JSON.parse(
  readFileSync(new URL('../fixtures/answers/reference.json', import.meta.url), 'utf8'),
);

describe('several labels', () => {
  test.each(reference.manyLabels)('figures are those of scikit-learn %#', ({ targets, scores, told, ...expected }) => {
    const labels = targets[0]?.length ?? 0;
    const { perLabel, ...found } = manyLabelsMetrics(targets.flat(), scores.flat(), told.flat(), labels);
    for (const [name, value] of Object.entries(found)) expect(value, name).toBeCloseTo(expected[name] as number, 12);
    expect(perLabel).toHaveLength(labels);
    for (const [c, one] of perLabel.entries()) {
      const own = expected.perLabel[c] ?? {};
      for (const name of ['precision', 'recall', 'f1', 'support'] as const) {
        expect(one[name], `${name} of ${c}`).toBeCloseTo(own[name] as number, 12);
      }
      if (own.averagePrecision === null) expect(one.averagePrecision).toBeNull();
      else expect(one.averagePrecision).toBeCloseTo(own.averagePrecision as number, 12);
    }
  });

  test('a threshold is where F1 is best, and stays at one half for few texts or no gain', () => {
    const many = <T>(list: readonly T[]) => Array.from({ length: 20 }, () => list).flat();
    const targets = many([1, 1, 0, 0]);
    expect(chosenThreshold(targets, many([0.4, 0.3, 0.1, 0.05]))).toBeCloseTo(0.2, 10);
    expect(chosenThreshold(targets, many([0.9, 0.8, 0.1, 0.2]))).toBe(0.5);
    expect(chosenThreshold([1, 1, 0, 0], [0.4, 0.3, 0.1, 0.05])).toBe(0.5);
    const unknown = many([Number.NaN, 0.3, Number.NaN, 0.05]);
    expect(chosenThreshold(targets, unknown)).toBeCloseTo(0.175, 10);
  });
});

describe('a number', () => {
  test.each(reference.numbers)('figures are those of scikit-learn and SciPy %#', ({ targets, values, ...expected }) => {
    for (const [name, value] of Object.entries(regressionMetrics(targets, values))) {
      expect(value, name).toBeCloseTo(expected[name] as number, 12);
    }
  });

  test('ranks of equal values are the mean of their places', () => {
    expect([...ranks([3, 1, 3, 2])]).toEqual([3.5, 1, 3.5, 2]);
  });

  test('what cannot be told is no number', () => {
    const { r2, spearman, pearson, mae } = regressionMetrics([2, 2], [1, 3]);
    expect([r2, spearman, pearson, mae]).toEqual([Number.NaN, Number.NaN, Number.NaN, 1]);
  });

  test('the margin of an interval is the residual of the split conformal rank', () => {
    const residuals = Array.from({ length: 19 }, (_, i) => (i % 2 === 0 ? 1 : -1) * (i + 1));
    // ⌈20 · 0.9⌉ = 18
    expect(conformalMargin([...residuals, Number.NaN], 0.9)).toBe(18);
    expect(conformalMargin(residuals.slice(0, 8), 0.9)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('linear layers', () => {
  const { features, labels, values, c, logistic, ridge } = reference.fits;
  const products = hostProducts({ data: Float32Array.from(features.flat()), size: 5 });
  const fitted = (targets: readonly number[], size: number, name: TargetLoss) =>
    fitLinearTargets(products, { data: Float32Array.from(targets), size }, name, { strength: 1 / c, tolerance: 1e-12 });
  const close = (found: ArrayLike<number>, expected: readonly number[], digits: number) => {
    expect(found).toHaveLength(expected.length);
    for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, digits);
  };

  test('labels against the rest are those of OneVsRestClassifier', async () => {
    const { weight, bias } = await fitted(labels.flat(), 3, 'logistic');
    close(weight, logistic.weight.flat(), 6);
    close(bias, logistic.bias, 6);
  });

  test('a number is that of Ridge', async () => {
    const { weight, bias } = await fitted(values, 1, 'squared');
    // Targets are kept in float32.
    close(weight, ridge.weight, 6);
    close(bias, [ridge.bias], 6);
  });

  test('a far-off number pulls less by Huber', async () => {
    const spoilt = values.map((value, i) => (i === 0 ? 1000 : value));
    const distance = async (name: TargetLoss) => {
      const { weight } = await fitted(spoilt, 1, name);
      return Math.hypot(...ridge.weight.map((w, j) => w - (weight[j] as number)));
    };
    expect(await distance('huber')).toBeLessThan(0.2 * (await distance('squared')));
  });
});
