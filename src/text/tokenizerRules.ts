import { BertuneError, withArticle } from '../core/errors.ts';
import type { BertNormalizerConfig } from './bertNormalizer.ts';
import type { TokenizerClass, TokenizerRules } from './tokenizerClass.ts';
import { isObject, type TokenizerFiles, type WholeTokenizerJson } from './tokenizerFiles.ts';
import type { TokenizerConfig } from './vocabulary.ts';

/** What a class makes of a vocabulary: all of a `tokenizer.json` but its added tokens and what stands around a text. */
export interface RebuiltTokenizer {
  readonly json: WholeTokenizerJson;
  /** What of the folder's `tokenizer.json` it does not go by, in words for a note. */
  readonly ignored: readonly string[];
}

/** The tokens of their roles where the files name none. */
export const roleDefaults: Readonly<Record<TokenizerRules, TokenizerConfig>> = {
  file: {},
  bert: { unk_token: '[UNK]', sep_token: '[SEP]', pad_token: '[PAD]', cls_token: '[CLS]', mask_token: '[MASK]' },
  mpnet: {
    ...{ bos_token: '<s>', eos_token: '</s>', sep_token: '</s>', cls_token: '<s>' },
    ...{ unk_token: '[UNK]', pad_token: '<pad>', mask_token: '<mask>' },
  },
  xlmRoberta: {
    ...{ bos_token: '<s>', eos_token: '</s>', sep_token: '</s>', cls_token: '<s>' },
    ...{ unk_token: '<unk>', pad_token: '<pad>', mask_token: '<mask>' },
  },
};

/**
 * The tokenizer as its class builds it.
 *
 * @param config with the defaults of the class merged into it
 * @param json that of the folder, or one that holds the vocabulary alone
 * @throws BertuneError when the vocabulary is of another kind than the class takes, or a setting is out of range
 */
export function rebuilt(
  files: TokenizerFiles,
  tokenizer: TokenizerClass,
  config: TokenizerConfig,
  json: WholeTokenizerJson,
): RebuiltTokenizer {
  if (tokenizer.rules === 'file') return { json, ignored: [] };
  const isUnigram = tokenizer.rules === 'xlmRoberta';
  checkVocabulary(files.where, tokenizer, json, isUnigram);
  return isUnigram ? xlmRoberta(files.where, config, json) : bert(files.where, config, json);
}

function checkVocabulary(
  where: string,
  { name = 'BertTokenizer' }: TokenizerClass,
  { model }: WholeTokenizerJson,
  isUnigram: boolean,
): void {
  const type = model?.type ?? (model?.merges === undefined ? undefined : 'BPE');
  const wanted = isUnigram ? 'Unigram' : 'WordPiece';
  if (type === wanted || (type === undefined && !isUnigram && isObject(model?.vocab))) return;
  throw new BertuneError(
    `${where}: tokenizer.json holds a tokenizer of type ${type ?? 'unknown'}, but by tokenizer_config.json and config.json it is ${withArticle(name)}, which is ${wanted}; if tokenizer.json is right, say "tokenizer_class": "PreTrainedTokenizerFast" in tokenizer_config.json`,
  );
}

/** BertTokenizer and those that differ from it in the names of their special tokens alone. */
function bert(where: string, config: TokenizerConfig, json: WholeTokenizerJson): RebuiltTokenizer {
  const unk = contentOf(config.unk_token) ?? '[UNK]';
  const normalizer = {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: flag(where, config, 'tokenize_chinese_chars', true),
    strip_accents: config.strip_accents == null ? null : flag(where, config, 'strip_accents', true),
    lowercase: flag(where, config, 'do_lower_case', true),
  };
  const model = {
    type: 'WordPiece',
    unk_token: unk,
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: json.model?.vocab,
  };
  const same = {
    normalizer: sameNormalizer(normalizer, json.normalizer),
    words: isObject(json.pre_tokenizer) && json.pre_tokenizer.type === 'BertPreTokenizer',
    model: modelKeys.every((key) => json.model?.[key] === undefined || json.model[key] === model[key]),
  };
  return {
    json: {
      ...json,
      normalizer: same.normalizer ? json.normalizer : normalizer,
      pre_tokenizer: same.words ? json.pre_tokenizer : { type: 'BertPreTokenizer' },
      decoder: json.decoder ?? { type: 'WordPiece', prefix: '##', cleanup: true },
      model: modelKeys.every((key) => json.model?.[key] === model[key]) ? json.model : model,
    },
    ignored: [
      ...(same.normalizer ? [] : normalizerDifferences(normalizer, json.normalizer)),
      ...(same.words ? [] : ['how words are split']),
      ...(same.model ? [] : ['how pieces are found']),
    ],
  };
}

/** Whether BertTokenizer would build a tokenizer from its vocabulary and normalization as it stands. */
export function isBertShaped(json: WholeTokenizerJson): boolean {
  const { normalizer } = json;
  if (normalizer?.type !== 'BertNormalizer' || json.model?.type !== 'WordPiece') return false;
  const { lowercase = true, strip_accents, handle_chinese_chars: chinese = true } = normalizer;
  const config = { do_lower_case: lowercase, strip_accents, tokenize_chinese_chars: chinese };
  return (
    bert('', { ...roleDefaults.bert, ...config, unk_token: contentOf(json.model.unk_token) }, json).ignored.length === 0
  );
}

const modelKeys = ['type', 'unk_token', 'continuing_subword_prefix', 'max_input_chars_per_word'] as const;

type BertNormalizer = Required<BertNormalizerConfig> & { readonly type: string };

function sameNormalizer(wanted: BertNormalizer, given: WholeTokenizerJson['normalizer']): boolean {
  if (given?.type !== 'BertNormalizer') return false;
  return normalizerDifferences(wanted, given).length === 0;
}

function normalizerDifferences(wanted: BertNormalizer, given: WholeTokenizerJson['normalizer']): string[] {
  if (given?.type !== 'BertNormalizer') return ['normalization'];
  const { clean_text: clean = true, handle_chinese_chars: chinese = true, lowercase = true } = given;
  const strips = (lower: boolean, accents: boolean | null | undefined) => accents ?? lower;
  return [
    ...(wanted.lowercase === lowercase ? [] : [`lower case (${lowercase ? 'yes' : 'no'})`]),
    ...(strips(wanted.lowercase, wanted.strip_accents) === strips(lowercase, given.strip_accents)
      ? []
      : [`accents (${strips(lowercase, given.strip_accents) ? 'removed' : 'kept'})`]),
    ...(wanted.handle_chinese_chars === chinese ? [] : [`Chinese characters (${chinese ? 'apart' : 'as words'})`]),
    ...(clean ? [] : ['control characters (kept)']),
  ];
}

/** XLMRobertaTokenizer: of `tokenizer.json` it takes the pieces and the precompiled map of characters. */
function xlmRoberta(where: string, config: TokenizerConfig, json: WholeTokenizerJson): RebuiltTokenizer {
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
  const model = { type: 'Unigram', unk_id: 3, vocab: json.model?.vocab, byte_fallback: false };
  const given: unknown = json.normalizer ?? null;
  const same = {
    normalizer: JSON.stringify(given) === JSON.stringify(normalizer),
    words: metaspaceOf(json.pre_tokenizer) === scheme,
    model: json.model?.unk_id === 3 && json.model.byte_fallback !== true,
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

function flag(where: string, config: TokenizerConfig, key: string, otherwise: boolean): boolean {
  const value = config[key] === undefined ? otherwise : config[key];
  if (typeof value === 'boolean') return value;
  throw new BertuneError(
    `${where}: ${key} of tokenizer_config.json must be true or false, got ${JSON.stringify(value)}`,
  );
}

/** The text of a token that a file gives as text or as an object with flags. */
export function contentOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return isObject(value) && typeof value.content === 'string' ? value.content : undefined;
}
