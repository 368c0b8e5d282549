import {
  embeddingSpec,
  lastLinearSpecs,
  layerNormSpecs,
  linearSpecs,
  type ParameterSpec,
} from '../../../nn/parameters.ts';
import { postNormParameters } from '../postNorm.ts';
import type { BertConfig } from './config.ts';

/** Embeddings and layers. */
export function encoderParameters(config: BertConfig): ParameterSpec[] {
  return [
    embeddingSpec('embeddings.word', config.vocabularySize, config.hiddenSize),
    embeddingSpec('embeddings.position', config.maxPositions, config.hiddenSize),
    embeddingSpec('embeddings.tokenType', config.tokenTypes, config.hiddenSize),
    ...layerNormSpecs('embeddings.norm', config.hiddenSize),
    ...postNormParameters(config),
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
  return lastLinearSpecs('classifier', hiddenSize, labels?.length ?? 2);
}

export function tokenClassifierParameters({ hiddenSize, labels }: BertConfig): ParameterSpec[] {
  return lastLinearSpecs('tokenClassifier', hiddenSize, labels?.length ?? 2);
}
