import { z } from 'zod';
import { embeddingSpec, layerNormSpecs, linearSpecs, type ParameterSpec } from '../../nn/parameters.ts';
import { activationOf } from './activations.ts';
import type { HubConfig } from './config.ts';
import { checkEncoderKeys, encoderKeys, positive, probability } from './hubSchema.ts';
import type { MlmHeadConfig } from './mlmHead.ts';
import type { ModuleNames } from './moduleNames.ts';
import { postNormParameters } from './postNorm.ts';

/** The shape of a BERT encoder, and of those that descend from it with its keys, names and layers. */
export interface BertLikeConfig extends MlmHeadConfig {
  readonly tokenTypes: number;
}

/** The keys of `config.json`, with the defaults of transformers. */
export const bertLikeKeys = {
  ...encoderKeys,
  hidden_size: positive.default(768),
  num_hidden_layers: positive.default(12),
  num_attention_heads: positive.default(12),
  intermediate_size: positive.default(3072),
  hidden_act: z.string().default('gelu'),
  hidden_dropout_prob: probability.default(0.1),
  attention_probs_dropout_prob: probability.default(0.1),
  classifier_dropout: probability.nullish(),
  type_vocab_size: positive.default(2),
  layer_norm_eps: z.number().positive().default(1e-12),
} as const;

const schema = z.object(bertLikeKeys);

/** Keys without which a new model would have another shape than was meant. */
export const bertLikeShapeKeys: readonly string[] = [
  'hidden_size',
  'num_hidden_layers',
  'num_attention_heads',
  'intermediate_size',
  'vocab_size',
];

/** @throws BertuneError for what cannot be computed */
export function readBertLike(hub: z.infer<typeof schema>, where: string): BertLikeConfig {
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

export function writeBertLike(config: BertLikeConfig): HubConfig {
  return {
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
  };
}

export function withOneDropout<C extends BertLikeConfig>(config: C, dropout: number): C {
  return { ...config, hiddenDropout: dropout, attentionDropout: dropout, classifierDropout: undefined };
}

/**
 * Embeddings and layers.
 *
 * @param unusedPositions rows of the table of positions before that of a text's first token
 * @param width of the tables; where it is not the hidden size, a product makes one of the other
 */
export function bertLikeParameters(
  config: BertLikeConfig,
  { unusedPositions = 0, width = config.hiddenSize } = {},
): ParameterSpec[] {
  return [
    embeddingSpec('embeddings.word', config.vocabularySize, width),
    embeddingSpec('embeddings.position', config.maxPositions + unusedPositions, width),
    embeddingSpec('embeddings.tokenType', config.tokenTypes, width),
    ...layerNormSpecs('embeddings.norm', width),
    ...(width === config.hiddenSize ? [] : linearSpecs('embeddings.project', width, config.hiddenSize)),
    ...postNormParameters(config),
  ];
}

export function poolerParameters({ hiddenSize }: BertLikeConfig): ParameterSpec[] {
  return linearSpecs('pooler', hiddenSize, hiddenSize);
}

/** The encoder's modules as transformers calls them. @param prefix what stands before them, such as `bert.` */
export function bertLikeModules(prefix: string): ModuleNames['modules'] {
  const layer = `${prefix}encoder.layer.*`;
  return {
    'embeddings.word': `${prefix}embeddings.word_embeddings`,
    'embeddings.position': `${prefix}embeddings.position_embeddings`,
    'embeddings.tokenType': `${prefix}embeddings.token_type_embeddings`,
    'embeddings.norm': `${prefix}embeddings.LayerNorm`,
    'encoder.*.attention.query': `${layer}.attention.self.query`,
    'encoder.*.attention.key': `${layer}.attention.self.key`,
    'encoder.*.attention.value': `${layer}.attention.self.value`,
    'encoder.*.attention.output': `${layer}.attention.output.dense`,
    'encoder.*.attention.norm': `${layer}.attention.output.LayerNorm`,
    'encoder.*.feedForward.up': `${layer}.intermediate.dense`,
    'encoder.*.feedForward.down': `${layer}.output.dense`,
    'encoder.*.feedForward.norm': `${layer}.output.LayerNorm`,
  };
}
