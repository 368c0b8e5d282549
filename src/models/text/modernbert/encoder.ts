import * as ops from '../../../graph/functions.ts';
import type { Value } from '../../../graph/graph.ts';
import { isFree, product } from '../../../graph/sizes.ts';
import { type AttentionShape, attend, localBias, sequenceBias } from '../../../nn/attention.ts';
import { embedding, layerNorm, linear } from '../../../nn/layers.ts';
import { type RotaryTables, rotaryTables, turned } from '../../../nn/rotary.ts';
import type { Scope } from '../../../nn/scope.ts';
import { activate } from '../activations.ts';
import type { TokenBlock } from '../block.ts';
import { isGlobal, type ModernBertConfig } from './config.ts';

/**
 * Layers that normalize before each sublayer, with rotary positions, attention to all of a text or to what is near, and
 * gated feed-forward layers; see `TextFamily.encode`.
 *
 * @returns hidden states [N, hiddenSize], or those of all tokens, [rows · width, hiddenSize]
 */
export function encode(scope: Scope, config: ModernBertConfig, block: TokenBlock, read?: Value): Value {
  const { rows, width } = block;
  const flat = (value: Value) => ops.reshape(value, [product(rows, width)]);
  const heads = config.attentionHeads;
  const shape: AttentionShape = { rows, width, heads, headSize: config.hiddenSize / heads };
  const kinds = attentionKinds(scope, config, block, shape);
  const places = flat(block.positions);
  const words = embedding(scope, 'embeddings.word', flat(block.ids));
  let hidden = scope.dropout(layerNorm(scope, 'embeddings.norm', words, config.normEpsilon), config.embeddingDropout);
  for (let number = 0; number < config.layers; number++) {
    const below = hidden;
    const kind = { ...kinds[isGlobal(config, number) ? 'global' : 'local'], places, shape };
    const wanted = number === config.layers - 1 ? read : undefined;
    hidden = scope.graph.inSegment(() => layer(scope, config, number, below, kind, wanted));
  }
  return layerNorm(scope, 'finalNorm', hidden, config.normEpsilon);
}

/** How tokens of a layer attend. */
interface AttentionKind {
  /** [rows, 1, width, width], added to the scores. */
  readonly bias: Value;
  readonly tables: RotaryTables;
  /** Places of the tokens in their texts, int32 [rows · width]. */
  readonly places: Value;
  readonly shape: AttentionShape;
}

function attentionKinds(
  { graph }: Scope,
  config: ModernBertConfig,
  { width, positions, sequenceIds }: TokenBlock,
  shape: AttentionShape,
) {
  const places = isFree(width) ? config.maxPositions : width;
  const tables = (theta: number) => rotaryTables(graph, theta, shape.headSize, places);
  const bias = sequenceBias(sequenceIds, shape);
  const reach = Math.floor(config.localAttention / 2);
  return {
    global: { bias, tables: tables(config.globalTheta) },
    local: { bias: localBias(bias, positions, reach, shape), tables: tables(config.localTheta) },
  };
}

function layer(
  scope: Scope,
  config: ModernBertConfig,
  number: number,
  x: Value,
  kind: AttentionKind,
  read?: Value,
): Value {
  const { normEpsilon, attentionDropout } = config;
  const name = `encoder.${number}`;
  // The embeddings are normalized already.
  const normal = number === 0 ? x : layerNorm(scope, `${name}.attention.norm`, x, normEpsilon);
  const attended = selfAttention(scope, config, `${name}.attention`, normal, kind, read);
  const between = ops.add(read ? ops.gatherRows(x, read) : x, scope.dropout(attended, attentionDropout));
  const normalBetween = layerNorm(scope, `${name}.feedForward.norm`, between, normEpsilon);
  return ops.add(between, feedForward(scope, config, `${name}.feedForward`, normalBetween));
}

/** x [rows · width, hiddenSize] -> [N or rows · width, hiddenSize]. */
function selfAttention(
  scope: Scope,
  { hiddenSize, attentionDropout }: ModernBertConfig,
  name: string,
  x: Value,
  { bias, tables, places, shape }: AttentionKind,
  read?: Value,
): Value {
  const projected = linear(scope, `${name}.queryKeyValue`, x); // [B·S, 3·H·D]
  const part = (i: number) => ops.slice(projected, { axis: 1, start: i * hiddenSize, size: hiddenSize });
  const [query, key] = [turned(part(0), places, tables), turned(part(1), places, tables)];
  const context = attend(scope, [query, key, part(2)], bias, shape, attentionDropout);
  return linear(scope, `${name}.output`, read ? ops.gatherRows(context, read) : context);
}

/** Half of what goes up, activated, gates the other half (Shazeer 2020): [N, hiddenSize] -> [N, hiddenSize]. */
function feedForward(scope: Scope, config: ModernBertConfig, name: string, x: Value): Value {
  const { intermediateSize: size, activation, hiddenDropout } = config;
  const up = linear(scope, `${name}.up`, x); // [N, 2·intermediate]
  const part = (start: number) => ops.slice(up, { axis: 1, start, size });
  const gated = ops.multiply(activate(activation, part(0)), part(size));
  return linear(scope, `${name}.down`, scope.dropout(gated, hiddenDropout));
}
