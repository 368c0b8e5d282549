/** Mean, lowest and highest of a few measurements. */
export interface Summary {
  readonly mean: number;
  readonly lowest: number;
  readonly highest: number;
}

export function summarize(values: readonly number[]): Summary {
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    lowest: Math.min(...values),
    highest: Math.max(...values),
  };
}

/** Mean difference of paired measurements with its 95 % confidence interval. */
export interface PairedDifference {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The difference b - a of measurements made in pairs (the same seed, the same labels), by Student's t.
 *
 * @throws when there are fewer than two pairs or more than twelve
 */
export function pairedDifference(a: readonly number[], b: readonly number[]): PairedDifference {
  const differences = b.map((value, i) => value - (a[i] ?? Number.NaN));
  const count = differences.length;
  if (count < 2 || count > 12) throw new Error(`pairedDifference: expected 2 to 12 pairs, got ${count}`);
  const quantile = studentQuantile(count - 1);
  const { mean } = summarize(differences);
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const margin = quantile * Math.sqrt(variance / count);
  return { mean, low: mean - margin, high: mean + margin };
}

/**
 * The 97.5 % quantile of Student's t, for any degrees of freedom from 1 on: between tabled ones it is linear in their
 * reciprocal, which is a little too wide.
 */
export function studentQuantile(degrees: number): number {
  const at = (number: number) => studentQuantiles[number - 1] ?? Number.NaN;
  const last = studentQuantiles.length;
  if (degrees >= last) return normalQuantile + (at(last) - normalQuantile) * (last / degrees);
  const below = Math.max(1, Math.floor(degrees));
  if (degrees <= below) return at(below);
  const share = (1 / below - 1 / degrees) / (1 / below - 1 / (below + 1));
  return at(below) + share * (at(below + 1) - at(below));
}

/** That of infinitely many degrees of freedom. */
const normalQuantile = 1.959963984540054;

/** For 1, 2, … degrees of freedom. */
const studentQuantiles = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201];
