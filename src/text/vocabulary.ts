import type { BertNormalizerConfig } from './bertNormalizer.ts';

/** Settings of tokenizer_config.json that matter to a tokenizer, in Hugging Face's names. */
export interface TokenizerConfig {
  readonly tokenizer_class?: string;
  readonly do_lower_case?: boolean;
  readonly strip_accents?: boolean | null;
  readonly tokenize_chinese_chars?: boolean;
  readonly unk_token?: NamedToken;
  readonly sep_token?: NamedToken;
  readonly pad_token?: NamedToken;
  readonly cls_token?: NamedToken;
  readonly mask_token?: NamedToken;
  /** Tokens that were added to the vocabulary, by id; it names the special ones too. */
  readonly added_tokens_decoder?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

/** A token as its text alone, or with flags. */
type NamedToken = string | { readonly content: string } | null;

/** The five special tokens of BERT by their role. */
export type SpecialRole = 'pad' | 'unk' | 'cls' | 'sep' | 'mask';

/** Texts of the special tokens that there are. */
export type SpecialTokens = Readonly<Partial<Record<SpecialRole, string>>>;

export const specialRoles: readonly SpecialRole[] = ['pad', 'unk', 'cls', 'sep', 'mask'];

/** Entries of a `vocab.txt`: one piece a line, its id the line's number from 0. */
export function readVocabulary(text: string): Map<string, number> {
  return new Map(vocabularyLines(text).map((piece, id) => [piece, id]));
}

/**
 * The pieces of a `vocab.txt` in their order. White space at a line's end is no part of them, nor is the mark that some
 * editors put at a file's start.
 */
export function vocabularyLines(text: string): string[] {
  const lines = withoutMark(text).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => (isPlain(line.charCodeAt(line.length - 1)) ? line : line.replace(endOfPiece, '')));
}

/** Whether a character of ASCII is none of its white space. */
function isPlain(code: number): boolean {
  return code > 0x20 && code < 0x7f;
}

export function withoutMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

const endOfPiece = /\p{White_Space}+$/u;

/** What a tokenizer is, as far as the configuration to save with it must say so. */
export interface SavedTokenizer {
  /** `tokenizer_config.json` of the folder. */
  readonly given: TokenizerConfig;
  /** The same with all that the other files and the class say of special tokens. */
  readonly config: TokenizerConfig;
  readonly tokenizerClass: string;
  readonly special: SpecialTokens;
  /** Texts of the added tokens. */
  readonly added: ReadonlySet<string>;
  /** Named for classes that go by the configuration rather than by `tokenizer.json`. */
  readonly normalizer?: BertNormalizerConfig | null;
}

/**
 * The configuration to save with a tokenizer: with it, and with the `tokenizer.json` beside it, transformers makes the
 * tokenizer that was read. It names the class, the special tokens, and the normalization where the class goes by it.
 *
 * @returns the folder's own when that says all of it
 */
export function savedConfig(saved: SavedTokenizer): TokenizerConfig {
  const { given, tokenizerClass, normalizer } = saved;
  const needed: TokenizerConfig = {
    ...savedTokens(saved),
    tokenizer_class: tokenizerClass,
    ...(normalizer && {
      do_lower_case: normalizer.lowercase ?? true,
      strip_accents: normalizer.strip_accents ?? null,
      tokenize_chinese_chars: normalizer.handle_chinese_chars ?? true,
    }),
  };
  const says = Object.entries(needed).every(([key, value]) => key in given && given[key] === value);
  if (says && !wrongElsewhere.some((key) => key in given)) return given;
  const kept = Object.fromEntries(Object.entries(given).filter(([key]) => !wrongElsewhere.includes(key)));
  const { model_max_length: limit, ...rest } = kept;
  // "No limit" is written as 10^30, which Python would read back as a float; leaving it out means the same.
  return { ...rest, ...(Number.isSafeInteger(limit) ? { model_max_length: limit } : {}), ...needed };
}

/** Keys that name files of the folder, which are not saved with it. */
const wrongElsewhere = ['auto_map', 'fast_tokenizer_files'];

/** Tokens with a role as Python reads them: as text, as an object that says what it is, or null for none. */
function savedTokens({ config, special, added }: SavedTokenizer): TokenizerConfig {
  const keys = specialRoles.map((role) => `${role}_token` as const);
  const others = Object.keys(config).filter((key) => key.endsWith('_token') && !keys.some((known) => known === key));
  const named = [...keys, ...others].flatMap((key): [string, unknown][] => {
    const value = config[key];
    if (isUntyped(value)) return [[key, value.content]];
    return value === undefined || typeof value === 'boolean' ? [] : [[key, value]];
  });
  const unnamed = specialRoles.filter(
    (role) => config[`${role}_token`] === undefined && added.has(special[role] ?? ''),
  );
  const list = config.additional_special_tokens;
  return {
    ...Object.fromEntries(unnamed.map((role) => [`${role}_token`, special[role]])),
    ...Object.fromEntries(named),
    ...(Array.isArray(list) && list.some(isUntyped)
      ? { additional_special_tokens: list.map((token: unknown) => (isUntyped(token) ? token.content : token)) }
      : {}),
  };
}

/** Python takes an object for a token only where it says of itself that it is one. */
function isUntyped(value: unknown): value is { readonly content: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'content' in value &&
    typeof value.content === 'string' &&
    !('__type' in value)
  );
}
