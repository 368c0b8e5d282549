import { breathe } from '../../core/interrupt.ts';
import type { FeatureProducts } from '../../evaluation/logisticRegression.ts';
import type { SparseRows } from '../../text/terms/tfidf.ts';

/** Classes that are computed together, so that a number of a row is read once for all of them. */
const together = 4;

/**
 * The products of a logistic regression with rows of few numbers each, in float64 in this thread.
 *
 * @param signal when aborted, the next product throws an InterruptedError
 */
export function sparseProducts(rows: SparseRows, signal?: AbortSignal): FeatureProducts {
  const { size, offsets, columns, values } = rows;
  const count = offsets.length - 1;
  return {
    ...{ count, size, squares: meanSquares(rows), noise: 1e-13 },
    async logits(weight, classes) {
      await breathe(signal);
      return logitsOf(rows, weight, classes);
    },
    pulledBack(errors, classes) {
      const pulled = new Float64Array(classes * size);
      const part = new Float64Array(together * size);
      for (let first = 0; first < classes; first += together) {
        part.fill(0);
        const left = classes - first;
        for (let i = 0; i < count; i++) {
          const place = i * classes + first;
          const a = errors[place] as number;
          const b = left > 1 ? (errors[place + 1] as number) : 0;
          const c = left > 2 ? (errors[place + 2] as number) : 0;
          const d = left > 3 ? (errors[place + 3] as number) : 0;
          // Texts of weight 0 have no errors.
          if (a === 0 && b === 0 && c === 0 && d === 0) continue;
          for (let at = offsets[i] as number, to = offsets[i + 1] as number; at < to; at++) {
            const from = together * (columns[at] as number);
            const value = values[at] as number;
            part[from] = (part[from] as number) + value * a;
            part[from + 1] = (part[from + 1] as number) + value * b;
            part[from + 2] = (part[from + 2] as number) + value * c;
            part[from + 3] = (part[from + 3] as number) + value * d;
          }
        }
        scatter(part, first, classes, size, pulled);
      }
      return pulled;
    },
  };
}

/** X Wᵀ. Not in the async function, whose loops are many times as slow. */
function logitsOf({ size, offsets, columns, values }: SparseRows, weight: Float64Array, classes: number): Float64Array {
  const count = offsets.length - 1;
  const logits = new Float64Array(count * classes);
  const part = new Float64Array(together * size);
  for (let first = 0; first < classes; first += together) {
    gather(weight, first, classes, size, part);
    for (let i = 0; i < count; i++) {
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let at = offsets[i] as number, to = offsets[i + 1] as number; at < to; at++) {
        const from = together * (columns[at] as number);
        const value = values[at] as number;
        a += value * (part[from] as number);
        b += value * (part[from + 1] as number);
        c += value * (part[from + 2] as number);
        d += value * (part[from + 3] as number);
      }
      const to = i * classes + first;
      logits[to] = a;
      if (first + 1 < classes) logits[to + 1] = b;
      if (first + 2 < classes) logits[to + 2] = c;
      if (first + 3 < classes) logits[to + 3] = d;
    }
  }
  return logits;
}

/** Lays the weights of some classes side by side: [size, together] of [classes, size]. */
function gather(weight: Float64Array, first: number, classes: number, size: number, part: Float64Array): void {
  for (let k = 0; k < together; k++) {
    const from = (first + k) * size;
    for (let j = 0; j < size; j++) part[together * j + k] = first + k < classes ? (weight[from + j] as number) : 0;
  }
}

/** The way back. */
function scatter(part: Float64Array, first: number, classes: number, size: number, weight: Float64Array): void {
  for (let k = 0; k < together && first + k < classes; k++) {
    const to = (first + k) * size;
    for (let j = 0; j < size; j++) weight[to + j] = part[together * j + k] as number;
  }
}

function meanSquares({ offsets, columns, values, size }: SparseRows): Float64Array {
  const squares = new Float64Array(size);
  for (const [at, column] of columns.entries()) {
    squares[column] = (squares[column] as number) + (values[at] as number) ** 2;
  }
  return squares.map((sum) => sum / Math.max(1, offsets.length - 1));
}
