import { z } from 'zod';
import { BertuneError } from '../../../core/errors.ts';
import { bertLikeKeys, bertLikeShapeKeys, readBertLike, withOneDropout, writeBertLike } from '../bertLike.ts';
import type { HubConfig } from '../config.ts';
import type { ConfigCodec } from '../family.ts';
import { parsedKeys } from '../hubKeys.ts';
import { positive } from '../hubSchema.ts';
import { firstPosition, type RobertaConfig } from './config.ts';

/**
 * `config.json` of a RoBERTa, as transformers writes it.
 *
 * @param vocabularySize the default of transformers
 */
export function robertaCodec(vocabularySize: number): ConfigCodec<RobertaConfig> {
  const schema = z.object({
    ...bertLikeKeys,
    vocab_size: positive.default(vocabularySize),
    // Positions are counted from it, so there has to be one.
    pad_token_id: z.int().nonnegative().default(1),
  });
  return {
    shapeKeys: bertLikeShapeKeys,
    read: (raw, where) => withoutPadding(readBertLike(parsedKeys(schema, raw, where), where), where),
    write: (config): HubConfig => {
      const max_position_embeddings = config.maxPositions + firstPosition(config);
      return { ...writeBertLike(config), max_position_embeddings };
    },
    withDropout: withOneDropout,
  };
}

/** With the tokens that there is room for in place of the rows of the position table. */
function withoutPadding(config: RobertaConfig, where: string): RobertaConfig {
  const maxPositions = config.maxPositions - firstPosition(config);
  if (maxPositions > 0) return { ...config, maxPositions };
  throw new BertuneError(
    `${where}: max_position_embeddings is ${config.maxPositions}, which leaves no place behind pad_token_id ${config.padTokenId}`,
  );
}
