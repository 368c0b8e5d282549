import { bertLikeParameters, poolerParameters } from '../bertLike.ts';
import type { TextFamily } from '../family.ts';
import { mlmHeadLogits, mlmHeadParameters } from '../mlmHead.ts';
import { postNormLayerOf } from '../postNorm.ts';
import { tokenClassifierLogits, tokenClassifierParameters } from '../tokenClassifier.ts';
import { bertCodec } from './codec.ts';
import type { BertConfig } from './config.ts';
import { encode } from './encoder.ts';
import { classifierLogits, classifierParameters } from './heads.ts';
import { bertNames } from './names.ts';

/** BERT (Devlin et al. 2019) as transformers defines it, post-norm and with absolute positions. */
export const bert: TextFamily<BertConfig> = {
  type: 'bert',
  title: 'BERT',
  config: bertCodec,
  names: bertNames,
  parts: {
    encoder: { title: 'encoder', parameters: (config) => bertLikeParameters(config) },
    mlmHead: { title: 'MLM head', parameters: (config) => mlmHeadParameters(config) },
    pooler: { title: 'pooler', parameters: poolerParameters },
    classifier: { title: 'classifier', parameters: classifierParameters },
    tokenClassifier: { title: 'token classifier', parameters: tokenClassifierParameters },
  },
  heads: {
    maskedLm: { hubClass: 'BertForMaskedLM', parts: ['mlmHead'], outputs: mlmHeadLogits },
    oneLabel: {
      hubClass: 'BertForSequenceClassification',
      parts: ['pooler', 'classifier'],
      outputs: classifierLogits,
    },
    tokenLabels: { hubClass: 'BertForTokenClassification', parts: ['tokenClassifier'], outputs: tokenClassifierLogits },
    pooled: { hubClass: 'BertModel', parts: [], outputs: (_scope, _config, hidden) => hidden },
  },
  pipelineInputs: ['input_ids', 'attention_mask', 'token_type_ids'],
  encode,
  layerOf: postNormLayerOf,
};
