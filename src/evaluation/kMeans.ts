import { randomUnit } from '../core/random.ts';
import type { Rows } from './neighbours.ts';

export interface KMeans {
  /** Cluster of each row [n]. */
  readonly clusterOf: Int32Array;
  readonly clusters: number;
}

/** Rounds of Lloyd's algorithm: what comes after hardly moves a row. */
const rounds = 5;

/**
 * Clusters of rows by Lloyd's algorithm, from rows that are drawn far from each other (Arthur and Vassilvitskii 2007). The
 * same for the same seed.
 *
 * @param vectors [n, size] @param clusters at most as many as there are rows
 */
export function kMeans(vectors: Rows, clusters: number, seed: number): KMeans {
  const { data, size } = vectors;
  const count = data.length / size;
  const wanted = Math.max(1, Math.min(clusters, count));
  const first = spreadRows(vectors, wanted, seed);
  let centers = new Float32Array(first.length * size);
  for (const [c, row] of first.entries()) centers.set(data.subarray(row * size, (row + 1) * size), c * size);
  const clusterOf = new Int32Array(count);
  for (let round = 0; round < rounds; round++) {
    let moved = 0;
    for (let row = 0; row < count; row++) {
      const nearest = nearestCenter(vectors, row, centers);
      if (nearest !== clusterOf[row]) moved++;
      clusterOf[row] = nearest;
    }
    if (round > 0 && moved === 0) break;
    centers = means(vectors, clusterOf, centers);
  }
  return { clusterOf, clusters: first.length };
}

/** Rows that are drawn one after the other, each the likelier the further it is from those before; fewer where rows repeat. */
function spreadRows(vectors: Rows, count: number, seed: number): number[] {
  const rows = vectors.data.length / vectors.size;
  const far = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  const chosen: number[] = [];
  while (chosen.length < count) {
    const row =
      chosen.length === 0 ? Math.floor(randomUnit(seed, 'neighbours', 0) * rows) : drawn(far, seed, chosen.length);
    if (row < 0) break;
    chosen.push(row);
    for (let i = 0; i < rows; i++) far[i] = Math.min(far[i] as number, squaredDistance(vectors, i, vectors, row));
  }
  return chosen;
}

/** A number drawn with its weight; −1 where all weigh nothing. @param draw number of the draw */
export function drawn(weights: Float64Array, seed: number, draw: number): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0)) return -1;
  let left = randomUnit(seed, 'neighbours', draw) * total;
  let last = -1;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i] as number;
    if (weight <= 0) continue;
    last = i;
    left -= weight;
    if (left < 0) return i;
  }
  return last;
}

function nearestCenter({ data, size }: Rows, row: number, centers: Float32Array): number {
  const all = { data: centers, size };
  const one = { data, size };
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (let c = 0; c < centers.length / size; c++) {
    const distance = squaredDistance(one, row, all, c);
    if (distance < least) [best, least] = [c, distance];
  }
  return best;
}

/** A cluster that lost all its rows stays where it was. */
function means({ data, size }: Rows, clusterOf: Int32Array, before: Float32Array): Float32Array<ArrayBuffer> {
  const sums = new Float64Array(before.length);
  const counts = new Float64Array(before.length / size);
  for (let row = 0; row < clusterOf.length; row++) {
    const c = clusterOf[row] as number;
    counts[c] = (counts[c] as number) + 1;
    for (let j = 0; j < size; j++)
      sums[c * size + j] = (sums[c * size + j] as number) + (data[row * size + j] as number);
  }
  return Float32Array.from(sums, (sum, i) => {
    const members = counts[Math.floor(i / size)] as number;
    return members > 0 ? sum / members : (before[i] as number);
  });
}

/** Two sums side by side, which the processor can add at the same time. */
export function squaredDistance(a: Rows, i: number, b: Rows, j: number): number {
  const { size } = a;
  const [x, y] = [i * size, j * size];
  let [even, odd] = [0, 0];
  let n = 0;
  for (; n + 1 < size; n += 2) {
    const first = (a.data[x + n] as number) - (b.data[y + n] as number);
    const second = (a.data[x + n + 1] as number) - (b.data[y + n + 1] as number);
    even += first * first;
    odd += second * second;
  }
  if (n < size) even += ((a.data[x + n] as number) - (b.data[y + n] as number)) ** 2;
  return even + odd;
}
