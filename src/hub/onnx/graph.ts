import * as ops from '../../graph/functions.ts';
import { Graph, type Value } from '../../graph/graph.ts';
import type { BertConfig } from '../../models/bert/config.ts';
import { encode } from '../../models/bert/encoder.ts';
import { classifierLogits, maskedLmLogits } from '../../models/bert/heads.ts';
import { type BertPart, bertParameters } from '../../models/bert/parameters.ts';
import { Scope } from '../../nn/scope.ts';

/** What an exported model is for, in the names of Hugging Face's pipelines. */
export type ExportTask = 'fill-mask' | 'text-classification' | 'feature-extraction';

/** Parts of a BERT that each task computes with. */
export const taskParts: Readonly<Record<ExportTask, readonly BertPart[]>> = {
  'fill-mask': ['encoder', 'mlmHead'],
  'text-classification': ['encoder', 'pooler', 'classifier'],
  'feature-extraction': ['encoder'],
};

/** The output that pipelines read. */
export const taskOutput: Readonly<Record<ExportTask, string>> = {
  'fill-mask': 'logits',
  'text-classification': 'logits',
  'feature-extraction': 'last_hidden_state',
};

/** The inputs that pipelines feed, int64 [batch, length] each. */
export const pipelineInputs = ['input_ids', 'attention_mask', 'token_type_ids'] as const;

/** A model to be used: its graph, and the names of the parameters among the graph's inputs. */
export interface ForwardGraph {
  readonly graph: Graph;
  readonly parameters: readonly string[];
}

/**
 * The forward half of a model as pipelines feed it, one padded text a row, for any number of rows and any length: logits
 * [batch, length, vocabulary], logits [batch, labels], or hidden states [batch, length, hiddenSize].
 */
export function forwardGraph(config: BertConfig, task: ExportTask): ForwardGraph {
  const graph = new Graph();
  const rows = graph.freeDimension('batch_size');
  const width = graph.freeDimension('sequence_length');
  const [ids, mask, types] = pipelineInputs.map((name) => ops.cast(graph.input(name, 'int64', [rows, width]), 'int32'));
  if (!ids || !mask || !types) throw new Error('internal: an input is missing');
  const specs = taskParts[task].flatMap((part) => bertParameters(config, part));
  const scope = new Scope(graph, specs, { training: false, fused: new Set(['attention', 'addLayerNorm']) });
  const positions = ops.broadcast(ops.range(graph, width, 1), [rows, width]);
  // Text is segment 1 and padding segment 0, which keeps them from attending to each other.
  const read = task === 'text-classification' ? ops.range(graph, rows, width) : undefined;
  const inputs = { ids, positions, segments: mask, tokenTypes: types, read };
  const hidden = encode(scope, config, { rows, width }, inputs); // [B·S or B, H]
  const heads: Record<ExportTask, () => Value> = {
    'fill-mask': () => ops.reshape(maskedLmLogits(scope, config, hidden), [rows, width, config.vocabularySize]),
    'text-classification': () => classifierLogits(scope, config, hidden),
    'feature-extraction': () => ops.reshape(hidden, [rows, width, config.hiddenSize]),
  };
  graph.output(taskOutput[task], heads[task]());
  return { graph, parameters: [...scope.used.keys()] };
}
