import * as ops from '../../graph/functions.ts';
import { Graph, type Value } from '../../graph/graph.ts';
import type { PipelineInput } from '../../models/text/family.ts';
import { type HeadName, heads } from '../../models/text/heads/table.ts';
import type { TextModel } from '../../models/text/model.ts';
import { Scope } from '../../nn/scope.ts';

/** A model to be used: its graph, and the names of the parameters among the graph's inputs. */
export interface ForwardGraph {
  readonly graph: Graph;
  readonly parameters: readonly string[];
  /** Those that stay in float32 where the other matrices become int8. */
  readonly neverQuantized: ReadonlySet<string>;
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
 */
export function forwardGraph(model: TextModel, head: HeadName): ForwardGraph {
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
  const { onnx, outputs } = heads[head];
  const read = onnx.rows === 'texts' ? ops.range(graph, rows, width) : undefined;
  // The text is sequence 1 and padding sequence 0, which keeps them from attending to each other.
  const block = { rows, width, ids, positions, sequenceIds: mask, tokenTypes: fed.get('token_type_ids') };
  const result = model.outputs(head, scope, model.encode(scope, block, read)); // [B·S or B, outputs]
  const isByText = onnx.rows === 'texts';
  graph.output(onnx.output, isByText ? result : ops.reshape(result, [rows, width, outputs(model.config)]));
  return forwardOf(scope);
}
