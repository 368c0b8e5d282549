import type { HostTensor } from '../core/tensor.ts';
import type { Engine, Program } from '../engine/engine.ts';
import * as ops from '../graph/functions.ts';
import { Graph } from '../graph/graph.ts';
import type { ParameterArena } from './arena.ts';

export interface AdamWOptions {
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export const adamWDefaults: AdamWOptions = { weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/**
 * Elements of one slice of an elementwise pass: small enough that its arrays stay in a core's cache, large enough
 * that the fixed cost of a run does not show.
 */
const sliceSize = 128 * 1024;

/**
 * AdamW with decoupled weight decay (Loshchilov & Hutter 2019), in place over flat arrays of one layout. The update
 * is an elementwise graph that runs slice by slice.
 */
export class AdamW {
  readonly momentum: Float32Array;
  readonly variance: Float32Array;
  readonly #arena: ParameterArena;
  readonly #options: AdamWOptions;
  readonly #engine: Engine;
  readonly #programs = new Map<string, Promise<Program>>();

  constructor(engine: Engine, arena: ParameterArena, options: AdamWOptions) {
    this.#engine = engine;
    this.#arena = arena;
    this.#options = options;
    this.momentum = new Float32Array(arena.size);
    this.variance = new Float32Array(arena.size);
  }

  /**
   * One update.
   *
   * @param parameters changed in place
   * @param gradients of the summed loss
   * @param gradientScale what they are multiplied with first: 1 / weight, times the clipping factor
   * @param step number of this update, from 1
   */
  async step(
    parameters: Float32Array,
    gradients: Float32Array,
    gradientScale: number,
    learningRate: number,
    step: number,
  ): Promise<void> {
    const { weightDecay, beta1, beta2, epsilon } = this.#options;
    const varianceCorrection = Math.sqrt(1 - beta2 ** step);
    const scalars = {
      gradientToMomentum: scalar(gradientScale * (1 - beta1)),
      gradientToDeviation: scalar(gradientScale * Math.sqrt(1 - beta2)),
      epsilon: scalar(epsilon * varianceCorrection),
      stepSize: scalar((learningRate * varianceCorrection) / (1 - beta1 ** step)),
    };
    for (const [from, to, decay] of this.#slices()) {
      const program = await this.#program('update', to - from, () => updateGraph(to - from, beta1, beta2));
      const slice = (flat: Float32Array) => vector(flat.subarray(from, to));
      const state = { parameter: slice(parameters), momentum: slice(this.momentum), variance: slice(this.variance) };
      const shrink = scalar(decay ? 1 - learningRate * weightDecay : 1);
      await program.run(
        { ...state, ...scalars, shrink, gradient: slice(gradients) },
        { newParameter: state.parameter, newMomentum: state.momentum, newVariance: state.variance },
      );
    }
  }

  /** Euclidean norm of a flat array; NaN or infinite when an element is. */
  async norm(flat: Float32Array): Promise<number> {
    let total = 0;
    for (const [from, to] of this.#slices()) {
      const program = await this.#program('norm', to - from, () => squareSumGraph(to - from));
      const { total: part } = await program.run({ values: vector(flat.subarray(from, to)) });
      total += Number(part?.data[0]);
    }
    return Math.sqrt(total);
  }

  /** sums += addend, in place. */
  async accumulate(sums: Float32Array, addend: Float32Array): Promise<void> {
    for (const [from, to] of this.#slices()) {
      const program = await this.#program('add', to - from, () => addGraph(to - from));
      const target = vector(sums.subarray(from, to));
      await program.run({ a: target, b: vector(addend.subarray(from, to)) }, { sum: target });
    }
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs.values()) await (await program).dispose();
  }

  /** [from, to, decays] over the whole arena. */
  *#slices(): Generator<[number, number, boolean]> {
    const { decayEnd, size } = this.#arena;
    for (const [start, end, decays] of [[0, decayEnd, true] as const, [decayEnd, size, false] as const]) {
      for (let from = start; from < end; from += sliceSize) yield [from, Math.min(from + sliceSize, end), decays];
    }
  }

  #program(kind: string, size: number, graph: () => Graph): Promise<Program> {
    const key = `${kind} ${size}`;
    const program = this.#programs.get(key) ?? this.#engine.compile(graph());
    this.#programs.set(key, program);
    return program;
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

function squareSumGraph(size: number): Graph {
  const graph = new Graph();
  const values = graph.input('values', 'float32', [size]);
  graph.output('total', ops.sum(ops.multiply(values, values), [0]));
  return graph;
}

function addGraph(size: number): Graph {
  const graph = new Graph();
  graph.output('sum', ops.add(graph.input('a', 'float32', [size]), graph.input('b', 'float32', [size])));
  return graph;
}

function vector(data: Float32Array): HostTensor<'float32'> {
  return { dtype: 'float32', shape: [data.length], data };
}

function scalar(value: number): HostTensor<'float32'> {
  return { dtype: 'float32', shape: [], data: Float32Array.of(value) };
}
