import * as ops from '../graph/functions.ts';
import { Graph, type Value } from '../graph/graph.ts';
import type { BertConfig } from '../models/bert/config.ts';
import { type BlockShape, bertEncoder } from '../models/bert/encoder.ts';
import { classifierLogits, maskedLmLogits } from '../models/bert/heads.ts';
import { type BertPart, bertParameters } from '../models/bert/parameters.ts';
import { weightedSum } from '../nn/layers.ts';
import type { ParameterSpec } from '../nn/parameters.ts';
import { Scope } from '../nn/scope.ts';
import type { LossGraph } from '../train/task.ts';

/** Parts that a masked language model trains, and those that a classifier trains. */
export const maskedLmParts: readonly BertPart[] = ['encoder', 'mlmHead'];
export const classifierParts: readonly BertPart[] = ['encoder', 'pooler', 'classifier'];

/** Parameters of several parts. */
export function partParameters(config: BertConfig, parts: readonly BertPart[]): ParameterSpec[] {
  return parts.flatMap((part) => bertParameters(config, part));
}

/** How a loss is built. */
export interface LossOptions {
  /** Whether dropout applies. */
  readonly training: boolean;
  /** Parameters that stay what they are: nothing of the backward half is built for them. */
  readonly frozen?: Readonly<Record<string, unknown>>;
  /** Whether the backward half computes each encoder layer once more: the same numbers, less memory, more time. */
  readonly recompute?: boolean;
}

/**
 * Summed cross-entropy of predicted tokens. Beside the encoder's inputs it takes `predictedRows`, `labels` (int32) and
 * `weights` (float32: 1, or 0 for places that are not used), all [predictions]. `each` is what is summed, unweighted.
 */
export function maskedLmLoss(
  config: BertConfig,
  shape: BlockShape,
  predictions: number,
  options: LossOptions,
): LossGraph & { readonly each: Value } {
  const graph = new Graph();
  const scope = new Scope(graph, partParameters(config, maskedLmParts), options);
  const read = graph.input('predictedRows', 'int32', [predictions]);
  const logits = maskedLmLogits(scope, config, bertEncoder(scope, config, shape, read));
  const { loss, each } = weightedLoss(graph, logits, predictions);
  return { ...lossGraph(scope, loss, options), each };
}

/**
 * Summed, weighted cross-entropy of examples. Beside the encoder's inputs it takes `firstRows`, `labels` (int32) and
 * `weights` (float32: the class weight, or 0 for places that are not used), all [examples].
 */
export function classificationLoss(
  config: BertConfig,
  shape: BlockShape,
  examples: number,
  options: LossOptions,
): LossGraph {
  const graph = new Graph();
  const scope = new Scope(graph, partParameters(config, classifierParts), options);
  const read = graph.input('firstRows', 'int32', [examples]);
  const logits = classifierLogits(scope, config, bertEncoder(scope, config, shape, read));
  return lossGraph(scope, weightedLoss(graph, logits, examples).loss, options);
}

function lossGraph({ graph, used }: Scope, loss: Value, { frozen = {}, recompute }: LossOptions): LossGraph {
  return { graph, loss, parameters: new Map([...used].filter(([name]) => !(name in frozen))), recompute };
}

function weightedLoss(graph: Graph, logits: Value, count: number) {
  const labels = graph.input('labels', 'int32', [count]);
  const each = ops.crossEntropy(logits, labels);
  return { each, loss: weightedSum(each, graph.input('weights', 'float32', [count])) };
}
