import * as ops from '../../../graph/functions.ts';
import type { Value } from '../../../graph/graph.ts';
import type { TextExample } from '../examplesTask.ts';
import type { Objective, Term } from '../objective.ts';

/**
 * One minus the cosine between a text's vector, as the model reads it, and the vector that is its target (Reimers &
 * Gurevych 2020): what a student learns from a teacher, or a model that is to keep what it knows from itself. A vector
 * of zeros, on either side, is at 1 from every other and teaches nothing.
 *
 * @param size numbers of a vector; those of the target are as many as the model's
 */
export function likeVectors(size: number): Term {
  return {
    head: 'pooled',
    target: { dtype: 'float32', size: () => size },
    loss(vectors, targets) {
      const cosine = ops.sum(ops.multiply(unitRows(vectors), unitRows(targets)), [1]);
      return ops.subtract(cosine.graph.scalar(1), cosine);
    },
  };
}

/** Vectors drawn to given ones. @param target the one of a text, by its number [size] */
export function towards(size: number, target: (number: number) => Float32Array): Objective<TextExample> {
  return {
    name: 'vectors',
    metric: { name: 'loss', goal: 'lower' },
    terms: { vectors: likeVectors(size) },
    read: ({ ids }, number) => ({ ids, asked: { vectors: { targets: target(number) } } }),
  };
}

/** Rows of x [N, D] divided by their lengths; those without one stay, and so does the size of their gradient. */
function unitRows(x: Value): Value {
  const squares = ops.sum(ops.multiply(x, x), [1], true);
  const hasLength = ops.greater(squares, x.graph.scalar(leastSquares));
  return ops.divide(x, ops.sqrt(ops.select(hasLength, squares, x.graph.scalar(1))));
}

/** Of a vector that is told from one of zeros. */
const leastSquares = 1e-24;
