/**
 * The names of a BERT's weights in Hugging Face checkpoints. The word "module" stands for a parameter's name without
 * its last part, which is `weight` or `bias`.
 */

/** The name of one of our parameters as transformers writes it. */
export function hubName(name: string): string {
  const { module, kind, layer } = splitName(name);
  if (module === 'mlmHead.decoder' && kind === 'bias') return decoderBias[0];
  const hubModule = modules[module];
  if (hubModule === undefined) throw new Error(`no Hugging Face name for ${name}`);
  return `${hubModule.replace('*', layer)}.${kind}`;
}

/**
 * Every name under which a checkpoint may hold one of our parameters, the one to prefer first: as transformers writes
 * it, without the `bert.` prefix (saved from the bare encoder), and with LayerNorm's `gamma` and `beta` (checkpoints
 * converted from TensorFlow).
 *
 * @param tiedDecoder whether the MLM decoder is the word embedding table: then its bias belongs to the head, otherwise
 * the decoder has its own, and the head's is unused.
 */
export function hubNames(name: string, tiedDecoder: boolean): string[] {
  if (name === 'mlmHead.decoder.bias') return tiedDecoder ? [...decoderBias] : decoderBias.toReversed();
  const modern = hubName(name);
  const spellings = modern.includes('LayerNorm') ? [modern, oldNormName(modern)] : [modern];
  return spellings.flatMap((spelling) =>
    spelling.startsWith(prefix) ? [spelling, spelling.slice(prefix.length)] : [spelling],
  );
}

/** What a weight that none of our parameters stands for is: of no use, the next-sentence head, or unknown. */
export function classifyOther(hubName: string, tiedDecoder: boolean): 'ignored' | 'nextSentence' | 'unknown' {
  if (hubName.startsWith('cls.seq_relationship.')) return 'nextSentence';
  if (/^(bert\.)?embeddings\.(position_ids|token_type_ids)$/.test(hubName)) return 'ignored';
  return tiedDecoder && hubName === tiedDecoderWeight ? 'ignored' : 'unknown';
}

/** The MLM decoder's weight; in a model with a tied decoder, a copy of the word embeddings. */
export const tiedDecoderWeight = 'cls.predictions.decoder.weight';

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
