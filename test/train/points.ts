import { join } from 'node:path';
import { throwIfAborted } from '../../src/core/interrupt.ts';
import type { HostTensor } from '../../src/core/tensor.ts';
import type { NamedTensors } from '../../src/engine/engine.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import * as ops from '../../src/graph/functions.ts';
import { Graph } from '../../src/graph/graph.ts';
import type { TrainerCallback } from '../../src/train/callbacks.ts';
import type { Batch, Cursor, LossGraph, TrainingTask, Update } from '../../src/train/task.ts';
import { Trainer, type TrainerOptions } from '../../src/train/trainer.ts';
import { temporaryFolder } from '../temporary.ts';

interface PointTaskOptions {
  readonly points?: number[];
  readonly best?: number;
  readonly sizes?: number[];
  readonly interruptible?: boolean;
}

/**
 * The smallest task: one number w is pulled towards the points of each batch by Σ (w - point)². Ten points an epoch,
 * all of them 10 unless a test says otherwise.
 */
export class PointTask implements TrainingTask {
  readonly name = 'points';
  readonly unit = 'points';
  readonly parameters = [{ name: 'w', shape: [1], decay: false }];
  readonly startValues = new Map([['w', Float32Array.of(0)]]);
  readonly metric = { name: 'distance', goal: 'lower' } as const;
  readonly evaluate: TrainingTask['evaluate'];
  readonly #points: readonly number[];
  readonly #sizes: readonly number[];

  /**
   * @param best where the metric `distance` is 0; nothing is held out without it
   * @param sizes points of each micro-batch of an update
   * @param interruptible whether an evaluation hears the signal
   */
  constructor({ points, best, sizes = [1], interruptible = false }: PointTaskOptions = {}) {
    this.#points = points ?? new Array(10).fill(10);
    this.#sizes = sizes;
    this.evaluate =
      best === undefined
        ? undefined
        : async (parameters, signal) => {
            if (interruptible) throwIfAborted(signal);
            return { distance: Math.abs(wOf(parameters) - best) };
          };
  }

  lossGraph(key: string): LossGraph {
    const graph = new Graph();
    const w = graph.input('w', 'float32', [1]);
    const distance = ops.subtract(w, graph.input('points', 'float32', [Number(key)]));
    return { graph, loss: ops.sum(ops.multiply(distance, distance), [0]), parameters: new Map([['w', w]]) };
  }

  update({ epoch, index }: Cursor): Update {
    let at = index;
    const microBatches = this.#sizes.map((size): Batch => {
      const data = Float32Array.from(this.#points.slice(at, at + size));
      at += size;
      return {
        key: String(size),
        inputs: { points: { dtype: 'float32', shape: [size], data } },
        weight: size,
        units: size,
      };
    });
    return { microBatches, next: at < this.#points.length ? { epoch, index: at } : { epoch: epoch + 1, index: 0 } };
  }

  stepsInEpoch(): number {
    return this.#points.length;
  }
}

export const pointOptions: Omit<TrainerOptions, 'task' | 'engine' | 'checkpoints'> = {
  steps: 8,
  learningRate: 0.1,
  schedule: 'constant',
  warmupSteps: 0,
  weightDecay: 0,
  maxGradientNorm: 0,
  evalSteps: 0,
  saveSteps: 0,
  keepCheckpoints: 2,
  patience: 0,
  resume: false,
  fingerprint: { steps: 8 },
};

/** Trains; AdamW moves w by about the learning rate each step. */
export function trainPoints(
  task: TrainingTask,
  options: Partial<TrainerOptions> & { checkpoints: string },
  callbacks: readonly TrainerCallback[] = [],
) {
  return new Trainer({ task, engine: onnxEngine({ threads: 1 }), callbacks, ...pointOptions, ...options }).run();
}

export function newFolder(): string {
  return join(temporaryFolder(), 'checkpoints');
}

function wOf(parameters: NamedTensors): number {
  return Number((parameters.w as HostTensor).data[0]);
}
