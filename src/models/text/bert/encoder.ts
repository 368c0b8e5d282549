import * as ops from '../../../graph/functions.ts';
import type { Value } from '../../../graph/graph.ts';
import { product } from '../../../graph/sizes.ts';
import { type AttentionShape, selfAttention, sequenceBias } from '../../../nn/attention.ts';
import { addLayerNorm, embedding, linear } from '../../../nn/layers.ts';
import type { Scope } from '../../../nn/scope.ts';
import type { TokenBlock } from '../block.ts';
import type { Activation, BertConfig } from './config.ts';

/**
 * Embeddings and post-norm Transformer layers over blocks that may hold several sequences a row. Of the last layer no
 * more is computed than what is read of it.
 *
 * @param read the tokens, counted over all rows, int32 [N], whose hidden states are wanted; all when absent
 * @returns hidden states [N, hiddenSize], or those of all tokens, [rows · width, hiddenSize]
 */
export function encode(
  scope: Scope,
  config: BertConfig,
  { rows, width, ids, positions, sequenceIds, tokenTypes }: TokenBlock,
  read?: Value,
): Value {
  const { graph } = scope;
  const heads = config.attentionHeads;
  const shape: AttentionShape = { rows, width, heads, headSize: config.hiddenSize / heads };
  const bias = sequenceBias(sequenceIds, shape);
  const flat = (value: Value) => ops.reshape(value, [product(rows, width)]);
  let hidden = embeddings(scope, config, flat(ids), flat(positions), tokenTypes && flat(tokenTypes)); // [B·S, H]
  for (let layer = 0; layer < config.layers; layer++) {
    const below = hidden;
    const wanted = layer === config.layers - 1 ? read : undefined;
    hidden = graph.inSegment(() => encoderLayer(scope, config, `encoder.${layer}`, below, bias, shape, wanted));
  }
  return hidden;
}

/** The model's activation function. */
export function activate(activation: Activation, x: Value): Value {
  return { gelu: ops.gelu, gelu_new: ops.geluTanh, relu: ops.relu }[activation](x);
}

function embeddings(scope: Scope, config: BertConfig, ids: Value, positions: Value, types?: Value): Value {
  const type = types ?? scope.graph.constant({ dtype: 'int32', shape: [1], data: Int32Array.of(0) });
  const words = embedding(scope, 'embeddings.word', ids);
  const typed = ops.add(words, embedding(scope, 'embeddings.tokenType', type));
  const placed = embedding(scope, 'embeddings.position', positions);
  const normalized = addLayerNorm(scope, 'embeddings.norm', typed, placed, config.layerNormEpsilon);
  return scope.dropout(normalized, config.hiddenDropout);
}

function encoderLayer(
  scope: Scope,
  config: BertConfig,
  name: string,
  x: Value,
  bias: Value,
  shape: AttentionShape,
  read?: Value,
): Value {
  const { layerNormEpsilon: epsilon, hiddenDropout, attentionDropout } = config;
  const attended = scope.dropout(
    selfAttention(scope, `${name}.attention`, x, bias, shape, attentionDropout, read),
    hiddenDropout,
  );
  const residual = read ? ops.gatherRows(x, read) : x;
  const between = addLayerNorm(scope, `${name}.attention.norm`, attended, residual, epsilon);
  const up = activate(config.activation, linear(scope, `${name}.feedForward.up`, between));
  const down = scope.dropout(linear(scope, `${name}.feedForward.down`, up), hiddenDropout);
  return addLayerNorm(scope, `${name}.feedForward.norm`, down, between, epsilon);
}
