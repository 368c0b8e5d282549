import { studentQuantile } from './paired.ts';

/** The mean of repeated measurements with its 95 % confidence interval; without an interval when there is only one. */
export interface Estimate {
  readonly mean: number;
  readonly low: number | null;
  readonly high: number | null;
  /** The measurements. */
  readonly values: readonly number[];
}

/** The mean over seeds, its interval by Student's t. */
export function estimate(values: readonly number[]): Estimate {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean, low: null, high: null, values };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  const margin = studentQuantile(values.length - 1) * Math.sqrt(variance / values.length);
  return { mean, low: mean - margin, high: mean + margin, values };
}
