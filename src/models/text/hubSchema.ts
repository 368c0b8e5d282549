import { z } from 'zod';
import { BertuneError } from '../../core/errors.ts';

export const positive = z.int().positive();
export const probability = z.number().min(0).lt(1);

/** Keys of `config.json` that configurations of several families share, with the defaults of transformers. */
export const encoderKeys = {
  vocab_size: positive.default(30522),
  max_position_embeddings: positive.default(512),
  initializer_range: z.number().nonnegative().default(0.02),
  tie_word_embeddings: z.boolean().default(true),
  pad_token_id: z.int().nullish(),
  position_embedding_type: z.string().nullish(),
  is_decoder: z.boolean().nullish(),
  add_cross_attention: z.boolean().nullish(),
  pruned_heads: z.record(z.string(), z.array(z.int())).nullish(),
  quantization_config: z.unknown().optional(),
} as const;

const encoderSchema = z.object(encoderKeys);

/**
 * @param sizes the keys of the hidden size and of the number of heads, which must divide it
 * @throws BertuneError for what cannot be computed
 */
export function checkEncoderKeys<K extends string>(
  hub: z.infer<typeof encoderSchema> & Readonly<Record<K, unknown>>,
  [size, heads]: readonly [size: K, heads: K],
  where: string,
): void {
  const refuse = (reason: string): never => {
    throw new BertuneError(`${where}: ${reason}`);
  };
  if (Number(hub[size]) % Number(hub[heads]) !== 0) {
    refuse(`${size} ${hub[size]} is not divisible by ${heads} ${hub[heads]}`);
  }
  const positions = hub.position_embedding_type ?? 'absolute';
  if (positions !== 'absolute') {
    refuse(`position_embedding_type is "${positions}", and only "absolute" can be used`);
  }
  if (hub.is_decoder) refuse('is_decoder is true, and only encoders can be used');
  if (hub.add_cross_attention) refuse('add_cross_attention is true, and only encoders can be used');
  if (Object.keys(hub.pruned_heads ?? {}).length > 0) refuse('models with pruned_heads cannot be used');
  if (hub.quantization_config) refuse('quantized models cannot be used; take the original weights');
  // Counted from the end when negative, as torch does.
  const pad = hub.pad_token_id ?? 0;
  if (pad >= hub.vocab_size || pad < -hub.vocab_size) {
    refuse(`pad_token_id ${hub.pad_token_id} is outside the vocabulary of ${hub.vocab_size}`);
  }
}
