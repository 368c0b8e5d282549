/** Activation between the two feed-forward products (and in the MLM head). */
export type Activation = 'gelu' | 'gelu_new' | 'relu';

/** The shape of a BERT encoder and what its heads need (Devlin et al. 2019). */
export interface BertConfig {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly attentionHeads: number;
  readonly intermediateSize: number;
  readonly activation: Activation;
  readonly maxPositions: number;
  readonly tokenTypes: number;
  readonly layerNormEpsilon: number;
  /** Dropout of embeddings and of each sublayer's output, in training. */
  readonly hiddenDropout: number;
  /** Dropout of attention probabilities, in training. */
  readonly attentionDropout: number;
  /** Dropout before the classification head; the hidden dropout when absent. */
  readonly classifierDropout?: number;
  /** Deviation of the normal draws of a random start. */
  readonly initializerRange: number;
  /** Whether the MLM decoder is the word embedding table. */
  readonly tiedDecoder: boolean;
  readonly padTokenId: number;
  /** Class names of a classification head, in the order of its outputs. */
  readonly labels?: readonly string[];
}
