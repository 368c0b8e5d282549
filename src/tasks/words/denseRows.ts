import type { Rows } from '../../evaluation/neighbours.ts';
import type { SparseRows } from '../../text/terms/tfidf.ts';

/** Rows of few numbers each in the coordinates of the space that some of them span. */
export interface DenseRows extends Rows {
  /** The rows that span it, in the order in which they were taken [rank]. */
  readonly pivots: Int32Array;
  /** Coordinates in float64 [n, size]; row `pivots[k]` ends with its k-th. */
  readonly coordinates: Float64Array;
}

/** Squared distance, of squared lengths of 2 at most, at which a row counts as lying in the space already. */
const least = 1e-10;

/**
 * Turns n rows of a great many columns into n rows of at most n, with the same inner products: all that a linear
 * classifier with an L2 penalty depends on, since its weights lie in the space of the rows it is fitted to. The Cholesky
 * factor of their inner products, the row farthest from those before taken next; rows that are not fitted are projected.
 *
 * @param isFitted whether a row may span the space [n]
 */
export function denseRows(rows: SparseRows, isFitted: (row: number) => boolean): DenseRows {
  const count = rows.offsets.length - 1;
  const fitted = Array.from({ length: count }, (_, i) => isFitted(i));
  const most = Math.max(1, fitted.filter(Boolean).length);
  const factor = new Float64Array(count * most);
  const left = squaredLengths(rows);
  const isTaken = new Uint8Array(count);
  const pivots: number[] = [];
  const wide = new Float64Array(rows.size);
  while (pivots.length < most) {
    const pivot = farthest(left, fitted, isTaken);
    if (pivot < 0) break;
    const rank = pivots.length;
    isTaken[pivot] = 1;
    pivots.push(pivot);
    const length = Math.sqrt(left[pivot] as number);
    const own = pivot * most;
    factor[own + rank] = length;
    spread(rows, pivot, wide);
    for (let i = 0; i < count; i++) {
      if (isTaken[i] === 1) continue;
      const inner = sparseInner(rows, i, wide) - innerOf(factor, i * most, own, rank);
      const coordinate = inner / length;
      factor[i * most + rank] = coordinate;
      left[i] = (left[i] as number) - coordinate * coordinate;
    }
    clear(rows, pivot, wide);
  }
  const size = Math.max(1, pivots.length);
  const coordinates = size === most ? factor : narrowed(factor, count, most, size);
  return { data: Float32Array.from(coordinates), size, pivots: Int32Array.from(pivots), coordinates };
}

/**
 * The weights of the columns [classes, columns] that give the same logits as weights of the coordinates [classes, size].
 */
export function columnWeights(rows: SparseRows, dense: DenseRows, weight: Float64Array, classes: number): Float64Array {
  const { pivots, coordinates, size } = dense;
  const result = new Float64Array(classes * rows.size);
  const shares = new Float64Array(size);
  for (let c = 0; c < classes; c++) {
    shares.set(weight.subarray(c * size, (c + 1) * size));
    // The shares a of the spanning rows in the weights: Lᵀ a = v, L their coordinates.
    for (let k = pivots.length - 1; k >= 0; k--) {
      const row = (pivots[k] as number) * size;
      const share = (shares[k] as number) / (coordinates[row + k] as number);
      shares[k] = share;
      for (let j = 0; j < k; j++) shares[j] = (shares[j] as number) - share * (coordinates[row + j] as number);
    }
    for (const [k, row] of pivots.entries()) {
      for (let at = rows.offsets[row] as number; at < (rows.offsets[row + 1] as number); at++) {
        const to = c * rows.size + (rows.columns[at] as number);
        result[to] = (result[to] as number) + (shares[k] as number) * (rows.values[at] as number);
      }
    }
  }
  return result;
}

/** Inner product of a row with one that is spread out. In four sums, so that none waits for the one before. */
function sparseInner({ offsets, columns, values }: SparseRows, row: number, wide: Float64Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  let at = offsets[row] as number;
  const to = offsets[row + 1] as number;
  for (; at + 3 < to; at += 4) {
    a += (values[at] as number) * (wide[columns[at] as number] as number);
    b += (values[at + 1] as number) * (wide[columns[at + 1] as number] as number);
    c += (values[at + 2] as number) * (wide[columns[at + 2] as number] as number);
    d += (values[at + 3] as number) * (wide[columns[at + 3] as number] as number);
  }
  for (; at < to; at++) a += (values[at] as number) * (wide[columns[at] as number] as number);
  return a + b + (c + d);
}

/** Inner product of `count` numbers from two places on. */
function innerOf(values: Float64Array, one: number, other: number, count: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < count; k += 4) {
    a += (values[one + k] as number) * (values[other + k] as number);
    b += (values[one + k + 1] as number) * (values[other + k + 1] as number);
    c += (values[one + k + 2] as number) * (values[other + k + 2] as number);
    d += (values[one + k + 3] as number) * (values[other + k + 3] as number);
  }
  for (; k < count; k++) a += (values[one + k] as number) * (values[other + k] as number);
  return a + b + (c + d);
}

function farthest(left: Float64Array, fitted: readonly boolean[], isTaken: Uint8Array): number {
  let [found, most] = [-1, least];
  for (let i = 0; i < left.length; i++) {
    if (isTaken[i] === 1 || !fitted[i] || (left[i] as number) <= most) continue;
    [found, most] = [i, left[i] as number];
  }
  return found;
}

function squaredLengths({ offsets, values }: SparseRows): Float64Array {
  const lengths = new Float64Array(offsets.length - 1);
  for (let i = 0; i < lengths.length; i++) {
    for (let at = offsets[i] as number; at < (offsets[i + 1] as number); at++) {
      lengths[i] = (lengths[i] as number) + (values[at] as number) ** 2;
    }
  }
  return lengths;
}

function spread({ offsets, columns, values }: SparseRows, row: number, wide: Float64Array): void {
  for (let at = offsets[row] as number; at < (offsets[row + 1] as number); at++) {
    wide[columns[at] as number] = values[at] as number;
  }
}

function clear({ offsets, columns }: SparseRows, row: number, wide: Float64Array): void {
  for (let at = offsets[row] as number; at < (offsets[row + 1] as number); at++) wide[columns[at] as number] = 0;
}

function narrowed(rows: Float64Array, count: number, from: number, to: number): Float64Array {
  const result = new Float64Array(count * to);
  for (let i = 0; i < count; i++) result.set(rows.subarray(i * from, i * from + to), i * to);
  return result;
}
