import { z } from 'zod';
import * as ops from '../../../graph/functions.ts';
import { linear } from '../../../nn/layers.ts';
import {
  bertLikeKeys,
  bertLikeParameters,
  bertLikeShapeKeys,
  readBertLike,
  withOneDropout,
  writeBertLike,
} from '../bertLike.ts';
import { denseClassifierLogits, denseClassifierParameters } from '../denseClassifier.ts';
import type { TextFamily } from '../family.ts';
import { parsedKeys } from '../hubKeys.ts';
import { positive } from '../hubSchema.ts';
import { mlmHeadLogits, mlmHeadParameters } from '../mlmHead.ts';
import { postNormEmbeddings, postNormLayerOf, postNormLayers } from '../postNorm.ts';
import { tokenClassifierLogits, tokenClassifierParameters } from '../tokenClassifier.ts';
import type { ElectraConfig } from './config.ts';
import { electraNames } from './names.ts';

const schema = z.object({
  ...bertLikeKeys,
  embedding_size: positive.default(128),
  hidden_size: positive.default(256),
  num_attention_heads: positive.default(4),
  intermediate_size: positive.default(1024),
});

/**
 * ELECTRA (Clark et al. 2020) as transformers defines it: BERT's layers under embeddings of their own width. Generators
 * have an MLM head; discriminators, which most published models are, have none.
 */
export const electra: TextFamily<ElectraConfig> = {
  type: 'electra',
  title: 'ELECTRA',
  config: {
    shapeKeys: ['embedding_size', ...bertLikeShapeKeys],
    read(raw, where) {
      const hub = parsedKeys(schema, raw, where);
      return { ...readBertLike(hub, where), embeddingSize: hub.embedding_size };
    },
    write: (config) => ({ ...writeBertLike(config), embedding_size: config.embeddingSize }),
    withDropout: withOneDropout,
  },
  names: electraNames,
  parts: {
    encoder: {
      title: 'encoder',
      parameters: (config) => bertLikeParameters(config, { width: config.embeddingSize }),
    },
    mlmHead: { title: 'MLM head', parameters: (config) => mlmHeadParameters(config, config.embeddingSize) },
    pooler: null,
    classifier: { title: 'classifier', parameters: denseClassifierParameters },
    tokenClassifier: { title: 'token classifier', parameters: tokenClassifierParameters },
  },
  heads: {
    maskedLm: {
      hubClass: 'ElectraForMaskedLM',
      parts: ['mlmHead'],
      outputs: (scope, config, hidden) => mlmHeadLogits(scope, config, hidden, 'gelu'),
    },
    oneLabel: {
      hubClass: 'ElectraForSequenceClassification',
      parts: ['classifier'],
      outputs: (scope, config, first) => denseClassifierLogits(scope, config, first, ops.gelu, true),
    },
    tokenLabels: {
      hubClass: 'ElectraForTokenClassification',
      parts: ['tokenClassifier'],
      outputs: tokenClassifierLogits,
    },
    pooled: { hubClass: 'ElectraModel', parts: [], outputs: (_scope, _config, hidden) => hidden },
  },
  pipelineInputs: ['input_ids', 'attention_mask', 'token_type_ids'],
  encode(scope, config, block, read) {
    const embedded = postNormEmbeddings(scope, config, block);
    const isAsWide = config.embeddingSize === config.hiddenSize;
    const projected = isAsWide ? embedded : linear(scope, 'embeddings.project', embedded);
    return postNormLayers(scope, config, block, projected, read);
  },
  layerOf: postNormLayerOf,
};
