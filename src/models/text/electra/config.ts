import type { BertLikeConfig } from '../bertLike.ts';

/** The shape of an ELECTRA encoder and what its heads need (Clark et al. 2020). */
export interface ElectraConfig extends BertLikeConfig {
  /** Width of the embeddings, which a product brings to the hidden size where that is another. */
  readonly embeddingSize: number;
}
