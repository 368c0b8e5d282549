import { z } from 'zod';
import { BertuneError } from '../../../core/errors.ts';
import { activationOf } from '../activations.ts';
import type { HubConfig } from '../config.ts';
import type { ConfigCodec } from '../family.ts';
import { parsedKeys } from '../hubKeys.ts';
import { checkEncoderKeys, encoderKeys, positive, probability } from '../hubSchema.ts';
import type { LayerType, ModernBertConfig } from './config.ts';

/**
 * `config.json` of a ModernBERT, as transformers writes it. Releases before 5 say the kinds of layers and the bases of
 * positions in three numbers, later ones in `layer_types` and `rope_parameters`, and read both: the numbers are written.
 */
export const modernBertCodec: ConfigCodec<ModernBertConfig> = {
  shapeKeys: ['hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size', 'vocab_size'],
  read: modernBertConfig,
  write: (config) => ({
    ...(config.layerTypes ? { layer_types: config.layerTypes } : { global_attn_every_n_layers: config.globalEvery }),
    pad_token_id: config.padTokenId,
    vocab_size: config.vocabularySize,
    num_attention_heads: config.attentionHeads,
    hidden_size: config.hiddenSize,
    num_hidden_layers: config.layers,
    intermediate_size: config.intermediateSize,
    hidden_activation: config.activation,
    max_position_embeddings: config.maxPositions,
    local_attention: config.localAttention,
    global_rope_theta: config.globalTheta,
    local_rope_theta: config.localTheta,
    norm_eps: config.normEpsilon,
    norm_bias: config.normBias,
    attention_bias: config.attentionBias,
    mlp_bias: config.feedForwardBias,
    decoder_bias: config.decoderBias,
    classifier_bias: config.headBias,
    classifier_activation: config.headActivation,
    classifier_pooling: config.classifierReads,
    embedding_dropout: config.embeddingDropout,
    attention_dropout: config.attentionDropout,
    mlp_dropout: config.hiddenDropout,
    classifier_dropout: config.classifierDropout ?? 0,
    initializer_range: config.initializerRange,
    tie_word_embeddings: config.tiedDecoder,
  }),
  withDropout: (config, dropout) => ({
    ...config,
    hiddenDropout: dropout,
    attentionDropout: dropout,
    embeddingDropout: dropout,
    classifierDropout: dropout,
  }),
};

function modernBertConfig(raw: HubConfig, where: string): ModernBertConfig {
  const hub = parsedKeys(schema, raw, where);
  checkSupported(hub, where);
  const { full_attention: global, sliding_attention: local } = hub.rope_parameters ?? {};
  const globalTheta = global?.rope_theta ?? hub.global_rope_theta;
  return {
    vocabularySize: hub.vocab_size,
    hiddenSize: hub.hidden_size,
    layers: hub.num_hidden_layers,
    attentionHeads: hub.num_attention_heads,
    intermediateSize: hub.intermediate_size,
    activation: activationOf(hub.hidden_activation, where, 'hidden_activation'),
    maxPositions: hub.max_position_embeddings,
    normEpsilon: hub.norm_eps,
    ...layerKinds(hub),
    localAttention: hub.local_attention,
    globalTheta,
    // Releases before 5 take null for no base of their own.
    localTheta: local?.rope_theta ?? hub.local_rope_theta ?? globalTheta,
    embeddingDropout: hub.embedding_dropout,
    hiddenDropout: hub.mlp_dropout,
    attentionDropout: hub.attention_dropout,
    classifierDropout: hub.classifier_dropout,
    normBias: hub.norm_bias,
    attentionBias: hub.attention_bias,
    feedForwardBias: hub.mlp_bias,
    headBias: hub.classifier_bias,
    headActivation: activationOf(hub.classifier_activation, where, 'classifier_activation'),
    decoderBias: hub.decoder_bias,
    tiedDecoder: hub.tie_word_embeddings,
    classifierReads: hub.classifier_pooling,
    initializerRange: hub.initializer_range,
    padTokenId: hub.pad_token_id ?? 0,
  };
}

/** The kinds of the layers as one number, where it can say them. */
function layerKinds(hub: Schema): Pick<ModernBertConfig, 'globalEvery' | 'layerTypes'> {
  const { layer_types: types, global_attn_every_n_layers: every } = hub;
  if (!types) return { globalEvery: every };
  const second = types.indexOf('full_attention', 1);
  const globalEvery = second < 0 ? Math.max(types.length, every) : second;
  const isRegular = types.every((type, layer) => type === kinds[layer % globalEvery === 0 ? 0 : 1]);
  return isRegular ? { globalEvery } : { globalEvery, layerTypes: types };
}

const kinds = ['full_attention', 'sliding_attention'] as const satisfies readonly LayerType[];

const theta = z.number().positive();
const rope = z.object({ rope_theta: theta.nullish(), rope_type: z.string().nullish() }).nullish();

const schema = z.object({
  ...encoderKeys,
  vocab_size: positive.default(50368),
  hidden_size: positive.default(768),
  num_hidden_layers: positive.default(22),
  num_attention_heads: positive.default(12),
  intermediate_size: positive.default(1152),
  hidden_activation: z.string().default('gelu'),
  max_position_embeddings: positive.default(8192),
  norm_eps: z.number().positive().default(1e-5),
  norm_bias: z.boolean().default(false),
  pad_token_id: z.int().nullable().default(50283),
  attention_bias: z.boolean().default(false),
  attention_dropout: probability.default(0),
  layer_types: z.array(z.enum(kinds)).nullish(),
  global_attn_every_n_layers: positive.default(3),
  local_attention: positive.default(128),
  rope_parameters: z.object({ full_attention: rope, sliding_attention: rope }).nullish(),
  rope_scaling: z.object({ rope_type: z.string().nullish(), type: z.string().nullish() }).nullish(),
  global_rope_theta: theta.default(160_000),
  local_rope_theta: theta.nullable().default(10_000),
  embedding_dropout: probability.default(0),
  mlp_bias: z.boolean().default(false),
  mlp_dropout: probability.default(0),
  decoder_bias: z.boolean().default(true),
  classifier_pooling: z.enum(['cls', 'mean']).default('cls'),
  classifier_dropout: probability.default(0),
  classifier_bias: z.boolean().default(false),
  classifier_activation: z.string().default('gelu'),
  causal_mask: z.boolean().nullish(),
  is_causal: z.boolean().nullish(),
});

type Schema = z.infer<typeof schema>;

function checkSupported(hub: Schema, where: string): void {
  const refuse = (reason: string): never => {
    throw new BertuneError(`${where}: ${reason}`);
  };
  // Configurations call their positions absolute or none: they are rotary all the same.
  checkEncoderKeys({ ...hub, position_embedding_type: undefined }, ['hidden_size', 'num_attention_heads'], where);
  if (hub.hidden_size % (2 * hub.num_attention_heads) !== 0) {
    const sizes = `hidden_size ${hub.hidden_size} for num_attention_heads ${hub.num_attention_heads}`;
    refuse(`${sizes} makes no heads of an even size, which rotary positions need`);
  }
  for (const key of ['causal_mask', 'is_causal'] as const) {
    if (hub[key]) refuse(`${key} is true, and only encoders can be used`);
  }
  const { full_attention: global, sliding_attention: local } = hub.rope_parameters ?? {};
  const scaled = hub.rope_scaling?.rope_type ?? hub.rope_scaling?.type;
  for (const type of [global?.rope_type, local?.rope_type, scaled]) {
    if (type && type !== 'default') refuse(`rope_type is "${type}", and only "default" can be used`);
  }
  if (hub.layer_types && hub.layer_types.length !== hub.num_hidden_layers) {
    refuse(`layer_types are ${hub.layer_types.length}, and num_hidden_layers is ${hub.num_hidden_layers}`);
  }
}
