import type { LinearClassifier } from '../../evaluation/logisticRegression.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import type { SparseRows } from '../../text/terms/tfidf.ts';
import { columnWeights, type DenseRows, denseRows } from './denseRows.ts';
import type { LatentTerms } from './latentTerms.ts';

/** Numbers of directions that are tried. */
const sizes = [32, 128] as const;
/** Labeled texts up to which the terms are tried beside the directions: more tell for themselves what terms mean. */
const mostJoined = 1500;

/** Features of labeled texts that a classifier may read. */
export interface LatentFeatures {
  readonly rows: Rows;
  /** How many latent directions are the last of them, and what they are multiplied by. */
  readonly directions: number;
  readonly scale: number;
  /** The terms, where they are the first of them. */
  readonly dense?: DenseRows;
}

/**
 * What may be read of texts: some of the latent directions, or all of them and the terms.
 *
 * @param rows TF-IDF of the texts @param coordinates theirs in the latent directions [n, directions]
 */
export function latentFeatures(rows: SparseRows, coordinates: Rows): LatentFeatures[] {
  const tried = [...new Set(sizes.map((size) => Math.min(size, coordinates.size)))];
  const alone = tried.map((size) => ({ rows: narrowed(coordinates, size), directions: size, scale: 1 }));
  if (rows.offsets.length - 1 > mostJoined) return alone;
  const dense = denseRows(rows, () => true);
  const scale = Math.sqrt(spreadOf(dense) / (spreadOf(coordinates) || 1));
  const both = joined(dense, coordinates, scale);
  return [...alone, { rows: both, directions: coordinates.size, scale, dense }];
}

/** The weights of the terms [classes, columns] that give the same logits as those of features [classes, size]. */
export function termWeights(
  rows: SparseRows,
  { directions, size }: LatentTerms,
  features: LatentFeatures,
  { weight }: LinearClassifier,
  classes: number,
): Float64Array {
  const width = features.rows.size;
  const first = width - features.directions;
  const parts = (from: number, to: number) => {
    const part = new Float64Array(classes * (to - from));
    for (let c = 0; c < classes; c++) part.set(weight.subarray(c * width + from, c * width + to), c * (to - from));
    return part;
  };
  const result = features.dense
    ? columnWeights(rows, features.dense, parts(0, first), classes)
    : new Float64Array(classes * rows.size);
  const own = parts(first, width);
  for (let c = 0; c < classes; c++) {
    for (let column = 0; column < rows.size; column++) {
      let sum = 0;
      for (let k = 0; k < features.directions; k++) {
        sum += (own[c * features.directions + k] as number) * (directions[column * size + k] as number);
      }
      const to = c * rows.size + column;
      result[to] = (result[to] as number) + features.scale * sum;
    }
  }
  return result;
}

/** The first of the numbers of each row. */
export function narrowed({ data, size }: Rows, to: number): Rows {
  const count = data.length / size;
  const result = new Float32Array(count * to);
  for (let row = 0; row < count; row++) result.set(data.subarray(row * size, row * size + to), row * to);
  return { data: result, size: to };
}

function joined(one: Rows, other: Rows, scale: number): Rows {
  const count = one.data.length / one.size;
  const size = one.size + other.size;
  const data = new Float32Array(count * size);
  for (let row = 0; row < count; row++) {
    data.set(one.data.subarray(row * one.size, (row + 1) * one.size), row * size);
    for (let j = 0; j < other.size; j++) {
      data[row * size + one.size + j] = scale * (other.data[row * other.size + j] as number);
    }
  }
  return { data, size };
}

/** Mean squared distance of rows from their mean. */
export function spreadOf({ data, size }: Rows): number {
  const count = data.length / size;
  const mean = new Float64Array(size);
  let squares = 0;
  for (const [i, value] of data.entries()) {
    mean[i % size] = (mean[i % size] as number) + value / count;
    squares += value * value;
  }
  return squares / count - mean.reduce((sum, value) => sum + value * value, 0);
}
