import type { WeightNames } from '../family.ts';
import { decoderAsStored } from '../mlmHead.ts';
import { type ModuleNames, spellingsOf, writtenName } from '../moduleNames.ts';
import type { DistilBertConfig } from './config.ts';

/** The names of a DistilBERT's weights in Hugging Face checkpoints. */
export const distilBertNames: WeightNames<DistilBertConfig> = {
  prefix: 'distilbert.',
  written: (name) => writtenName(name, moduleNames),
  spellings: (name) => spellingsOf(writtenName(name, moduleNames), moduleNames),
  other(hubName, { tiedDecoder }) {
    if (/^(distilbert\.)?embeddings\.position_ids$/.test(hubName)) return 'ignored';
    if (hubName.startsWith('qa_outputs.')) return { title: 'a question-answering head' };
    return tiedDecoder && hubName === decoder ? 'ignored' : null;
  },
  asStored: (config, parts, weights) =>
    decoderAsStored(config, parts, weights, {
      decoder,
      words: distilBertNames.spellings('embeddings.word.weight', config),
    }),
};

const decoder = 'vocab_projector.weight';

const moduleNames: ModuleNames = {
  prefix: 'distilbert.',
  modules: {
    'embeddings.word': 'distilbert.embeddings.word_embeddings',
    'embeddings.position': 'distilbert.embeddings.position_embeddings',
    'embeddings.norm': 'distilbert.embeddings.LayerNorm',
    'encoder.*.attention.query': 'distilbert.transformer.layer.*.attention.q_lin',
    'encoder.*.attention.key': 'distilbert.transformer.layer.*.attention.k_lin',
    'encoder.*.attention.value': 'distilbert.transformer.layer.*.attention.v_lin',
    'encoder.*.attention.output': 'distilbert.transformer.layer.*.attention.out_lin',
    'encoder.*.attention.norm': 'distilbert.transformer.layer.*.sa_layer_norm',
    'encoder.*.feedForward.up': 'distilbert.transformer.layer.*.ffn.lin1',
    'encoder.*.feedForward.down': 'distilbert.transformer.layer.*.ffn.lin2',
    'encoder.*.feedForward.norm': 'distilbert.transformer.layer.*.output_layer_norm',
    'mlmHead.transform': 'vocab_transform',
    'mlmHead.norm': 'vocab_layer_norm',
    'mlmHead.decoder': 'vocab_projector',
    classifierDense: 'pre_classifier',
    classifier: 'classifier',
    tokenClassifier: 'classifier',
  },
};
