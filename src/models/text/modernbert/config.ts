import type { Activation } from '../activations.ts';
import type { TextConfig } from '../config.ts';

/** The shape of a ModernBERT encoder and what its heads need (Warner et al. 2024). */
export interface ModernBertConfig extends TextConfig {
  readonly activation: Activation;
  readonly normEpsilon: number;
  /** Every so many layers, the first one included, tokens attend to all of their text, elsewhere to those near them. */
  readonly globalEvery: number;
  /** The kind of each layer, where `globalEvery` cannot say it. */
  readonly layerTypes?: readonly LayerType[];
  /** Tokens of a window of local attention: half of them to each side. */
  readonly localAttention: number;
  /** Bases of the rotary positions. */
  readonly globalTheta: number;
  readonly localTheta: number;
  readonly embeddingDropout: number;
  readonly normBias: boolean;
  readonly attentionBias: boolean;
  readonly feedForwardBias: boolean;
  /** Of the layer that both heads begin with. */
  readonly headBias: boolean;
  readonly headActivation: Activation;
  readonly decoderBias: boolean;
  /** Whether the MLM decoder is the word embedding table. */
  readonly tiedDecoder: boolean;
  /** What a classifier reads of a text: its first token, or the mean of all. */
  readonly classifierReads: 'cls' | 'mean';
}

/** What tokens of a layer attend to, in the words of transformers. */
export type LayerType = 'full_attention' | 'sliding_attention';

export function isGlobal({ globalEvery, layerTypes }: ModernBertConfig, layer: number): boolean {
  return layerTypes ? layerTypes[layer] === 'full_attention' : layer % globalEvery === 0;
}
