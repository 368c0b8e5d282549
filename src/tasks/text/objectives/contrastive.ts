import * as ops from '../../../graph/functions.ts';
import type { Value } from '../../../graph/graph.ts';
import { normalized } from '../../../models/text/sentence/modules.ts';
import type { Again, Term } from '../objective.ts';

/**
 * Unsupervised contrastive learning of a text's vector (SimCSE, Gao et al. 2021): the text is passed twice, and of all
 * texts of the batch its second vector, told from the first by dropout alone, is to be the most similar. The target is a
 * number that is the text's own; texts of one number are no negatives of each other.
 *
 * @param temperature cosines are divided by it
 */
export function contrastive(temperature: number): Term {
  return {
    head: 'pooled',
    target: { dtype: 'int32' },
    loss: (vectors, numbers, _, again) => infoNce(vectors, again.pass(), numbers, again.weights, temperature),
  };
}

/**
 * Cross-entropy of finding each vector's partner among the partners of all by cosine similarity (InfoNCE, van den Oord et
 * al. 2018).
 *
 * @param vectors [N, size]
 * @param partners [N, size]
 * @param numbers int32 [N]; those of an equal number are no negatives
 * @param weights [N]; a partner of weight 0 is no negative
 * @returns [N]
 */
export function infoNce(vectors: Value, partners: Value, numbers: Value, weights: Value, temperature: number): Value {
  const { graph } = vectors;
  const count = Number(vectors.shape[0]);
  const places = Int32Array.from({ length: count }, (_, place) => place);
  const own = graph.constant({ dtype: 'int32', shape: [count], data: places });
  const similar = similarities(vectors, partners, temperature);
  const isOther = ops.select(samePairs(numbers), graph.scalar(blocked), onlyUsed(similar, weights));
  return ops.crossEntropy(ops.select(samePairs(own), similar, isOther), own);
}

/** Cosine similarities over the temperature: [N, size] and [M, size] -> [N, M]. */
export function similarities(a: Value, b: Value, temperature: number): Value {
  return ops.matmul(normalized(a), normalized(b), { transposeB: true, alpha: 1 / temperature });
}

/** Scores [N, M] with those of columns of weight 0 blocked. */
export function onlyUsed(scores: Value, weights: Again['weights']): Value {
  const isUsed = ops.greater(ops.reshape(weights, [1, Number(scores.shape[1])]), scores.graph.scalar(0));
  return ops.select(isUsed, scores, scores.graph.scalar(blocked));
}

/** Which pairs of places have one number: int32 [N] -> bool [N, N]. */
function samePairs(numbers: Value): Value {
  const count = Number(numbers.shape[0]);
  return ops.equal(ops.reshape(numbers, [count, 1]), ops.reshape(numbers, [1, count]));
}

/** The score of what must not be chosen: its probability is exactly 0. */
const blocked = -1e9;
