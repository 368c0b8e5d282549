import { breathe } from '../../core/interrupt.ts';
import { fillNormal } from '../../core/random.ts';
import { eigenvectors } from '../../evaluation/pca.ts';
import type { SparseRows } from '../../text/terms/tfidf.ts';

/** The directions in which the rows of texts lie most: terms that keep the same company point the same way. */
export interface LatentTerms {
  /** Right singular vectors, side by side [columns, size]. */
  readonly directions: Float32Array;
  /** Singular values, descending [size]. */
  readonly values: Float64Array;
  readonly size: number;
}

/** Directions beside those wanted, which make the last of them right. */
const spare = 10;
/** Products with both sides: enough where the values fall as those of texts do. */
const usualRounds = 2;

/**
 * The first singular vectors of rows of few numbers each: latent semantic analysis (Deerwester et al. 1990), by subspace
 * iteration from a random start (Halko et al. 2011). Time is linear in the numbers of the rows. What comes is the same for
 * the same rows; signs mean nothing.
 *
 * @param count directions wanted; there are fewer where the rows span fewer
 * @throws InterruptedError when the signal was aborted
 */
export async function latentTerms(
  rows: SparseRows,
  count: number,
  { rounds = usualRounds, signal }: { readonly rounds?: number; readonly signal?: AbortSignal } = {},
): Promise<LatentTerms> {
  const texts = rows.offsets.length - 1;
  const width = Math.min(count + spare, texts, rows.size);
  let sides = new Float32Array(texts * width);
  fillNormal(sides, 1, 0, 'initialize', 0);
  orthonormalize(sides, width);
  for (let round = 0; round < rounds; round++) {
    const pulled = pulledBack(rows, sides, width);
    await breathe(signal);
    sides = projected(rows, pulled, width);
    await breathe(signal);
    // The second time takes what rounding left of the first.
    orthonormalize(sides, width);
    orthonormalize(sides, width);
  }
  const pulled = pulledBack(rows, sides, width);
  await breathe(signal);
  return turned(pulled, width, count);
}

/** Rows in the coordinates of directions [n, size]. @param directions [columns, size] */
export function projected({ offsets, columns, values }: SparseRows, directions: Float32Array, size: number) {
  const result = new Float32Array((offsets.length - 1) * size);
  const sum = new Float64Array(size);
  for (let row = 0; row + 1 < offsets.length; row++) {
    sum.fill(0);
    for (let at = offsets[row] as number; at < (offsets[row + 1] as number); at++) {
      const value = values[at] as number;
      const from = (columns[at] as number) * size;
      for (let j = 0; j < size; j++) sum[j] = (sum[j] as number) + value * (directions[from + j] as number);
    }
    result.set(sum, row * size);
  }
  return result;
}

/** Xᵀ Y [columns, size]. @param sides Y [n, size] */
function pulledBack({ offsets, columns, values, size: count }: SparseRows, sides: Float32Array, size: number) {
  const result = new Float32Array(count * size);
  for (let row = 0; row + 1 < offsets.length; row++) {
    const own = row * size;
    for (let at = offsets[row] as number; at < (offsets[row + 1] as number); at++) {
      const value = values[at] as number;
      const to = (columns[at] as number) * size;
      for (let j = 0; j < size; j++) {
        result[to + j] = (result[to + j] as number) + value * (sides[own + j] as number);
      }
    }
  }
  return result;
}

/** Of squared lengths, the share below which a column lies in those before it, but for rounding. */
const least = 1e-10;

/** Makes the columns of a tall block [n, width] orthonormal in place, by the Cholesky factor of their products. */
function orthonormalize(block: Float32Array, width: number): void {
  const factor = gram(block, width);
  const trace = traceOf(factor, width);
  const isEmpty = new Uint8Array(width);
  for (let j = 0; j < width; j++) {
    for (let i = j; i < width; i++) {
      let sum = factor[i * width + j] as number;
      for (let k = 0; k < j; k++) sum -= (factor[i * width + k] as number) * (factor[j * width + k] as number);
      if (i === j) {
        isEmpty[j] = Number(sum <= least * trace);
        factor[j * width + j] = Math.sqrt(Math.max(sum, 0));
      } else factor[i * width + j] = isEmpty[j] === 1 ? 0 : sum / (factor[j * width + j] as number);
    }
  }
  for (let from = 0; from < block.length; from += width) {
    for (let j = 0; j < width; j++) {
      let value = block[from + j] as number;
      for (let k = 0; k < j; k++) value -= (factor[j * width + k] as number) * (block[from + k] as number);
      block[from + j] = isEmpty[j] === 1 ? 0 : value / (factor[j * width + j] as number);
    }
  }
}

/** Brings Xᵀ Y, Y orthonormal, to its own singular vectors (Rayleigh-Ritz). */
function turned(pulled: Float32Array, width: number, most: number): LatentTerms {
  const products = gram(pulled, width);
  const trace = traceOf(products, width) || 1;
  // Shares of the whole: where the search for eigenvectors ends does not go by how large the rows are.
  const shares = products.map((value) => value / trace);
  const vectors = eigenvectors(shares, width);
  const squareOf = (j: number) => trace * (shares[j * width + j] as number);
  const order = Array.from({ length: width }, (_, j) => j)
    .filter((j) => squareOf(j) > least * trace)
    .sort((a, b) => squareOf(b) - squareOf(a))
    .slice(0, most);
  const size = order.length;
  const values = Float64Array.from(order, (j) => Math.sqrt(squareOf(j)));
  const directions = new Float32Array((pulled.length / width) * size);
  for (let from = 0, to = 0; from < pulled.length; from += width, to += size) {
    for (let k = 0; k < size; k++) {
      let sum = 0;
      const j = order[k] as number;
      for (let i = 0; i < width; i++) sum += (pulled[from + i] as number) * (vectors[i * width + j] as number);
      directions[to + k] = sum / (values[k] as number);
    }
  }
  return { directions, values, size };
}

/** Products of the columns of a tall block [n, width] with each other [width, width]. */
function gram(block: Float32Array, width: number): Float64Array {
  const products = new Float64Array(width * width);
  for (let from = 0; from < block.length; from += width) {
    for (let i = 0; i < width; i++) {
      const value = block[from + i] as number;
      if (value === 0) continue;
      const to = i * width;
      for (let j = 0; j <= i; j++)
        products[to + j] = (products[to + j] as number) + value * (block[from + j] as number);
    }
  }
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < i; j++) products[j * width + i] = products[i * width + j] as number;
  }
  return products;
}

function traceOf(matrix: Float64Array, width: number): number {
  let trace = 0;
  for (let j = 0; j < width; j++) trace += matrix[j * width + j] as number;
  return trace;
}
