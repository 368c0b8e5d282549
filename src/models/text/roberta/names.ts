import { bertLikeModules } from '../bertLike.ts';
import type { WeightNames } from '../family.ts';
import { decoderAsStored } from '../mlmHead.ts';
import { type ModuleNames, spellingsOf, writtenName } from '../moduleNames.ts';
import type { RobertaConfig } from './config.ts';

/** The names of a RoBERTa's weights in Hugging Face checkpoints. */
export const robertaNames: WeightNames<RobertaConfig> = {
  prefix: 'roberta.',
  written,
  spellings(name, { tiedDecoder }) {
    // Of a tied decoder the bias belongs to the head; otherwise the decoder has its own, and the head's is unused.
    if (name === 'mlmHead.decoder.bias') return tiedDecoder ? decoderBias : decoderBias.toReversed();
    return spellingsOf(written(name), moduleNames);
  },
  // transformers reads the untied decoder's own bias but asks for the head's as well.
  alsoWritten: (name, { tiedDecoder }) => (name === 'mlmHead.decoder.bias' && !tiedDecoder ? [decoderBias[1]] : []),
  other(hubName, { tiedDecoder }) {
    if (/^(roberta\.)?embeddings\.(position_ids|token_type_ids)$/.test(hubName)) return 'ignored';
    if (hubName.startsWith('qa_outputs.')) return { title: 'a question-answering head' };
    return tiedDecoder && hubName === decoderWeight ? 'ignored' : null;
  },
  asStored: (config, parts, weights) =>
    decoderAsStored(config, parts, weights, {
      decoder: decoderWeight,
      words: robertaNames.spellings('embeddings.word.weight', config),
    }),
};

function written(name: string): string {
  return name === 'mlmHead.decoder.bias' ? decoderBias[0] : writtenName(name, moduleNames);
}

/** The MLM decoder's weight; in a model with a tied decoder, a copy of the word embeddings. */
const decoderWeight = 'lm_head.decoder.weight';

/** Both names of the MLM decoder's bias. */
const decoderBias = ['lm_head.bias', 'lm_head.decoder.bias'] as const;

const moduleNames: ModuleNames = {
  prefix: 'roberta.',
  modules: {
    ...bertLikeModules('roberta.'),
    'mlmHead.transform': 'lm_head.dense',
    'mlmHead.norm': 'lm_head.layer_norm',
    'mlmHead.decoder': 'lm_head.decoder',
    pooler: 'roberta.pooler.dense',
    classifierDense: 'classifier.dense',
    classifier: 'classifier.out_proj',
    tokenClassifier: 'classifier',
  },
};
