import type { Collective } from '../core/collective.ts';
import type { NamedTensors } from '../engine/engine.ts';
import type { TrainedParameter, TrainedValue } from '../engine/trainState.ts';
import type { Graph, Value } from '../graph/graph.ts';

/** Where a run stands in its data: the next example is number `index` of the shuffled order of `epoch`. */
export interface Cursor {
  readonly epoch: number;
  readonly index: number;
}

/** The forward half of a step. */
export interface LossGraph {
  readonly graph: Graph;
  /** The loss summed over the batch, a scalar; the trainer divides by the update's weight. */
  readonly loss: Value;
  /** The graph's inputs that are parameters, by name. */
  readonly parameters: ReadonlyMap<string, Value>;
  /** New values of the task's states, by name; their old ones are inputs of the graph under the same names. */
  readonly states?: ReadonlyMap<string, Value>;
  /** Compute the graph's segments once more in the backward half, rather than keep what is in them. */
  readonly recompute?: boolean;
}

/** What one run of a step's graph takes. */
export interface Batch {
  /** Names the shapes: batches of one key share a compiled graph. */
  readonly key: string;
  readonly inputs: NamedTensors;
  /** What the summed loss is divided by, such as the number of predicted tokens. */
  readonly weight: number;
  /** Work done, for throughput: non-padding tokens, images. */
  readonly units: number;
}

/** The micro-batches of one optimizer step; their gradients add up before the step is taken. */
export interface Update {
  readonly microBatches: Iterable<Batch> | AsyncIterable<Batch>;
  /** Where the next update starts. */
  readonly next: Cursor;
}

export type Metrics = Readonly<Record<string, number>>;

/** All that the trainer needs to know of what it trains. */
export interface TrainingTask {
  readonly name: string;
  /** What the units of its batches are, in the plural. */
  readonly unit: string;
  readonly parameters: readonly TrainedParameter[];
  /** What a step updates without gradients, such as running statistics: kept in checkpoints, and evaluated and saved like a parameter. */
  readonly states?: readonly TrainedValue[];
  /** Start values of parameters and states by name. The trainer takes them over and leaves the map empty: a run does not hold them twice. */
  readonly startValues: Map<string, Float32Array>;
  /** The metric that early stopping and the best checkpoint go by. */
  readonly metric: { readonly name: string; readonly goal: 'lower' | 'higher' };
  /** All keys that batches may have, where there are several that come up again and again. */
  readonly keys?: readonly string[];
  /** The training graph for batches of this key. */
  lossGraph(key: string): LossGraph;
  /** The update that starts at `cursor`: a pure function of it, so a run resumes without replaying its data. */
  update(cursor: Cursor): Update;
  /** Hears which update comes next before the current one is computed, to prepare it in the meantime. */
  prepare?(cursor: Cursor): void;
  /** Optimizer steps of one epoch. */
  stepsInEpoch(epoch: number): number;
  /**
   * Metrics on held-out data with the current parameters and states; absent when nothing is held out.
   *
   * @param collective processes that all measure at the same time and may share it out, to the same result in each
   * @throws InterruptedError when the signal was aborted
   */
  readonly evaluate?: (parameters: NamedTensors, signal?: AbortSignal, collective?: Collective) => Promise<Metrics>;
}
