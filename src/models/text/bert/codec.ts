import { z } from 'zod';
import { activationOf } from '../activations.ts';
import type { HubConfig } from '../config.ts';
import type { ConfigCodec } from '../family.ts';
import { parsedKeys } from '../hubKeys.ts';
import { bertLayerKeys, checkEncoderKeys, encoderKeys } from '../hubSchema.ts';
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
  checkEncoderKeys(hub, ['hidden_size', 'num_attention_heads'], where);
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

const schema = z.object({ ...encoderKeys, ...bertLayerKeys });
