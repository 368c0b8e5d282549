import * as ops from '../../graph/functions.ts';
import type { Value } from '../../graph/graph.ts';
import { type AttentionShape, selfAttention, sequenceBias } from '../../nn/attention.ts';
import { addLayerNorm, linear } from '../../nn/layers.ts';
import { layerNormSpecs, linearSpecs, type ParameterSpec } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import { type Activation, activate } from './activations.ts';
import type { TokenBlock } from './block.ts';
import type { TextConfig } from './config.ts';

/** What families say of layers that normalize after each sublayer (Vaswani et al. 2017), as BERT's do. */
export interface PostNormConfig extends TextConfig {
  readonly activation: Activation;
  readonly layerNormEpsilon: number;
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

/** The layer that a parameter is of, or 'embeddings' where its name says so; see `TextFamily.layerOf`. */
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
