import * as ops from '../../../graph/functions.ts';
import type { Value } from '../../../graph/graph.ts';
import type { Objective } from '../objective.ts';

/** A text with a target for each output: its tokens without the special ones around them, and the targets [outputs]. */
export interface TargetText {
  readonly ids: ArrayLike<number>;
  /** 1 for the labels that it has, 0 for the others; or one number. */
  readonly targets: ArrayLike<number>;
  /** How much it counts: a window of a text its share of the text; 1 when absent. */
  readonly weight?: number;
}

/** Classification with any number of right labels a text: binary cross-entropy, the mean over the labels. */
export function manyLabels(labels: number): Objective<TargetText> {
  return {
    name: 'severalLabels',
    metric: { name: 'microF1', goal: 'higher' },
    terms: {
      labels: {
        head: 'manyLabels',
        target: { dtype: 'float32', size: () => labels },
        loss: (logits, targets) => ops.scale(ops.sum(binaryCrossEntropy(logits, targets), [1]), 1 / labels),
      },
    },
    read: ({ ids, targets, weight = 1 }) => ({ ids, asked: { labels: { targets, weight } } }),
  };
}

/** −t log σ(z) − (1 − t) log(1 − σ(z)) = log(1 + e^z) − t z, number by number. */
function binaryCrossEntropy(z: Value, t: Value): Value {
  // log(1 + e^z) = m + log(e^−m + e^(z − m)) for any m; this one keeps the exponentials finite.
  const m = ops.stopGradient(ops.relu(z));
  const powers = ops.add(ops.exp(ops.negate(m)), ops.exp(ops.subtract(z, m)));
  return ops.subtract(ops.add(m, ops.log(powers)), ops.multiply(t, z));
}
