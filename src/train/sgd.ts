import * as ops from '../graph/functions.ts';
import { Graph } from '../graph/graph.ts';
import { type FlatArrays, scalar, vector } from './flatArrays.ts';
import type { Optimizer, OptimizerStep } from './optimizer.ts';

export interface SgdOptions {
  /** Added to the gradient, λ times the parameter, where weight decay applies. */
  readonly weightDecay: number;
  readonly momentum: number;
}

export const sgdDefaults: SgdOptions = { weightDecay: 0, momentum: 0.9 };

/** Stochastic gradient descent with heavy-ball momentum (Polyak 1964), as torch.optim.SGD without dampening. */
export class Sgd implements Optimizer {
  readonly state: { readonly momentum: Float32Array };
  readonly #arrays: FlatArrays;
  readonly #options: SgdOptions;

  constructor(arrays: FlatArrays, options: SgdOptions) {
    this.#arrays = arrays;
    this.#options = options;
    this.state = { momentum: arrays.array() };
  }

  async step({ parameters, gradients, gradientScale, learningRate }: OptimizerStep): Promise<void> {
    const { weightDecay, momentum } = this.#options;
    const scalars = { gradientScale: scalar(gradientScale), stepSize: scalar(learningRate) };
    for (const { from, to, decays } of this.#arrays.parts()) {
      const program = await this.#arrays.program('update', to - from, (size) => updateGraph(size, momentum));
      const slice = (flat: Float32Array) => vector(flat.subarray(from, to));
      const state = { parameter: slice(parameters), velocity: slice(this.state.momentum) };
      const decay = scalar(decays ? weightDecay : 0);
      await program.run(
        { ...state, ...scalars, decay, gradient: slice(gradients) },
        { newParameter: state.parameter, newVelocity: state.velocity },
      );
    }
  }
}

// v ← μ v + g + λ p;  p ← p - η v
function updateGraph(size: number, momentum: number): Graph {
  const graph = new Graph();
  const input = (name: string) => graph.input(name, 'float32', [size]);
  const number = (name: string) => graph.input(name, 'float32', []);
  const parameter = input('parameter');
  const gradient = ops.add(
    ops.multiply(input('gradient'), number('gradientScale')),
    ops.multiply(parameter, number('decay')),
  );
  const velocity = ops.add(ops.scale(input('velocity'), momentum), gradient);
  graph.output('newParameter', ops.subtract(parameter, ops.multiply(velocity, number('stepSize'))));
  graph.output('newVelocity', velocity);
  return graph;
}
