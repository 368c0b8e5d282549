import * as ops from '../../../graph/functions.ts';
import type { Value } from '../../../graph/graph.ts';
import type { Term } from '../objective.ts';
import { onlyUsed, similarities } from './contrastive.ts';

/**
 * Keeps a text's vector where the model had it that training starts from (self-distillation; by the similarities to the
 * texts of the batch, as Fang et al. 2021): the target says nothing.
 *
 * @param temperature cosines are divided by it
 */
export function likeStart(temperature: number): Term {
  return {
    head: 'pooled',
    target: { dtype: 'int32' },
    loss: (vectors, _, __, again) => keptSimilarities(vectors, again.start(), again.weights, temperature),
  };
}

/**
 * How far the similarities of vectors to those of a teacher are from the teacher's own: the Kullback-Leibler divergence
 * of their softmax over the batch, 0 where a vector is where the teacher has it.
 *
 * @param vectors [N, size]
 * @param teacher of the same texts [N, size]
 * @param weights [N]; a text of weight 0 is compared with none
 * @returns [N], times the temperature: the gradient on cosines is then of one size at every temperature
 */
export function keptSimilarities(vectors: Value, teacher: Value, weights: Value, temperature: number): Value {
  const scores = (a: Value) => onlyUsed(similarities(a, teacher, temperature), weights);
  const [wanted, found] = [scores(teacher), scores(vectors)];
  const difference = ops.subtract(logSoftmax(wanted), logSoftmax(found));
  return ops.scale(ops.sum(ops.multiply(ops.softmax(wanted), difference), [1]), temperature);
}

/** [N, M] -> [N, M]; a blocked score stays what it is. */
function logSoftmax(scores: Value): Value {
  const most = ops.stopGradient(ops.max(scores, [1], true));
  const shifted = ops.subtract(scores, most);
  return ops.subtract(shifted, ops.log(ops.sum(ops.exp(shifted), [1], true)));
}
