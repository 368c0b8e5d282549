import { BertuneError, withArticle } from '../core/errors.ts';
import type { BertNormalizerConfig } from './bertNormalizer.ts';
import { roberta } from './bytePairRules.ts';
import { contentOf, flag, type RebuiltTokenizer } from './rebuilding.ts';
import type { TokenizerClass, TokenizerRules } from './tokenizerClass.ts';
import { isObject, type TokenizerFiles, type WholeTokenizerJson } from './tokenizerFiles.ts';
import { camembert, xlmRoberta } from './unigramRules.ts';
import type { TokenizerConfig } from './vocabulary.ts';

const robertaRoles: TokenizerConfig = {
  ...{ bos_token: '<s>', eos_token: '</s>', sep_token: '</s>', cls_token: '<s>' },
  ...{ unk_token: '<unk>', pad_token: '<pad>', mask_token: '<mask>' },
};

/** The tokens of their roles where the files name none. */
export const roleDefaults: Readonly<Record<TokenizerRules, TokenizerConfig>> = {
  file: {},
  bert: { unk_token: '[UNK]', sep_token: '[SEP]', pad_token: '[PAD]', cls_token: '[CLS]', mask_token: '[MASK]' },
  mpnet: {
    ...{ bos_token: '<s>', eos_token: '</s>', sep_token: '</s>', cls_token: '<s>' },
    ...{ unk_token: '[UNK]', pad_token: '<pad>', mask_token: '<mask>' },
  },
  roberta: robertaRoles,
  xlmRoberta: robertaRoles,
  camembert: { ...robertaRoles, additional_special_tokens: ['<s>NOTUSED', '</s>NOTUSED', '<unk>NOTUSED'] },
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
  const { rules } = tokenizer;
  if (rules === 'file') return { json, ignored: [] };
  checkVocabulary(files.where, tokenizer, json, kindOf[rules]);
  return builders[rules](files.where, config, json);
}

/** The kind of vocabulary that a class takes. */
const kindOf = {
  bert: 'WordPiece',
  mpnet: 'WordPiece',
  roberta: 'BPE',
  xlmRoberta: 'Unigram',
  camembert: 'Unigram',
} as const satisfies Readonly<Record<Exclude<TokenizerRules, 'file'>, string>>;

type Builder = (where: string, config: TokenizerConfig, json: WholeTokenizerJson) => RebuiltTokenizer;

const builders: Readonly<Record<keyof typeof kindOf, Builder>> = { bert, mpnet: bert, roberta, xlmRoberta, camembert };

function checkVocabulary(
  where: string,
  { name = 'BertTokenizer' }: TokenizerClass,
  { model }: WholeTokenizerJson,
  wanted: (typeof kindOf)[keyof typeof kindOf],
): void {
  const type = model?.type ?? (model?.merges === undefined ? undefined : 'BPE');
  if (type === wanted || (type === undefined && wanted === 'WordPiece' && isObject(model?.vocab))) return;
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
