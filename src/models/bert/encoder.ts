import * as ops from '../../graph/functions.ts';
import type { Value } from '../../graph/graph.ts';
import { type AttentionShape, segmentBias, selfAttention } from '../../nn/attention.ts';
import { embedding, layerNorm, linear } from '../../nn/layers.ts';
import type { Scope } from '../../nn/scope.ts';
import type { Activation, BertConfig } from './config.ts';

/** Rows of a batch and tokens of a row. */
export interface BlockShape {
  readonly rows: number;
  readonly width: number;
}

/**
 * The encoder (Devlin et al. 2019): embeddings and post-norm Transformer layers over blocks that may hold several
 * sequences a row. Adds the inputs `inputIds`, `positionIds` and `segmentIds`, int32 [rows, width]; a segment is the
 * number of a sequence within its row, 0 is padding. All tokens are of type 0.
 *
 * @returns hidden states [rows · width, hiddenSize]
 */
export function bertEncoder(scope: Scope, config: BertConfig, { rows, width }: BlockShape): Value {
  const { graph } = scope;
  const ids = graph.input('inputIds', 'int32', [rows, width]);
  const positions = graph.input('positionIds', 'int32', [rows, width]);
  const segments = graph.input('segmentIds', 'int32', [rows, width]);
  const heads = config.attentionHeads;
  const shape: AttentionShape = { rows, width, heads, headSize: config.hiddenSize / heads };
  const bias = segmentBias(segments, shape);
  const flat = (value: Value) => ops.reshape(value, [rows * width]);
  let hidden = embeddings(scope, config, flat(ids), flat(positions)); // [B·S, H]
  for (let layer = 0; layer < config.layers; layer++) {
    const below = hidden;
    hidden = graph.inSegment(() => encoderLayer(scope, config, `encoder.${layer}`, below, bias, shape));
  }
  return hidden;
}

/** The model's activation function. */
export function activate(activation: Activation, x: Value): Value {
  return { gelu: ops.gelu, gelu_new: ops.geluTanh, relu: ops.relu }[activation](x);
}

function embeddings(scope: Scope, config: BertConfig, ids: Value, positions: Value): Value {
  const type = scope.graph.constant({ dtype: 'int32', shape: [1], data: Int32Array.of(0) });
  const words = embedding(scope, 'embeddings.word', ids);
  const typed = ops.add(words, embedding(scope, 'embeddings.tokenType', type));
  const summed = ops.add(typed, embedding(scope, 'embeddings.position', positions));
  return scope.dropout(layerNorm(scope, 'embeddings.norm', summed, config.layerNormEpsilon), config.hiddenDropout);
}

function encoderLayer(
  scope: Scope,
  config: BertConfig,
  name: string,
  x: Value,
  bias: Value,
  shape: AttentionShape,
): Value {
  const { layerNormEpsilon: epsilon, hiddenDropout, attentionDropout } = config;
  const attended = selfAttention(scope, `${name}.attention`, x, bias, shape, attentionDropout);
  const between = layerNorm(
    scope,
    `${name}.attention.norm`,
    ops.add(scope.dropout(attended, hiddenDropout), x),
    epsilon,
  );
  const up = activate(config.activation, linear(scope, `${name}.feedForward.up`, between));
  const down = scope.dropout(linear(scope, `${name}.feedForward.down`, up), hiddenDropout);
  return layerNorm(scope, `${name}.feedForward.norm`, ops.add(down, between), epsilon);
}
