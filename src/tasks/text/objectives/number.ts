import * as ops from '../../../graph/functions.ts';
import type { Objective } from '../objective.ts';
import type { TargetText } from './manyLabels.ts';

/**
 * One number a text, by its squared error or by Huber's loss (1964), which is ½ d² up to a distance d of 1 and d − ½ beyond:
 * far-off targets pull no harder than others. Targets are best standardized.
 */
export function number(loss: 'squared' | 'huber'): Objective<TargetText> {
  return {
    name: loss === 'huber' ? 'numberHuber' : 'number',
    metric: { name: 'rmse', goal: 'lower' },
    terms: {
      number: {
        head: 'number',
        target: { dtype: 'float32', size: () => 1 },
        loss(outputs, targets) {
          const difference = ops.subtract(outputs, targets);
          if (loss === 'squared') return ops.sum(ops.multiply(difference, difference), [1]);
          const { graph } = difference;
          const distance = ops.add(ops.relu(difference), ops.relu(ops.negate(difference)));
          // d = near + beyond: ½ near² + beyond
          const beyond = ops.relu(ops.subtract(distance, graph.scalar(1)));
          const near = ops.subtract(distance, beyond);
          return ops.sum(ops.add(ops.scale(ops.multiply(near, near), 0.5), beyond), [1]);
        },
      },
    },
    read: ({ ids, targets, weight = 1 }) => ({ ids, asked: { number: { targets, weight } } }),
  };
}
