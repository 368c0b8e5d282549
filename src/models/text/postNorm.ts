import * as ops from '../../graph/functions.ts';
import type { Value } from '../../graph/graph.ts';
import { product } from '../../graph/sizes.ts';
import { type AttentionShape, selfAttention, sequenceBias } from '../../nn/attention.ts';
import { addLayerNorm, embedding, linear } from '../../nn/layers.ts';
import { layerNormSpecs, linearSpecs, type ParameterSpec } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import { type Activation, activate } from './activations.ts';
import type { TokenBlock } from './block.ts';
import type { TextConfig } from './config.ts';

/** What families say of layers that normalize after each sublayer (Vaswani et al. 2017), as BERT's do. */
export interface PostNormConfig extends TextConfig {
  readonly activation: Activation;
  readonly layerNormEpsilon: number;
  /** Dropout of what attention makes, before the residual; the hidden dropout when absent. */
  readonly attendedDropout?: number;
}

/** How a family's tables differ from BERT's. */
export interface EmbeddingTables {
  /** Whether there is one for token types. */
  readonly types?: boolean;
  /** Its row for the first token of a text. */
  readonly firstPosition?: number;
}

/** Words, types and positions, `embeddings.word` and so on, added and normalized [rows · width, width of the tables]. */
export function postNormEmbeddings(
  scope: Scope,
  { layerNormEpsilon, hiddenDropout }: Pick<PostNormConfig, 'layerNormEpsilon' | 'hiddenDropout'>,
  { rows, width, ids, positions, tokenTypes }: TokenBlock,
  { types = true, firstPosition = 0 }: EmbeddingTables = {},
): Value {
  const flat = (value: Value) => ops.reshape(value, [product(rows, width)]);
  const integer = (value: number, shape: readonly number[]) =>
    scope.graph.constant({ dtype: 'int32', shape, data: Int32Array.of(value) });
  const words = embedding(scope, 'embeddings.word', flat(ids));
  const typeIds = tokenTypes ? flat(tokenTypes) : integer(0, [1]);
  const typed = types ? ops.add(words, embedding(scope, 'embeddings.tokenType', typeIds)) : words;
  const places = firstPosition === 0 ? flat(positions) : ops.add(flat(positions), integer(firstPosition, []));
  const placed = embedding(scope, 'embeddings.position', places);
  return scope.dropout(addLayerNorm(scope, 'embeddings.norm', typed, placed, layerNormEpsilon), hiddenDropout);
}

/**
 * All layers, named `encoder.0` and so on, over blocks that may hold several sequences a row. Of the last layer no more
 * is computed than what is read of it.
 *
 * @param embedded [rows · width, hiddenSize]
 * @param read the tokens, counted over all rows, int32 [N], whose hidden states are wanted; all when absent
 * @returns hidden states [N, hiddenSize], or those of all tokens, [rows · width, hiddenSize]
 */
export function postNormLayers(
  scope: Scope,
  config: PostNormConfig,
  { rows, width, sequenceIds }: TokenBlock,
  embedded: Value,
  read?: Value,
): Value {
  const heads = config.attentionHeads;
  const shape: AttentionShape = { rows, width, heads, headSize: config.hiddenSize / heads };
  const bias = sequenceBias(sequenceIds, shape);
  let hidden = embedded;
  for (let number = 0; number < config.layers; number++) {
    const below = hidden;
    const wanted = number === config.layers - 1 ? read : undefined;
    hidden = scope.graph.inSegment(() => layer(scope, config, `encoder.${number}`, below, bias, shape, wanted));
  }
  return hidden;
}

/** Parameters of all layers, in the order of the forward pass. */
export function postNormParameters(config: PostNormConfig): ParameterSpec[] {
  return Array.from({ length: config.layers }, (_, number) => layerParameters(config, `encoder.${number}`)).flat();
}

/** The layer that a parameter is of, or 'embeddings' for names that begin so; see `TextFamily.layerOf`. */
export function postNormLayerOf(name: string): number | 'embeddings' {
  return name.startsWith('embeddings.') ? 'embeddings' : Number(/^encoder\.(\d+)\./.exec(name)?.[1]);
}

function layer(
  scope: Scope,
  config: PostNormConfig,
  name: string,
  x: Value,
  bias: Value,
  shape: AttentionShape,
  read?: Value,
): Value {
  const { layerNormEpsilon: epsilon, hiddenDropout, attentionDropout, attendedDropout = hiddenDropout } = config;
  const attended = scope.dropout(
    selfAttention(scope, `${name}.attention`, x, bias, shape, attentionDropout, read),
    attendedDropout,
  );
  const residual = read ? ops.gatherRows(x, read) : x;
  const between = addLayerNorm(scope, `${name}.attention.norm`, attended, residual, epsilon);
  const up = activate(config.activation, linear(scope, `${name}.feedForward.up`, between));
  const down = scope.dropout(linear(scope, `${name}.feedForward.down`, up), hiddenDropout);
  return addLayerNorm(scope, `${name}.feedForward.norm`, down, between, epsilon);
}

function layerParameters({ hiddenSize, intermediateSize }: PostNormConfig, name: string): ParameterSpec[] {
  return [
    ...linearSpecs(`${name}.attention.query`, hiddenSize, hiddenSize),
    ...linearSpecs(`${name}.attention.key`, hiddenSize, hiddenSize),
    ...linearSpecs(`${name}.attention.value`, hiddenSize, hiddenSize),
    ...linearSpecs(`${name}.attention.output`, hiddenSize, hiddenSize),
    ...layerNormSpecs(`${name}.attention.norm`, hiddenSize),
    ...linearSpecs(`${name}.feedForward.up`, hiddenSize, intermediateSize),
    ...linearSpecs(`${name}.feedForward.down`, intermediateSize, hiddenSize),
    ...layerNormSpecs(`${name}.feedForward.norm`, hiddenSize),
  ];
}
