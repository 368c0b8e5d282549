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
  const inner = innerProducts(rows);
  const left = Float64Array.from({ length: count }, (_, i) => inner[i * count + i] as number);
  const isTaken = new Uint8Array(count);
  const pivots: number[] = [];
  while (pivots.length < most) {
    const pivot = farthest(left, fitted, isTaken);
    if (pivot < 0) break;
    const rank = pivots.length;
    isTaken[pivot] = 1;
    pivots.push(pivot);
    const length = Math.sqrt(left[pivot] as number);
    const own = pivot * most;
    factor[own + rank] = length;
    for (let i = 0; i < count; i++) {
      if (isTaken[i] === 1) continue;
      const behind = inner[i < pivot ? i * count + pivot : pivot * count + i] as number;
      const coordinate = (behind - innerOf(factor, i * most, own, rank)) / length;
      factor[i * most + rank] = coordinate;
      left[i] = (left[i] as number) - coordinate * coordinate;
    }
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

/**
 * The inner products of rows [n, n], on and above the diagonal: summed column by column, where most have few rows.
 */
function innerProducts(rows: SparseRows): Float64Array {
  const count = rows.offsets.length - 1;
  const { starts, members, values } = byColumns(rows);
  const inner = new Float64Array(count * count);
  for (let column = 0; column < rows.size; column++) {
    const to = starts[column + 1] as number;
    for (let one = starts[column] as number; one < to; one++) {
      const from = (members[one] as number) * count;
      const value = values[one] as number;
      for (let other = one; other < to; other++) {
        const place = from + (members[other] as number);
        inner[place] = (inner[place] as number) + value * (values[other] as number);
      }
    }
  }
  return inner;
}

/** The numbers of rows by their columns: those of column j, by ascending rows, are at `starts[j]` up to `starts[j + 1]`. */
function byColumns({ offsets, columns, values, size }: SparseRows) {
  const starts = new Int32Array(size + 2);
  for (const column of columns) starts[column + 2] = (starts[column + 2] as number) + 1;
  for (let column = 2; column < starts.length; column++) {
    starts[column] = (starts[column] as number) + (starts[column - 1] as number);
  }
  const [members, moved] = [new Int32Array(columns.length), new Float32Array(columns.length)];
  for (let row = 0; row + 1 < offsets.length; row++) {
    for (let at = offsets[row] as number; at < (offsets[row + 1] as number); at++) {
      const next = (columns[at] as number) + 1;
      const place = starts[next] as number;
      starts[next] = place + 1;
      members[place] = row;
      moved[place] = values[at] as number;
    }
  }
  return { starts, members, values: moved };
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

function narrowed(rows: Float64Array, count: number, from: number, to: number): Float64Array {
  const result = new Float64Array(count * to);
  for (let i = 0; i < count; i++) result.set(rows.subarray(i * from, i * from + to), i * to);
  return result;
}
