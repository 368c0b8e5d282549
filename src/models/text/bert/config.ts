import type { PostNormConfig } from '../postNorm.ts';

/** The shape of a BERT encoder and what its heads need (Devlin et al. 2019). */
export interface BertConfig extends PostNormConfig {
  readonly tokenTypes: number;
  /** Whether the MLM decoder is the word embedding table. */
  readonly tiedDecoder: boolean;
}
