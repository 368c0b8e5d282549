import { BertuneError } from '../core/errors.ts';
import type { BertNormalizerConfig } from './bertNormalizer.ts';

/** Settings of tokenizer_config.json that matter to a BERT tokenizer, in Hugging Face's names. */
export interface TokenizerConfig {
  readonly do_lower_case?: boolean;
  readonly strip_accents?: boolean | null;
  readonly tokenize_chinese_chars?: boolean;
  readonly unk_token?: string | { readonly content: string };
  readonly sep_token?: string | { readonly content: string };
  readonly pad_token?: string | { readonly content: string };
  readonly cls_token?: string | { readonly content: string };
  readonly mask_token?: string | { readonly content: string };
  /** Tokens that were added to the vocabulary, by id; it names the special ones too. */
  readonly added_tokens_decoder?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

/** The five special tokens of BERT by their role. */
export type SpecialRole = 'pad' | 'unk' | 'cls' | 'sep' | 'mask';

/** Text of each special token: what the configuration names, else BERT's own. */
export function specialTokens(config: TokenizerConfig): Record<SpecialRole, string> {
  const named = (role: SpecialRole) => {
    const value = config[`${role}_token`];
    if (typeof value === 'string') return value;
    return isTokenObject(value) ? value.content : `[${role.toUpperCase()}]`;
  };
  return { pad: named('pad'), unk: named('unk'), cls: named('cls'), sep: named('sep'), mask: named('mask') };
}

/**
 * The configuration to save with a tokenizer: it names the class, the special tokens and the normalization that the
 * tokenizer has. Python's transformers goes by these rather than by tokenizer.json, and takes what is not named as
 * lower case.
 *
 * @returns `config` itself when it says all of that
 */
export function savedConfig(config: TokenizerConfig, normalizer: NormalizerConfig): TokenizerConfig {
  const tokens = specialTokens(config);
  const named = Object.entries(tokens).map(([role, token]) => [`${role}_token`, config[`${role}_token`] ?? token]);
  const needed: TokenizerConfig = { ...Object.fromEntries(named), ...classAndNormalization(config, normalizer) };
  if (Object.entries(needed).every(([key, value]) => key in config && config[key] === value)) return config;
  const { model_max_length: limit, ...rest } = config;
  // "No limit" is written as 10^30, which Python would read back as a float; leaving it out means the same.
  return { ...rest, ...(Number.isSafeInteger(limit) ? { model_max_length: limit } : {}), ...needed };
}

type NormalizerConfig = (BertNormalizerConfig & { readonly type?: string }) | null | undefined;

function classAndNormalization(config: TokenizerConfig, normalizer: NormalizerConfig): TokenizerConfig {
  // This class leaves the normalization of tokenizer.json as it is; BERT's own puts BertNormalizer in its place.
  if (normalizer?.type !== 'BertNormalizer') return { tokenizer_class: 'PreTrainedTokenizerFast' };
  return {
    tokenizer_class: config.tokenizer_class ?? 'BertTokenizer',
    do_lower_case: normalizer.lowercase ?? true,
    strip_accents: normalizer.strip_accents ?? null,
    tokenize_chinese_chars: normalizer.handle_chinese_chars ?? true,
  };
}

/** Entries of a `vocab.txt`: one piece a line, its id the line's number from 0. */
export function readVocabulary(text: string): Map<string, number> {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  if (lines.at(-1) === '') lines.pop();
  return new Map(lines.map((piece, id) => [piece, id]));
}

/**
 * The `tokenizer.json` of a BERT tokenizer that has a `vocab.txt` alone, with its configuration honoured: what
 * transformers' BertTokenizerFast builds from the same files.
 *
 * @throws BertuneError when a special token is missing from the vocabulary
 */
export function tokenizerJson(vocabulary: ReadonlyMap<string, number>, config: TokenizerConfig, where: string): object {
  const special = specialTokens(config);
  const idOf = (token: string) => {
    const id = vocabulary.get(token);
    if (id === undefined)
      throw new BertuneError(`${where}: the vocabulary has no ${token}, which a BERT tokenizer needs`);
    return id;
  };
  const added = [
    ...Object.values(special).map((content) => addedToken(idOf(content), content, true, false)),
    ...ownTokens(config, new Set(Object.values(special))),
  ];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added.sort((a, b) => a.id - b.id),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: config.tokenize_chinese_chars ?? true,
      strip_accents: config.strip_accents ?? null,
      lowercase: config.do_lower_case ?? true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'BertProcessing',
      sep: [special.sep, idOf(special.sep)],
      cls: [special.cls, idOf(special.cls)],
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: special.unk,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary),
    },
  };
}

/** Tokens that somebody added beside the five of BERT. */
function ownTokens({ added_tokens_decoder: tokens }: TokenizerConfig, special: ReadonlySet<string>): AddedTokenJson[] {
  return Object.entries(tokens ?? {}).flatMap(([id, token]) =>
    isTokenObject(token) && !special.has(token.content)
      ? [addedToken(Number(id), token.content, token.special ?? false, token.normalized ?? !token.special)]
      : [],
  );
}

type AddedTokenJson = ReturnType<typeof addedToken>;

function addedToken(id: number, content: string, special: boolean, normalized: boolean) {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized, special };
}

function isTokenObject(value: unknown): value is { content: string; special?: boolean; normalized?: boolean } {
  return typeof value === 'object' && value !== null && 'content' in value && typeof value.content === 'string';
}
