import { updated } from '../../engine/trainState.ts';
import * as ops from '../../graph/functions.ts';
import { Graph } from '../../graph/graph.ts';
import type { Optimizer } from './optimizer.ts';

export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** AdamW with decoupled weight decay (Loshchilov & Hutter 2019); without weight decay it is Adam. */
export const adamw: Optimizer<AdamWOptions> = {
  defaults: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  slots: ['momentum', 'variance'],

  // m ← β₁ m + (1-β₁) g;  v ← β₂ v + (1-β₂) g²;  p ← (1-ηλ) p - η √(1-β₂ᵗ)/(1-β₁ᵗ) · m / (√v + ε √(1-β₂ᵗ))
  graph(size, { beta1, beta2 }) {
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
    graph.output(updated('parameter'), ops.subtract(shrunk, ops.multiply(direction, number('stepSize'))));
    graph.output(updated('momentum'), momentum);
    graph.output(updated('variance'), variance);
    return graph;
  },

  scalars({ step, learningRate, weightDecay, gradientScale }, { beta1, beta2, epsilon }) {
    const varianceCorrection = Math.sqrt(1 - beta2 ** step);
    return {
      gradientToMomentum: gradientScale * (1 - beta1),
      gradientToDeviation: gradientScale * Math.sqrt(1 - beta2),
      epsilon: epsilon * varianceCorrection,
      stepSize: (learningRate * varianceCorrection) / (1 - beta1 ** step),
      shrink: 1 - learningRate * weightDecay,
    };
  },
};
