import type { Rows } from '../neighbours.ts';

/** Rows about the mean of their class, and the means. */
export interface Residuals {
  /** [n, size] */
  readonly rows: Float64Array;
  readonly size: number;
}

export interface ShrunkCovariance {
  /** [size, size] */
  readonly covariance: Float64Array;
  /** Share of the way to a multiple of the identity. */
  readonly shrinkage: number;
}

/**
 * The covariance of residuals, whose means are 0, drawn towards a multiple of the identity by as much as is best for it
 * (Ledoit & Wolf 2004), so that it can be inverted however few rows there are. As scikit-learn's LedoitWolf of centred
 * data.
 */
export function ledoitWolf({ rows, size }: Residuals): ShrunkCovariance {
  const n = rows.length / size;
  const covariance = new Float64Array(size * size);
  let fourth = 0;
  for (let from = 0; from < rows.length; from += size) {
    let square = 0;
    for (let j = 0; j < size; j++) {
      const own = rows[from + j] as number;
      square += own * own;
      const at = j * size;
      for (let k = 0; k <= j; k++)
        covariance[at + k] = (covariance[at + k] as number) + own * (rows[from + k] as number);
    }
    fourth += square * square;
  }
  let [squares, trace] = [0, 0];
  for (let j = 0; j < size; j++) {
    for (let k = 0; k <= j; k++) {
      const value = (covariance[j * size + k] as number) / n;
      covariance[j * size + k] = value;
      covariance[k * size + j] = value;
      squares += (j === k ? 1 : 2) * value * value;
    }
    trace += covariance[j * size + j] as number;
  }
  const mean = trace / size;
  const distance = squares - 2 * mean * trace + size * mean * mean;
  const spread = Math.min((fourth / n - squares) / n, distance);
  const shrinkage = distance === 0 ? 0 : spread / distance;
  for (let i = 0; i < covariance.length; i++) covariance[i] = (1 - shrinkage) * (covariance[i] as number);
  for (let j = 0; j < size; j++) {
    covariance[j * size + j] = (covariance[j * size + j] as number) + shrinkage * mean;
  }
  return { covariance, shrinkage };
}

/**
 * The matrix W [size, size] for which |W x|² = xᵀ C⁻¹ x: the inverse of the Cholesky factor of C, lower triangular.
 *
 * @returns undefined for a C that is not positive definite
 */
export function whitening(covariance: Float64Array, size: number): Float64Array | undefined {
  const factor = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = covariance[i * size + j] as number;
      for (let k = 0; k < j; k++) sum -= (factor[i * size + k] as number) * (factor[j * size + k] as number);
      if (i !== j) factor[i * size + j] = sum / (factor[j * size + j] as number);
      else if (sum > 0) factor[i * size + i] = Math.sqrt(sum);
      else return undefined;
    }
  }
  // Rows of the inverse from the top: L W = 1.
  const inverse = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const own = factor[i * size + i] as number;
    for (let k = 0; k < i; k++) {
      const share = factor[i * size + k] as number;
      for (let j = 0; j <= k; j++) {
        inverse[i * size + j] = (inverse[i * size + j] as number) - share * (inverse[k * size + j] as number);
      }
    }
    for (let j = 0; j < i; j++) inverse[i * size + j] = (inverse[i * size + j] as number) / own;
    inverse[i * size + i] = 1 / own;
  }
  return inverse;
}

/** Means of the classes [classes, size] of rows that are marked, of a class without one zeros; and how many each has. */
export function classMeans(
  { data, size }: Rows,
  labels: ArrayLike<number>,
  classes: number,
  isIn: (i: number) => boolean = () => true,
): { readonly means: Float64Array; readonly counts: Int32Array } {
  const means = new Float64Array(classes * size);
  const counts = new Int32Array(classes);
  for (let i = 0; i < labels.length; i++) {
    if (!isIn(i)) continue;
    const label = labels[i] as number;
    counts[label] = (counts[label] as number) + 1;
    for (let j = 0; j < size; j++) {
      means[label * size + j] = (means[label * size + j] as number) + (data[i * size + j] as number);
    }
  }
  for (let i = 0; i < means.length; i++)
    means[i] = (means[i] as number) / Math.max(1, counts[Math.floor(i / size)] as number);
  return { means, counts };
}
