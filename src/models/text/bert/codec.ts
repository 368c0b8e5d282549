import { z } from 'zod';
import { BertuneError } from '../../../core/errors.ts';
import { activationOf } from '../activations.ts';
import type { HubConfig } from '../config.ts';
import type { ConfigCodec } from '../family.ts';
import { parsedKeys } from '../hubKeys.ts';
import type { BertConfig } from './config.ts';

/** `config.json` of a BERT, as transformers writes it. */
export const bertCodec: ConfigCodec<BertConfig> = {
  shapeKeys: ['hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size', 'vocab_size'],
  // BERT's own first configurations name no type; those of other models then name their classes.
  claims: ({ architectures }) =>
    (Array.isArray(architectures) ? architectures : []).every((name) => String(name).startsWith('Bert')),
  read: bertConfig,
  write: (config) => ({
    vocab_size: config.vocabularySize,
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.attentionHeads,
    intermediate_size: config.intermediateSize,
    hidden_act: config.activation,
    max_position_embeddings: config.maxPositions,
    type_vocab_size: config.tokenTypes,
    layer_norm_eps: config.layerNormEpsilon,
    hidden_dropout_prob: config.hiddenDropout,
    attention_probs_dropout_prob: config.attentionDropout,
    classifier_dropout: config.classifierDropout ?? null,
    initializer_range: config.initializerRange,
    tie_word_embeddings: config.tiedDecoder,
    pad_token_id: config.padTokenId,
  }),
  withDropout: (config, dropout) => ({
    ...config,
    hiddenDropout: dropout,
    attentionDropout: dropout,
    classifierDropout: undefined,
  }),
};

function bertConfig(raw: HubConfig, where: string): BertConfig {
  const hub = parsedKeys(schema, raw, where);
  checkSupported(hub, where);
  return {
    vocabularySize: hub.vocab_size,
    hiddenSize: hub.hidden_size,
    layers: hub.num_hidden_layers,
    attentionHeads: hub.num_attention_heads,
    intermediateSize: hub.intermediate_size,
    activation: activationOf(hub.hidden_act, where),
    maxPositions: hub.max_position_embeddings,
    tokenTypes: hub.type_vocab_size,
    layerNormEpsilon: hub.layer_norm_eps,
    hiddenDropout: hub.hidden_dropout_prob,
    attentionDropout: hub.attention_probs_dropout_prob,
    classifierDropout: hub.classifier_dropout ?? undefined,
    initializerRange: hub.initializer_range,
    tiedDecoder: hub.tie_word_embeddings,
    padTokenId: hub.pad_token_id ?? 0,
  };
}

const positive = z.int().positive();
const probability = z.number().min(0).lt(1);

const schema = z.object({
  vocab_size: positive.default(30522),
  hidden_size: positive.default(768),
  num_hidden_layers: positive.default(12),
  num_attention_heads: positive.default(12),
  intermediate_size: positive.default(3072),
  hidden_act: z.string().default('gelu'),
  hidden_dropout_prob: probability.default(0.1),
  attention_probs_dropout_prob: probability.default(0.1),
  classifier_dropout: probability.nullish(),
  max_position_embeddings: positive.default(512),
  type_vocab_size: positive.default(2),
  initializer_range: z.number().nonnegative().default(0.02),
  layer_norm_eps: z.number().positive().default(1e-12),
  pad_token_id: z.int().nullish(),
  tie_word_embeddings: z.boolean().default(true),
  position_embedding_type: z.string().nullish(),
  is_decoder: z.boolean().nullish(),
  add_cross_attention: z.boolean().nullish(),
  pruned_heads: z.record(z.string(), z.array(z.int())).nullish(),
  quantization_config: z.unknown().optional(),
});

function checkSupported(hub: z.infer<typeof schema>, where: string): void {
  const refuse = (reason: string): never => {
    throw new BertuneError(`${where}: ${reason}`);
  };
  if (hub.hidden_size % hub.num_attention_heads !== 0) {
    refuse(`hidden_size ${hub.hidden_size} is not divisible by num_attention_heads ${hub.num_attention_heads}`);
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
