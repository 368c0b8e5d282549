import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { randomUnit } from '../../../src/core/random.ts';
import { fitTemperature } from '../../../src/evaluation/calibration.ts';
import { softmax } from '../../../src/evaluation/classification.ts';
import { binomialTail, lowerBound, upperBound } from '../../../src/evaluation/trust/binomial.ts';
import { type Figure, measureCalibration } from '../../../src/evaluation/trust/calibrationMeasure.ts';
import { conformalQuantile, conformalRow, fitSets, setOf } from '../../../src/evaluation/trust/conformal.ts';
import { classMeans, ledoitWolf } from '../../../src/evaluation/trust/ledoitWolf.ts';
import { outsideNumbers, outsideScores } from '../../../src/evaluation/trust/outsideScorer.ts';
import { measureSeparation } from '../../../src/evaluation/trust/ranking.ts';
import { fitScaling, scaled, unscaled } from '../../../src/evaluation/trust/scaling.ts';

interface References {
  readonly calibration: {
    readonly classes: number;
    readonly logits: number[];
    readonly labels: number[];
    readonly ece: number;
    readonly eceEqualMass: number;
    readonly brier: number;
    readonly logLoss: number;
    readonly temperature: number;
    readonly netcalTemperature: number | null;
    readonly scale: number;
    readonly vector: number[];
  }[];
  readonly separation: {
    readonly inside: number[];
    readonly outside: number[];
    readonly auroc: number;
    readonly auprOutside: number;
    readonly auprInside: number;
    readonly fprAt95: number;
  }[];
  readonly distances: {
    readonly classes: number;
    readonly size: number;
    readonly labels: number[];
    readonly vectors: number[];
    readonly tests: number[];
    readonly shrinkage: number;
    readonly covariance: number[];
    readonly mahalanobis: number[];
    readonly neighbours: number[];
  }[];
  readonly conformal: {
    readonly classes: number;
    readonly coverage: number;
    readonly probabilities: number[];
    readonly labels: number[];
    readonly tests: number[];
    readonly scores: number[];
    readonly cumulative: number[];
    readonly ranks: number[];
    readonly raps: number[];
    readonly quantile: number;
    readonly adaptiveQuantile: number;
    readonly rapsQuantile: number;
    readonly perClass: number[];
    readonly sets: number[][];
  }[];
  readonly binomial: {
    readonly k: number;
    readonly n: number;
    readonly p: number;
    readonly confidence: number;
    readonly tail: number;
    readonly upper: number;
    readonly lower: number;
  }[];
}

const references: References = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../fixtures/trust/measures.json'), 'utf8'),
);

function rowsOf(values: readonly number[], size: number): number[][] {
  return Array.from({ length: values.length / size }, (_, i) => values.slice(i * size, (i + 1) * size));
}

function near(found: ArrayLike<number>, wanted: ArrayLike<number>, most = 1e-6): void {
  expect(found.length).toBe(wanted.length);
  const differences = Array.from(found, (value, i) => Math.abs(value - (wanted[i] as number)));
  expect(Math.max(...differences)).toBeLessThan(most);
}

describe.each(references.calibration.map((one, i) => ({ ...one, i })))('calibration, case $i', (one) => {
  const { classes, labels } = one;
  const rows = rowsOf(one.logits, classes);
  const probabilities = rows.flatMap((row) => [...softmax(row)]);

  test('is measured as netcal and scikit-learn measure it', () => {
    const { ece, eceEqualMass, brier, logLoss } = measureCalibration({ probabilities, labels, classes });
    const wanted = [one.ece, one.eceEqualMass, one.brier, one.logLoss];
    near([ece.value, eceEqualMass.value, brier.value, logLoss.value], wanted);
    for (const { low, high, value } of [ece, eceEqualMass, brier, logLoss]) {
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
  });

  test('probabilities that are right have an error by chance, which lies in its interval', () => {
    const count = 300;
    const right = Float64Array.from({ length: count }, (_, i) => 0.5 + (i + 0.5) / (2 * count));
    const answers = {
      probabilities: Float64Array.from({ length: 2 * count }, (_, at) => {
        const own = right[at >> 1] as number;
        return at % 2 === 0 ? own : 1 - own;
      }),
      labels: Int32Array.from(right, (p, i) => Number(randomUnit(1, 'labels', i) >= p)),
      classes: 2,
    };
    for (const { value, low, high } of Object.values(measureCalibration(answers)).filter(isFigure)) {
      expect(value).toBeGreaterThan(0);
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
  });

  test('the diagram gives the error', () => {
    const { reliability, ece, eceEqualMass, count } = measureCalibration({ probabilities, labels, classes });
    for (const [bins, figure] of [
      [reliability.equalWidth, ece],
      [reliability.equalMass, eceEqualMass],
    ] as const) {
      expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(count);
      const error = bins.reduce(
        (sum, bin) => sum + (bin.count * Math.abs((bin.confidence ?? 0) - (bin.accuracy ?? 0))) / count,
        0,
      );
      expect(error).toBeCloseTo(figure.value, 12);
    }
  });

  test('a temperature and scales of classes are those of scipy, and the temperature that of netcal', async () => {
    const own = fitTemperature(one.logits, labels, classes);
    near([own], [one.temperature], 1e-4);
    if (one.netcalTemperature !== null) near([own], [one.netcalTemperature], 5e-3);
    const held = { logits: one.logits, labels, classes };
    const temperature = await fitScaling(held, 'temperature');
    near(temperature.scales, new Array(classes).fill(one.scale), 1e-5);
    const vector = await fitScaling(held, 'vector');
    near([...vector.scales, ...vector.shifts], one.vector, 1e-3);
    const [first = []] = rows;
    const middle = first.reduce((sum, logit) => sum + logit, 0) / classes;
    const centred = first.map((logit) => logit - middle);
    near(unscaled(scaled(first, vector), vector), centred, 1e-9);
    near(softmax(unscaled(scaled(first, temperature), temperature)), softmax(first), 1e-12);
  });
});

test.each(references.separation)('telling texts of no class from others is measured as scikit-learn does', (one) => {
  const found = measureSeparation(one.inside, one.outside);
  const { auroc, auprOutside, auprInside, fprAt95 } = one;
  near(
    [found.auroc, found.auprOutside, found.auprInside, found.fprAt95],
    [auroc, auprOutside, auprInside, fprAt95],
    1e-12,
  );
});

describe.each(references.distances)('vectors of $size numbers', (one) => {
  const { classes, size, labels } = one;
  const vectors = { data: Float32Array.from(one.vectors), size };
  const tests = { data: Float32Array.from(one.tests), size };
  const texts = { logits: new Float64Array(10 * classes), classes, vectors: tests };

  test("the shrunk covariance is scikit-learn's", () => {
    const { means } = classMeans(vectors, labels, classes);
    const rows = Float64Array.from(one.vectors, (value, i) => {
      return value - (means[(labels[Math.floor(i / size)] as number) * size + (i % size)] as number);
    });
    const { covariance, shrinkage } = ledoitWolf({ rows, size });
    near([shrinkage], [one.shrinkage], 1e-9);
    near(covariance, one.covariance, 1e-9);
  });

  test('distances are those of scikit-learn', () => {
    const scores = (kind: 'mahalanobis' | 'neighbours') => {
      const numbers = outsideNumbers(kind, vectors, labels, classes);
      if (!numbers) throw new Error(`no ${kind}`);
      return outsideScores(numbers, texts);
    };
    const shares = (found: ArrayLike<number>, wanted: readonly number[]) =>
      Array.from(found, (value, i) => value / (wanted[i] as number));
    // The numbers are kept in float32.
    near(
      shares(scores('mahalanobis'), one.mahalanobis),
      one.mahalanobis.map(() => 1),
      1e-5,
    );
    near(scores('neighbours'), one.neighbours, 1e-6);
  });
});

describe.each(references.conformal)('sets that hold the right label of $coverage', (one) => {
  const { classes, labels, coverage } = one;
  const rows = rowsOf(one.probabilities, classes).map((row, i) => conformalRow(row, labels[i] as number));

  test("scores and thresholds are MAPIE's", () => {
    near(
      rows.map(({ strangeness }) => strangeness),
      one.scores,
      1e-9,
    );
    near(
      rows.map(({ cumulative }) => cumulative),
      one.cumulative,
      1e-9,
    );
    expect(rows.map(({ rank }) => rank)).toEqual(one.ranks);
    const regularization = { penalty: 0.05, free: 2 };
    near(fitSets(rows, classes, 'split', coverage).thresholds, [one.quantile], 1e-9);
    near(fitSets(rows, classes, 'adaptive', coverage).thresholds, [one.adaptiveQuantile], 1e-9);
    near(fitSets(rows, classes, 'regularized', coverage, regularization).thresholds, [one.rapsQuantile], 1e-9);
    near(fitSets(rows, classes, 'per-class', coverage).thresholds, one.perClass, 1e-9);
  });

  test("sets are MAPIE's", () => {
    const rule = fitSets(rows, classes, 'split', coverage);
    const sets = rowsOf(one.tests, classes).map((row) => setOf(row, rule).sort((a, b) => a - b));
    expect(sets).toEqual(one.sets);
  });
});

test('too few texts for a promise of sets give every label', () => {
  expect(conformalQuantile([0.1, 0.2], 0.9)).toBe(Number.POSITIVE_INFINITY);
  expect(conformalQuantile([0.3, 0.1, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], 0.9)).toBe(0.9);
});

test.each(references.binomial)("the bounds of $k of $n are scipy's", ({ k, n, p, confidence, tail, upper, lower }) => {
  near([binomialTail(k, n, p), upperBound(k, n, confidence), lowerBound(k, n, confidence)], [tail, upper, lower], 1e-9);
});

function isFigure(value: unknown): value is Figure {
  return typeof value === 'object' && value !== null && 'low' in value;
}
