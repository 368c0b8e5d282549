import type { BertLikeConfig } from '../bertLike.ts';

/** The shape of a BERT encoder and what its heads need (Devlin et al. 2019). */
export type BertConfig = BertLikeConfig;
