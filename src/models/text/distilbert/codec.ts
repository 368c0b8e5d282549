import { z } from 'zod';
import { activationOf } from '../activations.ts';
import type { HubConfig } from '../config.ts';
import type { ConfigCodec } from '../family.ts';
import { parsedKeys } from '../hubKeys.ts';
import { checkEncoderKeys, encoderKeys, positive, probability } from '../hubSchema.ts';
import type { DistilBertConfig } from './config.ts';

/** `config.json` of a DistilBERT, as transformers writes it. */
export const distilBertCodec: ConfigCodec<DistilBertConfig> = {
  shapeKeys: ['dim', 'n_layers', 'n_heads', 'hidden_dim', 'vocab_size'],
  read: distilBertConfig,
  write: (config) => ({
    vocab_size: config.vocabularySize,
    dim: config.hiddenSize,
    n_layers: config.layers,
    n_heads: config.attentionHeads,
    hidden_dim: config.intermediateSize,
    activation: config.activation,
    max_position_embeddings: config.maxPositions,
    sinusoidal_pos_embds: config.sinePositions,
    dropout: config.hiddenDropout,
    attention_dropout: config.attentionDropout,
    seq_classif_dropout: config.classifierDropout,
    initializer_range: config.initializerRange,
    tie_word_embeddings: config.tiedDecoder,
    pad_token_id: config.padTokenId,
  }),
  withDropout: (config, dropout) => ({
    ...config,
    hiddenDropout: dropout,
    attentionDropout: dropout,
    classifierDropout: dropout,
  }),
};

function distilBertConfig(raw: HubConfig, where: string): DistilBertConfig {
  const hub = parsedKeys(schema, raw, where);
  checkEncoderKeys(hub, ['dim', 'n_heads'], where);
  return {
    vocabularySize: hub.vocab_size,
    hiddenSize: hub.dim,
    layers: hub.n_layers,
    attentionHeads: hub.n_heads,
    intermediateSize: hub.hidden_dim,
    activation: activationOf(hub.activation, where, 'activation'),
    maxPositions: hub.max_position_embeddings,
    layerNormEpsilon: 1e-12,
    hiddenDropout: hub.dropout,
    attendedDropout: 0,
    attentionDropout: hub.attention_dropout,
    classifierDropout: hub.seq_classif_dropout,
    initializerRange: hub.initializer_range,
    tiedDecoder: hub.tie_word_embeddings,
    sinePositions: hub.sinusoidal_pos_embds,
    padTokenId: hub.pad_token_id ?? 0,
  };
}

const schema = z.object({
  ...encoderKeys,
  dim: positive.default(768),
  n_layers: positive.default(6),
  n_heads: positive.default(12),
  hidden_dim: positive.default(3072),
  activation: z.string().default('gelu'),
  dropout: probability.default(0.1),
  attention_dropout: probability.default(0.1),
  seq_classif_dropout: probability.default(0.2),
  sinusoidal_pos_embds: z.boolean().default(false),
});
