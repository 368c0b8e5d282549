import { embeddingSpec, layerNormSpecs, linearSpecs, type ParameterSpec } from '../../../nn/parameters.ts';
import type { BertConfig } from './config.ts';

/** Embeddings and layers. */
export function encoderParameters(config: BertConfig): ParameterSpec[] {
  return [
    embeddingSpec('embeddings.word', config.vocabularySize, config.hiddenSize),
    embeddingSpec('embeddings.position', config.maxPositions, config.hiddenSize),
    embeddingSpec('embeddings.tokenType', config.tokenTypes, config.hiddenSize),
    ...layerNormSpecs('embeddings.norm', config.hiddenSize),
    ...Array.from({ length: config.layers }, (_, layer) => layerParameters(config, `encoder.${layer}`)).flat(),
  ];
}

export function mlmHeadParameters(config: BertConfig): ParameterSpec[] {
  return [
    ...linearSpecs('mlmHead.transform', config.hiddenSize, config.hiddenSize),
    ...layerNormSpecs('mlmHead.norm', config.hiddenSize),
    ...linearSpecs('mlmHead.decoder', config.hiddenSize, config.vocabularySize).slice(config.tiedDecoder ? 1 : 0),
  ];
}

export function poolerParameters({ hiddenSize }: BertConfig): ParameterSpec[] {
  return linearSpecs('pooler', hiddenSize, hiddenSize);
}

export function classifierParameters({ hiddenSize, labels }: BertConfig): ParameterSpec[] {
  return linearSpecs('classifier', hiddenSize, labels?.length ?? 2);
}

function layerParameters(config: BertConfig, name: string): ParameterSpec[] {
  const { hiddenSize, intermediateSize } = config;
  return [
    ...linearSpecs(`${name}.attention.query`, hiddenSize, hiddenSize),
    ...linearSpecs(`${name}.attention.key`, hiddenSize, hiddenSize),
    ...linearSpecs(`${name}.attention.value`, hiddenSize, hiddenSize),
    ...linearSpecs(`${name}.attention.output`, hiddenSize, hiddenSize),
    ...layerNormSpecs(`${name}.attention.norm`, hiddenSize),
    ...linearSpecs(`${name}.feedForward.up`, hiddenSize, intermediateSize),
    ...linearSpecs(`${name}.feedForward.down`, intermediateSize, hiddenSize),
    ...layerNormSpecs(`${name}.feedForward.norm`, hiddenSize),
  ];
}
