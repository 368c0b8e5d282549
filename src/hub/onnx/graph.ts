import * as ops from '../../graph/functions.ts';
import { Graph, type Value } from '../../graph/graph.ts';
import type { PipelineInput } from '../../models/text/family.ts';
import { type HeadName, heads, isClassifier } from '../../models/text/heads/table.ts';
import type { TextModel } from '../../models/text/model.ts';
import { pooledBy, skippedTokens } from '../../models/text/sentence/pooling.ts';
import { sentenceLogits } from '../../models/text/sentence/sentence.ts';
import { Scope } from '../../nn/scope.ts';
import { pooledTexts } from './pooling.ts';

/** A model to be used: its graph, and the names of the parameters among the graph's inputs. */
export interface ForwardGraph {
  readonly graph: Graph;
  readonly parameters: readonly string[];
  /** Those that stay in float32 where the other matrices become int8. */
  readonly neverQuantized: ReadonlySet<string>;
  /** The output up to which a model in float16 computes in it; all the way when absent. */
  readonly halfUntil?: string;
}

/** Outputs of exported models by which sentence-transformers and pipelines know vectors, and what they are made of. */
export const vectorOutput = 'sentence_embedding';
const statesOutput = heads.pooled.onnx.output;

/** What an exported model knows of the vectors that a sentence encoder's folder asks for. */
export interface VectorSettings {
  /**
   * Tokens that every text begins with, special ones before them included: where a pooling leaves prompts out, they do
   * not count.
   */
  readonly promptTokens?: number;
  /** Numbers of a vector that are kept, the first ones; all of them when absent. */
  readonly dimensions?: number;
}

/** What was built in a scope, as a model to be used. */
export function forwardOf(scope: Scope): ForwardGraph {
  const specs = scope.usedSpecs();
  return {
    graph: scope.graph,
    parameters: specs.map(({ name }) => name),
    neverQuantized: new Set(specs.flatMap(({ name, isNeverQuantized }) => (isNeverQuantized ? name : []))),
  };
}

/**
 * The forward half of a model as pipelines feed it, one padded text a row, for any number of rows and any length: what
 * the head makes of each text [batch, outputs], or of each token [batch, length, outputs].
 *
 * A head that reads pooled tokens has more outputs, so that pipelines of both kinds find theirs in one file: the hidden
 * states of the tokens [batch, length, hiddenSize], the vector of each text [batch, size] and, of a classifier, the
 * logits made of it.
 */
export function forwardGraph(
  model: TextModel,
  head: HeadName,
  { promptTokens = 0, dimensions }: VectorSettings = {},
): ForwardGraph {
  const graph = new Graph();
  const rows = graph.freeDimension('batch_size');
  const width = graph.freeDimension('sequence_length');
  const fed = new Map<PipelineInput, Value>(
    model.pipelineInputs.map((name) => [name, ops.cast(graph.input(name, 'int64', [rows, width]), 'int32')]),
  );
  const [ids, mask] = [fed.get('input_ids'), fed.get('attention_mask')];
  if (!ids || !mask) throw new Error('internal: an input is missing');
  const scope = new Scope(graph, model.parameters(model.partsOf(head)), {
    training: false,
    fused: new Set(['attention', 'addLayerNorm']),
  });
  const positions = ops.broadcast(ops.range(graph, width, 1), [rows, width]);
  // The text is sequence 1 and padding sequence 0, which keeps them from attending to each other.
  const block = { rows, width, ids, positions, sequenceIds: mask, tokenTypes: fed.get('token_type_ids') };
  if (hasVectors(model, head)) {
    const states = ops.reshape(model.encode(scope, block), [rows, width, model.config.hiddenSize]);
    const reading = model.readingOf(head);
    const pooling = typeof reading === 'string' ? pooledBy('mean') : reading;
    const skipped = skippedTokens(pooling, promptTokens);
    const vectors = model.outputs('pooled', scope, pooledTexts({ states, mask, positions, skipped }, pooling));
    if (isClassifier(head)) graph.output(heads[head].onnx.output, sentenceLogits(scope, vectors));
    graph.output(statesOutput, states);
    graph.output(vectorOutput, firstNumbers(vectors, dimensions));
    return { ...forwardOf(scope), halfUntil: statesOutput };
  }
  const { onnx, outputs } = heads[head];
  const isByText = onnx.rows === 'texts';
  const isMean = isByText && model.readingOf(head) === 'mean';
  const states = model.encode(scope, block, isByText && !isMean ? ops.range(graph, rows, width) : undefined);
  const byToken = () => ops.reshape(states, [rows, width, model.config.hiddenSize]);
  const read = isMean ? pooledTexts({ states: byToken(), mask, positions, skipped: 0 }, pooledBy('mean')) : states;
  const result = model.outputs(head, scope, read); // [B·S or B, outputs]
  graph.output(onnx.output, isByText ? result : ops.reshape(result, [rows, width, outputs(model.config)]));
  return forwardOf(scope);
}

/** Whether a head makes its answer of one vector a text, which a sentence encoder's folder describes. */
export function hasVectors(model: TextModel, head: HeadName): boolean {
  return head === 'pooled' || typeof model.readingOf(head) !== 'string';
}

/** The first columns of x [N, size]; all of them when `count` is absent. */
function firstNumbers(x: Value, count = Number.POSITIVE_INFINITY): Value {
  if (count >= Number(x.shape[1])) return x;
  const columns = x.graph.constant({
    dtype: 'int32',
    shape: [count],
    data: Int32Array.from({ length: count }, (_, i) => i),
  });
  return ops.transpose(ops.gatherRows(ops.transpose(x, [1, 0]), columns), [1, 0]);
}
