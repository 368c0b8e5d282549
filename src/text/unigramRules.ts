import { contentOf, flag, type RebuiltTokenizer } from './rebuilding.ts';
import { isObject, type WholeTokenizerJson } from './tokenizerFiles.ts';
import type { TokenizerConfig } from './vocabulary.ts';

/** XLMRobertaTokenizer: of `tokenizer.json` it takes the pieces and the precompiled map of characters. */
export function xlmRoberta(where: string, config: TokenizerConfig, json: WholeTokenizerJson): RebuiltTokenizer {
  return ofPieces(where, config, json, 3);
}

/** CamembertTokenizer: the same, with the unknown token wherever it stands. */
export function camembert(where: string, config: TokenizerConfig, json: WholeTokenizerJson): RebuiltTokenizer {
  const vocab: unknown = json.model?.vocab;
  const unknown = contentOf(config.unk_token);
  const found = Array.isArray(vocab)
    ? vocab.findIndex((entry: unknown) => Array.isArray(entry) && entry[0] === unknown)
    : -1;
  return ofPieces(where, config, json, Math.max(0, found));
}

function ofPieces(
  where: string,
  config: TokenizerConfig,
  json: WholeTokenizerJson,
  unknownId: number,
): RebuiltTokenizer {
  const charsmap = charsmapOf(json.normalizer);
  const scheme = flag(where, config, 'add_prefix_space', true) ? 'always' : 'never';
  const words = {
    type: 'Sequence',
    pretokenizers: [
      { type: 'WhitespaceSplit' },
      { type: 'Metaspace', replacement: '▁', prepend_scheme: scheme, split: true },
    ],
  };
  const normalizer = charsmap === undefined ? null : { type: 'Precompiled', precompiled_charsmap: charsmap };
  const model = { type: 'Unigram', unk_id: unknownId, vocab: json.model?.vocab, byte_fallback: false };
  const given: unknown = json.normalizer ?? null;
  const same = {
    normalizer: JSON.stringify(given) === JSON.stringify(normalizer),
    words: metaspaceOf(json.pre_tokenizer) === scheme,
    model: json.model?.unk_id === unknownId && json.model.byte_fallback !== true,
  };
  return {
    json: {
      ...json,
      normalizer: same.normalizer ? json.normalizer : normalizer,
      pre_tokenizer: same.words ? json.pre_tokenizer : words,
      decoder: json.decoder ?? { type: 'Metaspace', replacement: '▁', prepend_scheme: scheme, split: true },
      model: same.model ? json.model : model,
    },
    ignored: [
      ...(same.normalizer || isHarmless(given) ? [] : ['normalization']),
      ...(same.words ? [] : ['how words are split']),
      ...(same.model ? [] : ['how pieces are found']),
    ],
  };
}

/** The first precompiled map of a normalizer, base64. */
function charsmapOf(normalizer: unknown): string | undefined {
  const maps = partsOf(normalizer).map(({ precompiled_charsmap: map }) => map);
  return maps.find((map) => typeof map === 'string');
}

function partsOf(normalizer: unknown): Readonly<Record<string, unknown>>[] {
  if (!isObject(normalizer)) return [];
  const parts: unknown = normalizer.type === 'Sequence' ? normalizer.normalizers : [normalizer];
  return Array.isArray(parts) ? parts.filter((part) => isObject(part)) : [];
}

/** Whether all that a normalizer does beside the map is to join spaces, where words are split anyway. */
function isHarmless(normalizer: unknown): boolean {
  return partsOf(normalizer).every(
    ({ type, pattern, content }) =>
      type === 'Precompiled' ||
      type === 'Strip' ||
      (type === 'Replace' && content === ' ' && isObject(pattern) && pattern.Regex === ' {2,}'),
  );
}

/** How a pre-tokenizer that splits at white space and marks the words' starts marks the first; undefined for another. */
function metaspaceOf(value: unknown): string | undefined {
  const parts: unknown = isObject(value) && value.type === 'Sequence' ? value.pretokenizers : undefined;
  if (!Array.isArray(parts) || parts.length !== 2) return undefined;
  const [split, meta]: unknown[] = parts;
  if (!isObject(split) || split.type !== 'WhitespaceSplit') return undefined;
  if (!isObject(meta) || meta.type !== 'Metaspace' || meta.replacement !== '▁' || meta.split === false)
    return undefined;
  if (typeof meta.prepend_scheme === 'string') return meta.prepend_scheme;
  return meta.add_prefix_space === false ? 'never' : 'always';
}
