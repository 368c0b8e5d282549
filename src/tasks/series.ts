import { finite } from '../core/finite.ts';
import { breathe } from '../core/interrupt.ts';
import { permutedIndex } from '../core/random.ts';
import { floatData, type HostTensor, sizeOf } from '../core/tensor.ts';
import type { Engine, NamedTensors } from '../engine/engine.ts';
import { ProgramCache } from '../engine/programCache.ts';
import * as ops from '../graph/functions.ts';
import { Graph, type Value } from '../graph/graph.ts';
import type { ForecasterConfig, TableConfig } from '../models/series/config.ts';
import { forecast, forecasterParameters } from '../models/series/forecaster.ts';
import { decodeRows, encodeRows, tableParameters } from '../models/series/tableAutoencoder.ts';
import type { ParameterSpec, ParameterValues } from '../nn/parameters.ts';
import { Scope } from '../nn/scope.ts';
import type { Batch, Cursor, LossGraph, Metrics, TrainingTask, Update } from '../train/task.ts';

/** What a task over rows of numbers predicts from what. */
export interface NumbersModel {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  /** Shape of one input and of one target. */
  readonly inputShape: readonly number[];
  readonly targetShape: readonly number[];
  /** Inputs [B, ...inputShape] -> predictions [B, ...targetShape]. */
  predict(scope: Scope, inputs: Value): Value;
}

/** Prediction of the next window of a series. */
export function forecasterModel(config: ForecasterConfig): NumbersModel {
  const width = config.columns.length;
  return {
    name: 'temporal prediction',
    parameters: forecasterParameters(config),
    inputShape: [config.window, width],
    targetShape: [config.horizon, width],
    predict: (scope, windows) => forecast(scope, config, windows),
  };
}

/** Reconstruction of the rows of a table. */
export function tableModel(config: TableConfig): NumbersModel {
  const shape = [config.columns.length];
  return {
    name: 'table autoencoder',
    parameters: tableParameters(config),
    inputShape: shape,
    targetShape: shape,
    predict: (scope, rows) => decodeRows(scope, config, encodeRows(scope, config, rows)),
  };
}

/** The latent vectors of the rows of a table. */
export function tableEncoder(config: TableConfig): NumbersModel {
  return {
    ...tableModel(config),
    targetShape: [config.latentSize],
    predict: (scope, rows) => encodeRows(scope, config, rows),
  };
}

/** Examples by number: where their inputs and targets begin in a table of numbers. */
export interface NumberExamples {
  readonly values: Float32Array;
  readonly count: number;
  /** Index of the first number of an example's input. */
  inputAt(example: number): number;
  targetAt(example: number): number;
}

/** Squared errors of `count` predictions, summed: inputs `inputs` and `targets`. */
export function squaredErrorLoss(model: NumbersModel, count: number): LossGraph {
  const graph = new Graph();
  const scope = new Scope(graph, model.parameters, { training: true });
  const predicted = model.predict(scope, graph.input('inputs', 'float32', [count, ...model.inputShape]));
  const difference = ops.subtract(predicted, graph.input('targets', 'float32', [count, ...model.targetShape]));
  const axes = difference.shape.map((_, axis) => axis);
  return { graph, loss: ops.sum(ops.multiply(difference, difference), axes), parameters: scope.used };
}

export interface NumbersTaskOptions {
  readonly model: NumbersModel;
  readonly startValues: ParameterValues;
  readonly training: NumberExamples;
  readonly heldOut: NumberExamples;
  readonly batchSize: number;
  readonly seed: number;
  readonly engine: Engine;
}

/** Training by the mean squared error of predicted numbers. */
export class NumbersTask implements TrainingTask {
  readonly name: string;
  readonly unit = 'examples';
  readonly parameters: readonly ParameterSpec[];
  readonly startValues: ParameterValues;
  readonly metric = { name: 'error', goal: 'lower' } as const;
  readonly #options: NumbersTaskOptions;

  constructor(options: NumbersTaskOptions) {
    this.#options = options;
    this.name = options.model.name;
    this.parameters = options.model.parameters;
    this.startValues = options.startValues;
  }

  lossGraph(key: string): LossGraph {
    return squaredErrorLoss(this.#options.model, Number(key));
  }

  update({ epoch, index }: Cursor): Update {
    const { training, batchSize, seed } = this.#options;
    const end = Math.min(index + batchSize, training.count);
    const chosen = Array.from({ length: end - index }, (_, i) => permutedIndex(index + i, training.count, seed, epoch));
    const next = end < training.count ? { epoch, index: end } : { epoch: epoch + 1, index: 0 };
    return { microBatches: [this.#batch(chosen)], next };
  }

  stepsInEpoch(): number {
    return Math.ceil(this.#options.training.count / this.#options.batchSize);
  }

  /** The mean squared error on what is held out. */
  evaluate = async (parameters: NamedTensors, signal?: AbortSignal): Promise<Metrics> => {
    const { model, heldOut, engine } = this.#options;
    const size = sizeOf(model.targetShape);
    let total = 0;
    for await (const { example, prediction } of predictions(engine, model, parameters, heldOut, signal)) {
      const at = heldOut.targetAt(example);
      for (let i = 0; i < size; i++) total += ((prediction[i] as number) - (heldOut.values[at + i] as number)) ** 2;
    }
    return { error: total / (heldOut.count * size) };
  };

  #batch(chosen: readonly number[]): Batch {
    const { model, training } = this.#options;
    const targets = gathered(training, chosen, (example) => training.targetAt(example), model.targetShape);
    return {
      key: String(chosen.length),
      inputs: { inputs: gathered(training, chosen, (example) => training.inputAt(example), model.inputShape), targets },
      weight: targets.data.length,
      units: chosen.length,
    };
  }
}

/** Examples that run forward together. */
const together = 256;

/** The model's prediction for each example, in order. */
export async function* predictions(
  engine: Engine,
  model: NumbersModel,
  parameters: NamedTensors,
  examples: NumberExamples,
  signal?: AbortSignal,
): AsyncGenerator<{ example: number; prediction: Float32Array }> {
  const programs = new ProgramCache((key) => {
    const graph = new Graph();
    const scope = new Scope(graph, model.parameters, { training: false });
    graph.output('result', model.predict(scope, graph.input('inputs', 'float32', [Number(key), ...model.inputShape])));
    return engine.compile(graph);
  }, 2);
  const used = new Set(model.parameters.map(({ name }) => name));
  try {
    for (let from = 0; from < examples.count; from += together) {
      await breathe(signal);
      const count = Math.min(together, examples.count - from);
      const chosen = Array.from({ length: count }, (_, i) => from + i);
      const inputs = gathered(examples, chosen, (example) => examples.inputAt(example), model.inputShape);
      const program = await programs.get(String(count));
      const given = Object.fromEntries(Object.entries(parameters).filter(([name]) => used.has(name)));
      const { result } = await program.run({ ...given, inputs });
      if (!result) throw new Error('internal: no result');
      const all = finite(floatData(result), "the model's answers");
      const size = all.length / count;
      for (const example of chosen) {
        yield { example, prediction: all.subarray((example - from) * size, (example - from + 1) * size) };
      }
    }
  } finally {
    await programs.dispose();
  }
}

function gathered(
  { values }: NumberExamples,
  chosen: readonly number[],
  at: (example: number) => number,
  shape: readonly number[],
): HostTensor<'float32'> {
  const size = sizeOf(shape);
  const data = new Float32Array(chosen.length * size);
  chosen.forEach((example, i) => {
    data.set(values.subarray(at(example), at(example) + size), i * size);
  });
  return { dtype: 'float32', shape: [chosen.length, ...shape], data };
}
