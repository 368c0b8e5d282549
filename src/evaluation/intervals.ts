/** A 95 % confidence interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** 97.5 % quantile of the normal distribution. */
const z = 1.959963984540054;

/**
 * Interval of a share, `successes` of `count`, by Wilson's score (1927): it stays within 0 and 1 and holds for few examples
 * and for shares near the ends, where the textbook's does not.
 */
export function wilsonInterval(successes: number, count: number): Interval {
  if (count === 0) return { low: 0, high: 1 };
  const share = successes / count;
  const spread = z ** 2 / count;
  const middle = (share + spread / 2) / (1 + spread);
  const margin = (z * Math.sqrt((share * (1 - share)) / count + spread / (4 * count))) / (1 + spread);
  return { low: Math.max(0, middle - margin), high: Math.min(1, middle + margin) };
}

/** Interval of a mean with a known standard error, by the normal distribution. */
export function normalInterval(mean: number, standardError: number): Interval {
  return { low: mean - z * standardError, high: mean + z * standardError };
}

/**
 * Interval of macro-F1 from a confusion matrix [true][predicted], by the delta method on the multinomial shares of its cells
 * (Takahashi et al. 2022). Classes that neither occur nor are predicted do not count.
 */
export function macroF1Interval(confusion: readonly (readonly number[])[]): Interval {
  const count = sum(confusion.map(sum));
  if (count === 0) return { low: 0, high: 1 };
  // d_c: the share of class c among the labels and among the predictions, added; F1_c = 2 p_cc / d_c
  const diagonal = confusion.map((row, c) => (row[c] ?? 0) / count);
  const d = confusion.map((row, c) => (sum(row) + sum(confusion.map((other) => other[c] ?? 0))) / count);
  const classes = d.filter((share) => share > 0).length;
  const f1 = (c: number) => ((d[c] ?? 0) > 0 ? (2 * (diagonal[c] ?? 0)) / (d[c] ?? 1) : 0);
  // ∂F1_c/∂p_ij = 2 [i = j = c] / d_c − F1_c ([i = c] + [j = c]) / d_c
  const slope = (c: number) => f1(c) / (d[c] ?? 1);
  let mean = 0;
  let squares = 0;
  for (const [i, row] of confusion.entries()) {
    for (const [j, cell] of row.entries()) {
      if (cell === 0) continue;
      const gradient = ((i === j ? 2 / (d[i] ?? 1) : 0) - slope(i) - slope(j)) / classes;
      mean += (cell / count) * gradient;
      squares += (cell / count) * gradient ** 2;
    }
  }
  const macroF1 = sum(confusion.map((_, c) => f1(c))) / classes;
  const { low, high } = normalInterval(macroF1, Math.sqrt(Math.max(0, squares - mean ** 2) / count));
  return { low: Math.max(0, low), high: Math.min(1, high) };
}

/** Standard error of a mean of independent values; 0 for fewer than two. */
export function standardErrorOfMean(values: ArrayLike<number>): number {
  const ratio = new RatioEstimate();
  for (let i = 0; i < values.length; i++) ratio.add(values[i] as number, 1);
  return ratio.standardError;
}

/**
 * A mean over units that come in groups: the loss over tokens, when texts are what was sampled. Its standard error takes
 * each group as one draw (the ratio estimator of survey sampling), since tokens of one text are alike.
 */
export class RatioEstimate {
  #groups = 0;
  #total = 0;
  #count = 0;
  #totalSquared = 0;
  #mixed = 0;
  #countSquared = 0;

  /** @param total sum of a group's values @param count its units */
  add(total: number, count: number): void {
    this.#groups++;
    this.#total += total;
    this.#count += count;
    this.#totalSquared += total ** 2;
    this.#mixed += total * count;
    this.#countSquared += count ** 2;
  }

  get mean(): number {
    return this.#total / this.#count;
  }

  /** 0 for fewer than two groups. */
  get standardError(): number {
    const [n, mean] = [this.#groups, this.mean];
    if (n < 2) return 0;
    const residuals = this.#totalSquared - 2 * mean * this.#mixed + mean ** 2 * this.#countSquared;
    return Math.sqrt(((n / (n - 1)) * Math.max(0, residuals)) / this.#count ** 2);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
