import * as ops from '../../graph/functions.ts';
import type { Value } from '../../graph/graph.ts';
import { layerNorm, linear } from '../../nn/layers.ts';
import { layerNormSpecs, linearSpecs, type ParameterSpec } from '../../nn/parameters.ts';
import type { Scope } from '../../nn/scope.ts';
import { type Activation, activate } from './activations.ts';
import type { StoredWeights } from './family.ts';
import { sameBytes } from './moduleNames.ts';
import type { PostNormConfig } from './postNorm.ts';

/** What families say of an MLM head such as BERT's: a product, an activation, a normalization and the decoder. */
export interface MlmHeadConfig extends PostNormConfig {
  /** Whether the decoder is the word embedding table. */
  readonly tiedDecoder: boolean;
}

/**
 * Vocabulary logits of hidden states: [N, hiddenSize] -> [N, vocabularySize].
 *
 * @param activation that of the encoder's layers when absent
 */
export function mlmHeadLogits(
  scope: Scope,
  config: MlmHeadConfig,
  hidden: Value,
  activation: Activation = config.activation,
): Value {
  const transformed = activate(activation, linear(scope, 'mlmHead.transform', hidden));
  const normalized = layerNorm(scope, 'mlmHead.norm', transformed, config.layerNormEpsilon);
  const decoder = scope.parameter(config.tiedDecoder ? 'embeddings.word.weight' : 'mlmHead.decoder.weight');
  return ops.linear(normalized, decoder, scope.parameter('mlmHead.decoder.bias'));
}

/** @param size numbers that the decoder reads: the width of the word embeddings; the hidden size when absent */
export function mlmHeadParameters(config: MlmHeadConfig, size = config.hiddenSize): ParameterSpec[] {
  return [
    ...linearSpecs('mlmHead.transform', config.hiddenSize, size),
    ...layerNormSpecs('mlmHead.norm', size),
    ...linearSpecs('mlmHead.decoder', size, config.vocabularySize).slice(config.tiedDecoder ? 1 : 0),
  ];
}

/**
 * The `asStored` of a family's names. Checkpoints converted from older files hold the tied decoder as a copy. Where it is
 * no copy, the configuration is wrong and the decoder is taken as it is stored, as transformers does.
 *
 * @param decoder the decoder's weight in files
 * @param words names of the word embeddings in files
 */
export async function decoderAsStored<C extends { readonly tiedDecoder: boolean }>(
  config: C,
  parts: readonly string[],
  weights: StoredWeights,
  { decoder, words }: { readonly decoder: string; readonly words: readonly string[] },
): Promise<{ config: C; note: string } | null> {
  if (!config.tiedDecoder || !weights.has(decoder) || !parts.includes('mlmHead')) return null;
  const table = words.find((name) => weights.has(name));
  if (table === undefined || sameBytes(await weights.read(table), await weights.read(decoder))) return null;
  return {
    config: { ...config, tiedDecoder: false },
    note: `${weights.folder} has an MLM decoder of its own, though its config.json calls it tied: kept apart`,
  };
}
