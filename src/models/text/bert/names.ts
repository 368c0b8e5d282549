import type { WeightNames } from '../family.ts';
import { type ModuleNames, sameBytes, spellingsOf, writtenName } from '../moduleNames.ts';
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
  // Checkpoints converted from older files hold the tied decoder as a copy. Where it is no copy, the configuration is
  // wrong and the decoder is taken as it is stored, as transformers does.
  async asStored(config, parts, weights) {
    if (!config.tiedDecoder || !weights.has(decoderWeight) || !parts.includes('mlmHead')) return null;
    const words = bertNames.spellings('embeddings.word.weight', config).find((name) => weights.has(name));
    if (words === undefined || sameBytes(await weights.read(words), await weights.read(decoderWeight))) return null;
    return {
      config: { ...config, tiedDecoder: false },
      note: `${weights.folder} has an MLM decoder of its own, though its config.json calls it tied: kept apart`,
    };
  },
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
    'embeddings.word': 'bert.embeddings.word_embeddings',
    'embeddings.position': 'bert.embeddings.position_embeddings',
    'embeddings.tokenType': 'bert.embeddings.token_type_embeddings',
    'embeddings.norm': 'bert.embeddings.LayerNorm',
    'encoder.*.attention.query': 'bert.encoder.layer.*.attention.self.query',
    'encoder.*.attention.key': 'bert.encoder.layer.*.attention.self.key',
    'encoder.*.attention.value': 'bert.encoder.layer.*.attention.self.value',
    'encoder.*.attention.output': 'bert.encoder.layer.*.attention.output.dense',
    'encoder.*.attention.norm': 'bert.encoder.layer.*.attention.output.LayerNorm',
    'encoder.*.feedForward.up': 'bert.encoder.layer.*.intermediate.dense',
    'encoder.*.feedForward.down': 'bert.encoder.layer.*.output.dense',
    'encoder.*.feedForward.norm': 'bert.encoder.layer.*.output.LayerNorm',
    'mlmHead.transform': 'cls.predictions.transform.dense',
    'mlmHead.norm': 'cls.predictions.transform.LayerNorm',
    'mlmHead.decoder': 'cls.predictions.decoder',
    pooler: 'bert.pooler.dense',
    classifier: 'classifier',
    tokenClassifier: 'classifier',
  },
};
