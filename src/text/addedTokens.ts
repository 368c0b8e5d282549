import type { TokenizerRules } from './tokenizerClass.ts';
import { isObject, type TokenizerFiles } from './tokenizerFiles.ts';
import type { TokenizerConfig } from './vocabulary.ts';

/** A token that is looked for in the text before it is cut into words, as `tokenizer.json` holds it. */
export interface AddedTokenJson {
  readonly id: number;
  readonly content: string;
  /** Whether it counts only where no letter or digit stands beside it. */
  readonly single_word: boolean;
  /** Whether it takes white space at its left, and at its right, along. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Whether it is looked for in normalized text. */
  readonly normalized: boolean;
  readonly special: boolean;
}

type Token = Omit<AddedTokenJson, 'id'>;

/** The pieces of a tokenizer's model, to which tokens are added. */
export interface ModelPieces {
  readonly size: number;
  /** Ids of those of the contents that are pieces of the model. */
  idsOf(contents: ReadonlySet<string>): ReadonlyMap<string, number>;
}

/**
 * The added tokens of a folder, as transformers 5.24 puts them together (`_from_pretrained` of its base class and the
 * constructor of `TokenizersBackend`), in the order of their ids. A token that is a piece of the model has the piece's
 * id; others follow the pieces one by one, whatever ids the files give them.
 *
 * @param config with the defaults of the class and `special_tokens_map.json` merged into it
 */
export function addedTokens(
  files: TokenizerFiles,
  config: TokenizerConfig,
  rules: TokenizerRules,
  pieces: ModelPieces,
): AddedTokenJson[] {
  const kept = rules === 'file' ? listOf(files.json?.added_tokens) : [];
  const named = namedTokens(config);
  const names = new Set([...named.values()].map(({ content }) => content));
  const listed = listedTokens(files, config).map((token) => ({
    ...token,
    special: token.special || names.has(token.content),
  }));
  const there = new Set([...kept, ...listed].map(({ content }) => content));
  const more = [...named.values(), ...extraTokens(config)].filter(({ content }) => !there.has(content));
  return numbered([...kept, ...listed, ...more], pieces);
}

/** The last of several tokens of one content counts, under the id of the first. */
function numbered(tokens: readonly Token[], pieces: ModelPieces): AddedTokenJson[] {
  const known = pieces.idsOf(new Set(tokens.map(({ content }) => content)));
  const found = new Map<string, AddedTokenJson>();
  let next = pieces.size;
  for (const token of tokens) {
    if (token.content === '') continue;
    const id = found.get(token.content)?.id ?? known.get(token.content) ?? next;
    found.set(token.content, { ...token, id });
    if (id >= next) next = id + 1;
  }
  return [...found.values()].map(inOrder).sort((a, b) => a.id - b.id);
}

/** With the keys as `tokenizer.json` has them. */
function inOrder({ id, content, single_word, lstrip, rstrip, normalized, special }: AddedTokenJson): AddedTokenJson {
  return { id, content, single_word, lstrip, rstrip, normalized, special };
}

/** Those that a file lists by id: `tokenizer_config.json`, or else the older files and `tokenizer.json`. */
function listedTokens(files: TokenizerFiles, config: TokenizerConfig): Token[] {
  const listed = new Map<number, Token>();
  if (isObject(config.added_tokens_decoder)) {
    for (const [id, value] of Object.entries(config.added_tokens_decoder)) {
      const token = tokenOf(value, false);
      if (token) listed.set(Number(id), token);
    }
  } else {
    // Those without a role that the older map names are not known as special at this point.
    const extra = extraTokens({ ...config, additional_special_tokens: files.config?.additional_special_tokens });
    const special = new Set([...namedTokens(config).values(), ...extra].map(({ content }) => content));
    for (const [content, id] of Object.entries(files.addedTokens ?? {})) {
      listed.set(Number(id), plainToken(content, special.has(content)));
    }
    for (const value of listOf(files.json?.added_tokens)) listed.set(value.id, value);
  }
  return [...listed].sort(([a], [b]) => a - b).map(([, token]) => token);
}

/** The added tokens of a `tokenizer.json`, with all of their flags. */
export function listOf(value: unknown): AddedTokenJson[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((each: unknown) => {
    const token = tokenOf(each, false);
    return token && isObject(each) ? [{ ...token, id: Number(each.id) }] : [];
  });
}

/** Tokens that have a role, in the order in which transformers keeps the roles. */
function namedTokens(config: TokenizerConfig): Map<string, Token> {
  const own = Object.keys(config).filter((key) => key.endsWith('_token') && !roles.includes(key));
  const extra: unknown = config.extra_special_tokens;
  const values: [string, unknown][] = [
    ...[...roles, ...own].map((key): [string, unknown] => [key, config[key]]),
    ...(isObject(extra) ? Object.entries(extra) : []),
  ];
  return new Map(
    values.flatMap(([key, value]) => {
      const token = typeof value === 'boolean' ? undefined : tokenOf(value, true);
      return token ? [[key, token]] : [];
    }),
  );
}

const roles = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

/** Special tokens without a role. */
function extraTokens(config: TokenizerConfig): Token[] {
  const { extra_special_tokens: extra, additional_special_tokens: older } = config;
  const values = Array.isArray(extra) && extra.length > 0 ? extra : extra ? [] : older;
  if (!Array.isArray(values)) return [];
  return values.flatMap((value: unknown) => tokenOf(value, !isObject(value) || value.special === undefined) ?? []);
}

/** A token that a file gives as text or as an object with flags. */
function tokenOf(value: unknown, special: boolean): Token | undefined {
  if (typeof value === 'string') return plainToken(value, special);
  if (!isObject(value) || typeof value.content !== 'string') return undefined;
  const isSpecial = special || value.special === true;
  return {
    content: value.content,
    single_word: value.single_word === true,
    lstrip: value.lstrip === true,
    rstrip: value.rstrip === true,
    normalized: typeof value.normalized === 'boolean' ? value.normalized : !isSpecial,
    special: isSpecial,
  };
}

function plainToken(content: string, special: boolean): Token {
  return { content, single_word: false, lstrip: false, rstrip: false, normalized: !special, special };
}
