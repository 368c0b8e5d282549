import type { HostTensor } from '../../../core/tensor.ts';
import * as ops from '../../../graph/functions.ts';
import type { Value } from '../../../graph/graph.ts';
import { normalized } from '../../../models/text/sentence/modules.ts';
import type { Term } from '../objective.ts';
import { likeVectors } from './likeVectors.ts';

/** Vectors that the start gives texts of the corpus, the neighbours of others [count, size]. */
export type Neighbourhood = HostTensor<'float32'>;

export interface LikeStartOptions {
  readonly neighbourhood?: Neighbourhood;
  /** Whether the model sees texts with masks: the vector is then that of the text as it is, in a pass of its own. */
  readonly isMasked?: boolean;
}

/**
 * One minus the cosine between a text's vector and the one that the model had for it that training starts from
 * (self-distillation); with a neighbourhood, and the mean of that one and of its neighbours there, so that texts of one
 * kind draw together (mean shift, Koohpayegani et al. 2021). The target says nothing.
 */
export function likeStart({ neighbourhood, isMasked = false }: LikeStartOptions = {}): Term {
  return {
    head: 'pooled',
    target: { dtype: 'int32' },
    loss(seen, _, scope, again) {
      const vectors = isMasked ? again.pass() : seen;
      const start = again.start();
      const targets = neighbourhood ? shifted(start, scope.graph.constant(neighbourhood)) : start;
      return likeVectors(Number(vectors.shape[1])).loss(vectors, targets, scope, again);
    },
  };
}

/**
 * Vectors drawn towards the mean of their neighbours: each neighbour weighs e^(cosine / temperature), itself and its
 * repetitions left out.
 *
 * @param vectors [N, size]
 * @param neighbours [M, size]
 * @returns of length 1 [N, size]
 */
export function shifted(vectors: Value, neighbours: Value): Value {
  const { graph } = vectors;
  const [own, others] = [normalized(vectors), normalized(neighbours)];
  const cosines = ops.matmul(own, others, { transposeB: true });
  const isSame = ops.greater(cosines, graph.scalar(sameCosine));
  const scores = ops.select(isSame, graph.scalar(blocked), ops.scale(cosines, 1 / temperature));
  const mean = normalized(ops.matmul(ops.softmax(scores), others));
  return normalized(ops.add(ops.scale(own, 1 - shift), ops.scale(mean, shift)));
}

/** The neighbours' part in what a vector is drawn to. */
const shift = 0.6;
const temperature = 0.04;
/** Above it, two vectors are of one text. */
const sameCosine = 0.9999;
/** The score of what must not count. */
const blocked = -1e9;
