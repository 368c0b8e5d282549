import type { TextFamily } from '../family.ts';
import { modernBertCodec } from './codec.ts';
import type { ModernBertConfig } from './config.ts';
import { encode } from './encoder.ts';
import { classifierLogits, maskedLmLogits, tokenLogits } from './heads.ts';
import { modernBertNames } from './names.ts';
import {
  classifierParameters,
  encoderParameters,
  mlmHeadParameters,
  poolerParameters,
  tokenClassifierParameters,
} from './parameters.ts';

/** ModernBERT (Warner et al. 2024) as transformers defines it, Ettin's encoders and mmBERT among them. */
export const modernBert: TextFamily<ModernBertConfig> = {
  type: 'modernbert',
  title: 'ModernBERT',
  config: modernBertCodec,
  names: modernBertNames,
  parts: {
    encoder: { title: 'encoder', parameters: encoderParameters },
    // A classifier that is trained goes on from what the masked words' head has learned.
    pooler: { title: 'prediction head', parameters: poolerParameters },
    mlmHead: { title: 'MLM head', parameters: mlmHeadParameters },
    classifier: { title: 'classifier', parameters: classifierParameters },
    tokenClassifier: { title: 'token classifier', parameters: tokenClassifierParameters },
  },
  heads: {
    maskedLm: { hubClass: 'ModernBertForMaskedLM', parts: ['pooler', 'mlmHead'], outputs: maskedLmLogits },
    oneLabel: {
      hubClass: 'ModernBertForSequenceClassification',
      parts: ['pooler', 'classifier'],
      reads: ({ classifierReads }) => (classifierReads === 'mean' ? 'mean' : 'first'),
      outputs: classifierLogits,
    },
    tokenLabels: {
      hubClass: 'ModernBertForTokenClassification',
      parts: ['pooler', 'tokenClassifier'],
      outputs: tokenLogits,
    },
    pooled: { hubClass: 'ModernBertModel', parts: [], outputs: (_scope, _config, hidden) => hidden },
  },
  pipelineInputs: ['input_ids', 'attention_mask'],
  encode,
  layerOf(name, { layers }) {
    if (name.startsWith('embeddings.')) return 'embeddings';
    return name.startsWith('finalNorm.') ? layers - 1 : Number(/^encoder\.(\d+)\./.exec(name)?.[1]);
  },
};
