import { z } from 'zod';
import { bertLikeKeys, bertLikeShapeKeys, readBertLike, withOneDropout, writeBertLike } from '../bertLike.ts';
import type { ConfigCodec } from '../family.ts';
import { parsedKeys } from '../hubKeys.ts';
import type { BertConfig } from './config.ts';

const schema = z.object(bertLikeKeys);

/** `config.json` of a BERT, as transformers writes it. */
export const bertCodec: ConfigCodec<BertConfig> = {
  shapeKeys: bertLikeShapeKeys,
  // BERT's own first configurations name no type; those of other models then name their classes.
  claims: ({ architectures }) =>
    (Array.isArray(architectures) ? architectures : []).every((name) => String(name).startsWith('Bert')),
  read: (raw, where) => readBertLike(parsedKeys(schema, raw, where), where),
  write: writeBertLike,
  withDropout: withOneDropout,
};
