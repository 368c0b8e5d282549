import type { Graph } from '../../graph/graph.ts';

/** One optimizer: what it keeps, how it moves a parameter, and the numbers that this takes in each step. */
export interface Optimizer<Options extends object = object> {
  /** Every option with its default. */
  readonly defaults: Options;
  /** What it keeps of every parameter from step to step, by name; checkpoints use the same names. */
  readonly slots: readonly string[];
  /** The update as an `UpdateRule` describes it. */
  graph(size: number, options: Options): Graph;
  /** The graph's scalars in one step. */
  scalars(step: OptimizerStep, options: Options): Readonly<Record<string, number>>;
}

/** What changes from step to step, and between parameters with weight decay and without. */
export interface OptimizerStep {
  /** Number of this update, from 1. */
  readonly step: number;
  readonly learningRate: number;
  /** 0 where it does not apply. */
  readonly weightDecay: number;
  /** What the gradients, which are of the summed loss, are multiplied with first: 1 / weight, times the clipping factor. */
  readonly gradientScale: number;
}
