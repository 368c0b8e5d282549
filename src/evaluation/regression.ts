/** How near numbers came to those they were to be; all figures are as scikit-learn and SciPy have them. */
export interface RegressionMetrics {
  /** Share of the variance that is explained: 1 − Σ (t − y)² / Σ (t − mean t)²; NaN where all numbers are one. */
  readonly r2: number;
  /** Mean absolute error, on the scale of the numbers. */
  readonly mae: number;
  /** Root of the mean squared error. */
  readonly rmse: number;
  /** Correlation of the ranks; NaN where either side is constant. */
  readonly spearman: number;
  readonly pearson: number;
}

/** @param targets [n] @param values what was said of each [n] */
export function regressionMetrics(targets: ArrayLike<number>, values: ArrayLike<number>): RegressionMetrics {
  const count = targets.length;
  const mean = meanOf(targets);
  let [squares, spread, absolute] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    const target = targets[i] as number;
    const error = target - (values[i] as number);
    squares += error * error;
    absolute += Math.abs(error);
    spread += (target - mean) ** 2;
  }
  return {
    r2: spread > 0 ? 1 - squares / spread : Number.NaN,
    mae: absolute / count,
    rmse: Math.sqrt(squares / count),
    spearman: correlation(ranks(targets), ranks(values)),
    pearson: correlation(targets, values),
  };
}

/** Pearson's correlation; NaN where either side is constant. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  let [product, squaresA, squaresB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [(a[i] as number) - meanA, (b[i] as number) - meanB];
    product += x * y;
    squaresA += x * x;
    squaresB += y * y;
  }
  return squaresA > 0 && squaresB > 0 ? product / Math.sqrt(squaresA * squaresB) : Number.NaN;
}

/** Ranks from 1; those of equal values are the mean of their places. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => (values[a] as number) - (values[b] as number),
  );
  const result = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to] as number] === values[order[from] as number]) to++;
    for (const i of order.slice(from, to)) result[i] = (from + 1 + to) / 2;
    from = to;
  }
  return result;
}

/**
 * Half the width of an interval that holds a share of further numbers: the ⌈(n + 1) share⌉-th least absolute residual of n
 * texts that training has not seen (split conformal prediction, Papadopoulos et al. 2002). Infinite for too few residuals.
 *
 * @param residuals target less what was said; NaN does not count
 */
export function conformalMargin(residuals: ArrayLike<number>, share: number): number {
  const sorted = Array.from(residuals, Math.abs)
    .filter((size) => !Number.isNaN(size))
    .sort((a, b) => a - b);
  return sorted[Math.ceil((sorted.length + 1) * share) - 1] ?? Number.POSITIVE_INFINITY;
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}
