import * as ops from '../../../graph/functions.ts';
import { bertLikeParameters, poolerParameters } from '../bertLike.ts';
import { denseClassifierLogits, denseClassifierParameters } from '../denseClassifier.ts';
import type { TextFamily } from '../family.ts';
import { mlmHeadLogits, mlmHeadParameters } from '../mlmHead.ts';
import { postNormEmbeddings, postNormLayerOf, postNormLayers } from '../postNorm.ts';
import { tokenClassifierLogits, tokenClassifierParameters } from '../tokenClassifier.ts';
import { robertaCodec } from './codec.ts';
import { firstPosition, type RobertaConfig } from './config.ts';
import { robertaNames } from './names.ts';

/** What sets a family of RoBERTa's kind apart from it. */
interface Variant {
  readonly type: string;
  readonly title: string;
  /** What its classes in transformers begin with. */
  readonly classes: string;
  /** Pieces of the vocabulary where `config.json` does not say. */
  readonly vocabularySize: number;
}

/** A family with RoBERTa's encoder and heads, which differ in tokenizers and training alone. */
export function likeRoberta({ type, title, classes, vocabularySize }: Variant): TextFamily<RobertaConfig> {
  return {
    type,
    title,
    config: robertaCodec(vocabularySize),
    names: robertaNames,
    parts: {
      encoder: {
        title: 'encoder',
        parameters: (config) => bertLikeParameters(config, { unusedPositions: firstPosition(config) }),
      },
      mlmHead: { title: 'MLM head', parameters: (config) => mlmHeadParameters(config) },
      pooler: { title: 'pooler', parameters: poolerParameters },
      classifier: { title: 'classifier', parameters: denseClassifierParameters },
      tokenClassifier: { title: 'token classifier', parameters: tokenClassifierParameters },
    },
    heads: {
      maskedLm: {
        hubClass: `${classes}ForMaskedLM`,
        parts: ['mlmHead'],
        outputs: (scope, config, hidden) => mlmHeadLogits(scope, config, hidden, 'gelu'),
      },
      oneLabel: {
        hubClass: `${classes}ForSequenceClassification`,
        parts: ['classifier'],
        outputs: (scope, config, first) => denseClassifierLogits(scope, config, first, ops.tanh, true),
      },
      tokenLabels: {
        hubClass: `${classes}ForTokenClassification`,
        parts: ['tokenClassifier'],
        outputs: tokenClassifierLogits,
      },
      pooled: { hubClass: `${classes}Model`, parts: [], outputs: (_scope, _config, hidden) => hidden },
    },
    pipelineInputs: ['input_ids', 'attention_mask'],
    encode(scope, config, block, read) {
      const embedded = postNormEmbeddings(scope, config, block, { firstPosition: firstPosition(config) });
      return postNormLayers(scope, config, block, embedded, read);
    },
    layerOf: postNormLayerOf,
  };
}
