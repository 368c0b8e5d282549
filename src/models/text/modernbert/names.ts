import type { WeightNames } from '../family.ts';
import { decoderAsStored } from '../mlmHead.ts';
import { type ModuleNames, spellingsOf, writtenName } from '../moduleNames.ts';
import type { ModernBertConfig } from './config.ts';

/** The names of a ModernBERT's weights in Hugging Face checkpoints. */
export const modernBertNames: WeightNames<ModernBertConfig> = {
  prefix: 'model.',
  written: (name) => writtenName(name, moduleNames),
  spellings: (name) => spellingsOf(writtenName(name, moduleNames), moduleNames),
  other: (hubName, { tiedDecoder }) => (tiedDecoder && hubName === decoderWeight ? 'ignored' : null),
  asStored: (config, parts, weights) =>
    decoderAsStored(config, parts, weights, {
      decoder: decoderWeight,
      words: modernBertNames.spellings('embeddings.word.weight', config),
    }),
};

/** The MLM decoder's weight; in a model with a tied decoder, a copy of the word embeddings. */
const decoderWeight = 'decoder.weight';

const moduleNames: ModuleNames = {
  prefix: 'model.',
  modules: {
    'embeddings.word': 'model.embeddings.tok_embeddings',
    'embeddings.norm': 'model.embeddings.norm',
    'encoder.*.attention.norm': 'model.layers.*.attn_norm',
    'encoder.*.attention.queryKeyValue': 'model.layers.*.attn.Wqkv',
    'encoder.*.attention.output': 'model.layers.*.attn.Wo',
    'encoder.*.feedForward.norm': 'model.layers.*.mlp_norm',
    'encoder.*.feedForward.up': 'model.layers.*.mlp.Wi',
    'encoder.*.feedForward.down': 'model.layers.*.mlp.Wo',
    finalNorm: 'model.final_norm',
    'head.dense': 'head.dense',
    'head.norm': 'head.norm',
    'mlmHead.decoder': 'decoder',
    classifier: 'classifier',
    tokenClassifier: 'classifier',
  },
};
