import { type Interval, normalInterval, standardErrorOfMean } from './intervals.ts';

/** Difference of two classifiers' accuracies on the same texts, with its 95 % confidence interval. */
export interface AccuracyDifference extends Interval {
  readonly mean: number;
  readonly standardError: number;
}

/**
 * Accuracy of b less that of a on the same texts: the texts are what was sampled, and what both get right or wrong says
 * nothing.
 *
 * @param a whether each text is right [n] @param b the same of the other
 */
export function accuracyDifference(a: ArrayLike<boolean>, b: ArrayLike<boolean>): AccuracyDifference {
  const differences = Float64Array.from({ length: a.length }, (_, i) => Number(b[i]) - Number(a[i]));
  const mean = differences.reduce((sum, value) => sum + value, 0) / Math.max(1, a.length);
  const standardError = standardErrorOfMean(differences);
  return { mean, standardError, ...normalInterval(mean, standardError) };
}
