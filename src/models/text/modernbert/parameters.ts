import { embeddingSpec, type Initializer, type ParameterSpec } from '../../../nn/parameters.ts';
import type { ModernBertConfig } from './config.ts';

/** Embeddings, layers and the normalization behind them. */
export function encoderParameters(config: ModernBertConfig): ParameterSpec[] {
  const { vocabularySize, hiddenSize } = config;
  return [
    embeddingSpec('embeddings.word', vocabularySize, hiddenSize),
    ...normSpecs('embeddings.norm', config),
    ...Array.from({ length: config.layers }, (_, number) => layerParameters(config, number)).flat(),
    ...normSpecs('finalNorm', config),
  ];
}

/** What both heads begin with. */
export function poolerParameters(config: ModernBertConfig): ParameterSpec[] {
  const { hiddenSize, headBias } = config;
  return [
    ...productSpecs('head.dense', hiddenSize, hiddenSize, headBias, inner(config)),
    ...normSpecs('head.norm', config),
  ];
}

/** What the MLM head has beside the words and the head's begin: nothing, if there is neither a bias nor a table. */
export function mlmHeadParameters(config: ModernBertConfig): ParameterSpec[] {
  const { hiddenSize, vocabularySize, decoderBias, tiedDecoder } = config;
  const specs = productSpecs('mlmHead.decoder', hiddenSize, vocabularySize, decoderBias, inner(config));
  return specs.slice(tiedDecoder ? 1 : 0);
}

export function classifierParameters(config: ModernBertConfig): ParameterSpec[] {
  return lastSpecs('classifier', config);
}

export function tokenClassifierParameters(config: ModernBertConfig): ParameterSpec[] {
  return lastSpecs('tokenClassifier', config);
}

function lastSpecs(name: string, { hiddenSize, labels }: ModernBertConfig): ParameterSpec[] {
  const specs = productSpecs(name, hiddenSize, labels?.length ?? 2, true, { deviation: hiddenSize ** -0.5 });
  return specs.map((spec) => ({ ...spec, isNeverQuantized: true }));
}

function layerParameters(config: ModernBertConfig, number: number): ParameterSpec[] {
  const { hiddenSize, intermediateSize, attentionBias, feedForwardBias } = config;
  const name = `encoder.${number}`;
  const output = inner(config);
  return [
    ...(number === 0 ? [] : normSpecs(`${name}.attention.norm`, config)),
    ...productSpecs(`${name}.attention.queryKeyValue`, hiddenSize, 3 * hiddenSize, attentionBias),
    ...productSpecs(`${name}.attention.output`, hiddenSize, hiddenSize, attentionBias, output),
    ...normSpecs(`${name}.feedForward.norm`, config),
    ...productSpecs(`${name}.feedForward.up`, hiddenSize, 2 * intermediateSize, feedForwardBias),
    ...productSpecs(`${name}.feedForward.down`, intermediateSize, hiddenSize, feedForwardBias, output),
  ];
}

/** The start of products whose results are added up over the layers. */
function inner({ initializerRange, layers }: ModernBertConfig): Initializer {
  return { deviation: initializerRange / Math.sqrt(2 * layers) };
}

function productSpecs(
  name: string,
  inputs: number,
  outputs: number,
  hasBias: boolean,
  initializer: Initializer = 'normal',
): ParameterSpec[] {
  const weight: ParameterSpec = { name: `${name}.weight`, shape: [outputs, inputs], initializer, decay: true };
  return hasBias ? [weight, { name: `${name}.bias`, shape: [outputs], initializer: 'zeros', decay: false }] : [weight];
}

function normSpecs(name: string, { hiddenSize, normBias }: ModernBertConfig): ParameterSpec[] {
  const weight: ParameterSpec = { name: `${name}.weight`, shape: [hiddenSize], initializer: 'ones', decay: false };
  return normBias
    ? [weight, { name: `${name}.bias`, shape: [hiddenSize], initializer: 'zeros', decay: false }]
    : [weight];
}
