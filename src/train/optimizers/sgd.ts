import { updated } from '../../engine/trainState.ts';
import * as ops from '../../graph/functions.ts';
import { Graph } from '../../graph/graph.ts';
import type { Optimizer } from './optimizer.ts';

export interface SgdOptions {
  readonly momentum: number;
}

/**
 * Stochastic gradient descent with heavy-ball momentum (Polyak 1964), as torch.optim.SGD without dampening. Weight decay
 * λ adds λ times the parameter to its gradient.
 */
export const sgd: Optimizer<SgdOptions> = {
  defaults: { momentum: 0.9 },
  slots: ['momentum'],

  // v ← μ v + g + λ p;  p ← p - η v
  graph(size, { momentum }) {
    const graph = new Graph();
    const input = (name: string) => graph.input(name, 'float32', [size]);
    const number = (name: string) => graph.input(name, 'float32', []);
    const parameter = input('parameter');
    const gradient = ops.add(
      ops.multiply(input('gradient'), number('gradientScale')),
      ops.multiply(parameter, number('decay')),
    );
    const velocity = ops.add(ops.scale(input('momentum'), momentum), gradient);
    graph.output(updated('parameter'), ops.subtract(parameter, ops.multiply(velocity, number('stepSize'))));
    graph.output(updated('momentum'), velocity);
    return graph;
  },

  scalars({ learningRate, weightDecay, gradientScale }) {
    return { gradientScale, stepSize: learningRate, decay: weightDecay };
  },
};
