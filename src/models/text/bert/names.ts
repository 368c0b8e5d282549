import { bertLikeModules } from '../bertLike.ts';
import type { WeightNames } from '../family.ts';
import { decoderAsStored } from '../mlmHead.ts';
import { type ModuleNames, spellingsOf, writtenName } from '../moduleNames.ts';
import type { BertConfig } from './config.ts';

/** The names of a BERT's weights in Hugging Face checkpoints. */
export const bertNames: WeightNames<BertConfig> = {
  prefix: 'bert.',
  written,
  spellings(name, { tiedDecoder }) {
    // Of a tied decoder the bias belongs to the head; otherwise the decoder has its own, and the head's is unused.
    if (name === 'mlmHead.decoder.bias') return tiedDecoder ? decoderBias : decoderBias.toReversed();
    return spellingsOf(written(name), moduleNames);
  },
  // transformers reads the untied decoder's own bias but asks for the head's as well.
  alsoWritten: (name, { tiedDecoder }) => (name === 'mlmHead.decoder.bias' && !tiedDecoder ? [decoderBias[1]] : []),
  other(hubName, { tiedDecoder }) {
    if (hubName.startsWith('cls.seq_relationship.')) return { title: 'a next-sentence head' };
    if (/^(bert\.)?embeddings\.(position_ids|token_type_ids)$/.test(hubName)) return 'ignored';
    return tiedDecoder && hubName === decoderWeight ? 'ignored' : null;
  },
  asStored: (config, parts, weights) =>
    decoderAsStored(config, parts, weights, {
      decoder: decoderWeight,
      words: bertNames.spellings('embeddings.word.weight', config),
    }),
};

function written(name: string): string {
  return name === 'mlmHead.decoder.bias' ? decoderBias[0] : writtenName(name, moduleNames);
}

/** The MLM decoder's weight; in a model with a tied decoder, a copy of the word embeddings. */
const decoderWeight = 'cls.predictions.decoder.weight';

/** Both names of the MLM decoder's bias. */
const decoderBias = ['cls.predictions.bias', 'cls.predictions.decoder.bias'] as const;

const moduleNames: ModuleNames = {
  prefix: 'bert.',
  modules: {
    ...bertLikeModules('bert.'),
    'mlmHead.transform': 'cls.predictions.transform.dense',
    'mlmHead.norm': 'cls.predictions.transform.LayerNorm',
    'mlmHead.decoder': 'cls.predictions.decoder',
    pooler: 'bert.pooler.dense',
    classifier: 'classifier',
    tokenClassifier: 'classifier',
  },
};
