import type { BertLikeConfig } from '../bertLike.ts';

/** The shape of a RoBERTa encoder and what its heads need (Liu et al. 2019). */
export type RobertaConfig = BertLikeConfig;

/**
 * The row of the position table for the first token of a text: positions are counted from behind the padding token's id,
 * so `max_position_embeddings` of 514 is room for 512 tokens.
 */
export function firstPosition({ padTokenId }: Pick<RobertaConfig, 'padTokenId'>): number {
  return padTokenId + 1;
}
