import type { TextConfig } from '../config.ts';

/** Activation between the two feed-forward products (and in the MLM head). */
export type Activation = 'gelu' | 'gelu_new' | 'relu';

/** The shape of a BERT encoder and what its heads need (Devlin et al. 2019). */
export interface BertConfig extends TextConfig {
  readonly activation: Activation;
  readonly tokenTypes: number;
  readonly layerNormEpsilon: number;
  /** Whether the MLM decoder is the word embedding table. */
  readonly tiedDecoder: boolean;
}
