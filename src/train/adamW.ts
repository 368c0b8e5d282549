import * as ops from '../graph/functions.ts';
import { Graph } from '../graph/graph.ts';
import { type FlatArrays, scalar, vector } from './flatArrays.ts';
import type { Optimizer, OptimizerStep } from './optimizer.ts';

export interface AdamWOptions {
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export const adamWDefaults: AdamWOptions = { weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** AdamW with decoupled weight decay (Loshchilov & Hutter 2019). */
export class AdamW implements Optimizer {
  readonly state: { readonly momentum: Float32Array; readonly variance: Float32Array };
  readonly #arrays: FlatArrays;
  readonly #options: AdamWOptions;

  constructor(arrays: FlatArrays, options: AdamWOptions) {
    this.#arrays = arrays;
    this.#options = options;
    this.state = { momentum: arrays.array(), variance: arrays.array() };
  }

  async step({ parameters, gradients, gradientScale, learningRate, step }: OptimizerStep): Promise<void> {
    const { weightDecay, beta1, beta2, epsilon } = this.#options;
    const varianceCorrection = Math.sqrt(1 - beta2 ** step);
    const scalars = {
      gradientToMomentum: scalar(gradientScale * (1 - beta1)),
      gradientToDeviation: scalar(gradientScale * Math.sqrt(1 - beta2)),
      epsilon: scalar(epsilon * varianceCorrection),
      stepSize: scalar((learningRate * varianceCorrection) / (1 - beta1 ** step)),
    };
    for (const { from, to, decays } of this.#arrays.parts()) {
      const program = await this.#arrays.program('update', to - from, (size) => updateGraph(size, beta1, beta2));
      const slice = (flat: Float32Array) => vector(flat.subarray(from, to));
      const { momentum, variance } = this.state;
      const state = { parameter: slice(parameters), momentum: slice(momentum), variance: slice(variance) };
      const shrink = scalar(decays ? 1 - learningRate * weightDecay : 1);
      await program.run(
        { ...state, ...scalars, shrink, gradient: slice(gradients) },
        { newParameter: state.parameter, newMomentum: state.momentum, newVariance: state.variance },
      );
    }
  }
}

// m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  p ← (1-ηλ) p - η √(1-β₂ᵗ)/(1-β₁ᵗ) · m / (√v + ε √(1-β₂ᵗ))
function updateGraph(size: number, beta1: number, beta2: number): Graph {
  const graph = new Graph();
  const input = (name: string) => graph.input(name, 'float32', [size]);
  const number = (name: string) => graph.input(name, 'float32', []);
  const gradient = input('gradient');
  const fromGradient = ops.multiply(gradient, number('gradientToMomentum'));
  const deviation = ops.multiply(gradient, number('gradientToDeviation'));
  const momentum = ops.add(ops.scale(input('momentum'), beta1), fromGradient);
  const variance = ops.add(ops.scale(input('variance'), beta2), ops.multiply(deviation, deviation));
  const direction = ops.divide(momentum, ops.add(ops.sqrt(variance), number('epsilon')));
  const shrunk = ops.multiply(input('parameter'), number('shrink'));
  graph.output('newParameter', ops.subtract(shrunk, ops.multiply(direction, number('stepSize'))));
  graph.output('newMomentum', momentum);
  graph.output('newVariance', variance);
  return graph;
}
