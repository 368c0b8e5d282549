import * as ops from '../../../graph/functions.ts';
import type { Value } from '../../../graph/graph.ts';
import type { Term } from '../objective.ts';

/**
 * How far a text's class probabilities are from those of a teacher, both softened by a temperature T (Hinton et al.
 * 2015): T² · KL(softmax(t / T) ‖ softmax(s / T)) in nats, which is 0 where they agree. A target is the teacher's
 * logits or, what is the same to a softmax, the logarithms of its probabilities.
 *
 * @param labels numbers of a target
 */
export function likeProbabilities(labels: number, temperature: number): Term {
  return {
    head: 'oneLabel',
    target: { dtype: 'float32', size: () => labels },
    loss(logits, targets) {
      const teacher = logSoftmax(ops.scale(targets, 1 / temperature));
      const student = logSoftmax(ops.scale(logits, 1 / temperature));
      const divergence = ops.sum(ops.multiply(ops.exp(teacher), ops.subtract(teacher, student)), [1]);
      return ops.scale(divergence, temperature ** 2);
    },
  };
}

/** Of each row of x [N, C]: its numbers less the logarithm of the sum of their exponentials. */
function logSoftmax(x: Value): Value {
  // Any number may be taken from a row; its largest keeps the exponentials finite.
  const shifted = ops.subtract(x, ops.stopGradient(ops.max(x, [1], true)));
  return ops.subtract(shifted, ops.log(ops.sum(ops.exp(shifted), [1], true)));
}
