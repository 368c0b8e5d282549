import type { WeightNames } from '../family.ts';
import type { BertConfig } from './config.ts';

/**
 * The names of a BERT's weights in Hugging Face checkpoints. The word "module" stands for a parameter's name without
 * its last part, which is `weight` or `bias`.
 */
export const bertNames: WeightNames<BertConfig> = {
  written,
  // As transformers writes it, without the `bert.` prefix (saved from the bare encoder), and with LayerNorm's `gamma`
  // and `beta` (checkpoints converted from TensorFlow).
  spellings(name, { tiedDecoder }) {
    // Of a tied decoder the bias belongs to the head; otherwise the decoder has its own, and the head's is unused.
    if (name === 'mlmHead.decoder.bias') return tiedDecoder ? decoderBias : decoderBias.toReversed();
    const modern = written(name);
    const spellings = modern.includes('LayerNorm') ? [modern, oldNormName(modern)] : [modern];
    return spellings.flatMap((spelling) =>
      spelling.startsWith(prefix) ? [spelling, spelling.slice(prefix.length)] : [spelling],
    );
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
  const { module, kind, layer } = splitName(name);
  if (module === 'mlmHead.decoder' && kind === 'bias') return decoderBias[0];
  const hubModule = modules[module];
  if (hubModule === undefined) throw new Error(`no Hugging Face name for ${name}`);
  return `${hubModule.replace('*', layer)}.${kind}`;
}

/** The MLM decoder's weight; in a model with a tied decoder, a copy of the word embeddings. */
const decoderWeight = 'cls.predictions.decoder.weight';

const prefix = 'bert.';

/** Both names of the MLM decoder's bias. */
const decoderBias = ['cls.predictions.bias', 'cls.predictions.decoder.bias'] as const;

const modules: Readonly<Record<string, string>> = {
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
};

/** "encoder.3.attention.query.weight" is weight of module "encoder.*.attention.query" in layer "3". */
function splitName(name: string): { module: string; kind: string; layer: string } {
  const dot = name.lastIndexOf('.');
  const layer = /^encoder\.(\d+)\./.exec(name)?.[1] ?? '';
  const module = name.slice(0, dot).replace(/^encoder\.\d+\./, 'encoder.*.');
  return { module, kind: name.slice(dot + 1), layer };
}

function oldNormName(modern: string): string {
  return modern.replace(/\.weight$/, '.gamma').replace(/\.bias$/, '.beta');
}

function sameBytes(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
}
