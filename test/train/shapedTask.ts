import type * as functions from '../../src/graph/functions.ts';
import type * as graphs from '../../src/graph/graph.ts';
import type { Batch, Cursor, LossGraph, TrainingTask, Update } from '../../src/train/task.ts';

/** What builds a task's graph; handed in, so that other versions of the package can train the same task. */
export interface Builder {
  readonly Graph: typeof graphs.Graph;
  readonly ops: typeof functions;
}

export interface ShapedTaskOptions {
  /** Shapes and decay of the parameters, in their order. */
  readonly parameters?: readonly (readonly [name: string, shape: readonly number[], decay: boolean])[];
  readonly states?: readonly (readonly [name: string, shape: readonly number[]])[];
  readonly microBatches?: number;
}

/** Sizes that fill no cache line; those without weight decay are not the last. */
export const usualParameters = [
  ['bias', [5], false],
  ['weight', [3, 4], true],
  ['scale', [], false],
  ['table', [7, 3], true],
] as const;

/**
 * Every parameter is pulled towards points by Σ (parameter - point)², and every state is the running mean of them. All of
 * it is arithmetic element by element, so that weights are the same bits on every machine, whatever it does in sums.
 */
export class ShapedTask implements TrainingTask {
  readonly name = 'shapes';
  readonly unit = 'points';
  readonly metric = { name: 'distance', goal: 'lower' } as const;
  readonly parameters: TrainingTask['parameters'];
  readonly states: NonNullable<TrainingTask['states']>;
  readonly startValues = new Map<string, Float32Array>();
  readonly #builder: Builder;
  readonly #microBatches: number;

  constructor(
    builder: Builder,
    { parameters = usualParameters, states = [['mean', [3]]], microBatches = 2 }: ShapedTaskOptions = {},
  ) {
    this.#builder = builder;
    this.#microBatches = microBatches;
    this.parameters = parameters.map(([name, shape, decay]) => ({ name, shape, decay }));
    this.states = states.map(([name, shape]) => ({ name, shape }));
    for (const { name, shape } of [...this.parameters, ...this.states])
      this.startValues.set(name, pointsOf(name, shape, 0));
  }

  lossGraph(): LossGraph {
    const { Graph, ops } = this.#builder;
    const graph = new Graph();
    const withPoint = ({ name, shape }: { name: string; shape: readonly number[] }) => {
      const [value, point] = [name, `point of ${name}`].map((input) => graph.input(input, 'float32', shape));
      if (!value || !point) throw new Error('two inputs');
      return { name, value, point, axes: shape.map((_, axis) => axis) };
    };
    const trained = this.parameters.map(withPoint);
    const losses = trained.map(({ value, point, axes }) => {
      const distance = ops.subtract(value, point);
      return ops.sum(ops.multiply(distance, distance), axes);
    });
    const states = this.states.map(withPoint).map(({ name, value, point }) => {
      return [name, ops.add(ops.scale(value, 0.75), ops.scale(point, 0.25))] as const;
    });
    const loss = losses.reduce((sum, each) => ops.add(sum, each));
    return {
      graph,
      loss,
      parameters: new Map(trained.map(({ name, value }) => [name, value])),
      states: new Map(states),
    };
  }

  update({ epoch, index }: Cursor): Update {
    const microBatches = Array.from({ length: this.#microBatches }, (_, i): Batch => {
      const inputs = [...this.parameters, ...this.states].map(({ name, shape }) => {
        const data = pointsOf(name, shape, 1 + index + i);
        return [`point of ${name}`, { dtype: 'float32', shape, data }] as const;
      });
      return { key: 'all', inputs: Object.fromEntries(inputs), weight: 2, units: 3 };
    });
    return { microBatches, next: { epoch, index: index + this.#microBatches } };
  }

  stepsInEpoch(): number {
    return 100;
  }
}

/** A function of the name and the number alone. */
function pointsOf(name: string, shape: readonly number[], number: number): Float32Array {
  const letters = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  return Float32Array.from({ length: size }, (_, i) => ((letters + 7 * number + 3 * i * i) % 23) / 8 - 1.3);
}

/** Settings of the runs in test/fixtures/checkpoints. */
export const fixtureRun = {
  steps: 6,
  savedStep: 3,
  learningRate: 0.05,
  schedule: 'cosine',
  warmupSteps: 2,
  weightDecay: 0.1,
  maxGradientNorm: 1,
} as const;
export const fixtureOptimizers = { adamw: { name: 'adamw' }, sgd: { name: 'sgd', momentum: 0.8 } } as const;
