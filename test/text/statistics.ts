/** Standard errors between a count and what is expected of `trials` draws with probability `p`. */
export function deviations(count: number, trials: number, p: number): number {
  return Math.abs(count - trials * p) / Math.sqrt(trials * p * (1 - p));
}

/** Pearson's statistic of counts against what is expected of each. */
export function chiSquare(counts: readonly number[], expected: readonly number[]): number {
  return counts.reduce((sum, count, i) => sum + (count - (expected[i] as number)) ** 2 / (expected[i] as number), 0);
}

/** What a chi-square variable with so many degrees of freedom stays below in 999 of 1,000 cases (Wilson-Hilferty). */
export function chiSquareLimit(freedom: number): number {
  return freedom * (1 - 2 / (9 * freedom) + 3.09 * Math.sqrt(2 / (9 * freedom))) ** 3;
}
