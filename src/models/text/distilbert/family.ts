import * as ops from '../../../graph/functions.ts';
import { embeddingSpec, layerNormSpecs, type ParameterSpec } from '../../../nn/parameters.ts';
import { denseClassifierLogits, denseClassifierParameters } from '../denseClassifier.ts';
import type { TextFamily } from '../family.ts';
import { mlmHeadLogits, mlmHeadParameters } from '../mlmHead.ts';
import { postNormEmbeddings, postNormLayerOf, postNormLayers, postNormParameters } from '../postNorm.ts';
import { tokenClassifierLogits, tokenClassifierParameters } from '../tokenClassifier.ts';
import { distilBertCodec } from './codec.ts';
import type { DistilBertConfig } from './config.ts';
import { distilBertNames } from './names.ts';

/** DistilBERT (Sanh et al. 2019) as transformers defines it: BERT's layers, without token types and without a pooler. */
export const distilbert: TextFamily<DistilBertConfig> = {
  type: 'distilbert',
  title: 'DistilBERT',
  config: distilBertCodec,
  names: distilBertNames,
  parts: {
    encoder: { title: 'encoder', parameters: encoderParameters },
    mlmHead: { title: 'MLM head', parameters: (config) => mlmHeadParameters(config) },
    pooler: null,
    classifier: { title: 'classifier', parameters: denseClassifierParameters },
    tokenClassifier: { title: 'token classifier', parameters: tokenClassifierParameters },
  },
  heads: {
    maskedLm: { hubClass: 'DistilBertForMaskedLM', parts: ['mlmHead'], outputs: mlmHeadLogits },
    oneLabel: {
      hubClass: 'DistilBertForSequenceClassification',
      parts: ['classifier'],
      outputs: (scope, config, first) => denseClassifierLogits(scope, config, first, ops.relu),
    },
    tokenLabels: {
      hubClass: 'DistilBertForTokenClassification',
      parts: ['tokenClassifier'],
      outputs: (scope, config, hidden) => tokenClassifierLogits(scope, config, hidden, config.hiddenDropout),
    },
    pooled: { hubClass: 'DistilBertModel', parts: [], outputs: (_scope, _config, hidden) => hidden },
  },
  pipelineInputs: ['input_ids', 'attention_mask'],
  encode(scope, config, block, read) {
    const embedded = postNormEmbeddings(scope, config, block, { types: false });
    return postNormLayers(scope, config, block, embedded, read);
  },
  layerOf: postNormLayerOf,
};

function encoderParameters(config: DistilBertConfig): ParameterSpec[] {
  const positions = embeddingSpec('embeddings.position', config.maxPositions, config.hiddenSize);
  return [
    embeddingSpec('embeddings.word', config.vocabularySize, config.hiddenSize),
    config.sinePositions ? { ...positions, initializer: 'sines' } : positions,
    ...layerNormSpecs('embeddings.norm', config.hiddenSize),
    ...postNormParameters(config),
  ];
}
