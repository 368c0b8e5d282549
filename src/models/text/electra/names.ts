import { bertLikeModules } from '../bertLike.ts';
import type { WeightNames } from '../family.ts';
import { decoderAsStored } from '../mlmHead.ts';
import { type ModuleNames, spellingsOf, writtenName } from '../moduleNames.ts';
import type { ElectraConfig } from './config.ts';

/** The names of an ELECTRA's weights in Hugging Face checkpoints. */
export const electraNames: WeightNames<ElectraConfig> = {
  prefix: 'electra.',
  written: (name) => writtenName(name, moduleNames),
  spellings: (name) => spellingsOf(writtenName(name, moduleNames), moduleNames),
  other(hubName, { tiedDecoder }) {
    if (/^(electra\.)?embeddings\.(position_ids|token_type_ids)$/.test(hubName)) return 'ignored';
    if (hubName.startsWith('discriminator_predictions.')) return { title: 'a replaced-token head' };
    if (hubName.startsWith('qa_outputs.')) return { title: 'a question-answering head' };
    return tiedDecoder && hubName === decoder ? 'ignored' : null;
  },
  asStored: (config, parts, weights) =>
    decoderAsStored(config, parts, weights, {
      decoder,
      words: electraNames.spellings('embeddings.word.weight', config),
    }),
};

const decoder = 'generator_lm_head.weight';

const moduleNames: ModuleNames = {
  prefix: 'electra.',
  modules: {
    ...bertLikeModules('electra.'),
    'embeddings.project': 'electra.embeddings_project',
    'mlmHead.transform': 'generator_predictions.dense',
    'mlmHead.norm': 'generator_predictions.LayerNorm',
    'mlmHead.decoder': 'generator_lm_head',
    classifierDense: 'classifier.dense',
    classifier: 'classifier.out_proj',
    tokenClassifier: 'classifier',
  },
};
