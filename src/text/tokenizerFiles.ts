import { join } from 'node:path';
import { BertuneError, messageOf } from '../core/errors.ts';
import type { TokenizerJson } from './textTokenizer.ts';
import type { TokenizerConfig } from './vocabulary.ts';

/** What a folder says of its tokenizer, file by file; absent where there is no such file. */
export interface TokenizerFiles {
  /** What messages call the folder. */
  readonly where: string;
  /** `tokenizer.json`. */
  readonly json?: WholeTokenizerJson;
  readonly jsonText?: string;
  /** `tokenizer_config.json`. */
  readonly config?: TokenizerConfig;
  readonly configText?: string;
  /** `special_tokens_map.json`: tokens by role, as older versions of transformers wrote them. */
  readonly specialTokensMap?: TokenizerConfig;
  /** `added_tokens.json`: ids by token, as older versions of transformers wrote them. */
  readonly addedTokens?: Readonly<Record<string, unknown>>;
  /** `vocab.txt`. */
  readonly vocabularyText?: string;
  /** `vocab.json`: ids by piece, of a folder with no other. */
  readonly vocabularyObject?: Readonly<Record<string, unknown>>;
  /** `merges.txt` beside it: pairs of pieces that join, the first ones first. */
  readonly merges?: readonly string[];
  /** Name of a vocabulary in a form that is not read, of a folder with no other. */
  readonly otherVocabulary?: string;
  /** `config.json` of the model. */
  readonly model?: Readonly<Record<string, unknown>>;
}

/** A `tokenizer.json` as far as transformers takes it apart. */
export interface WholeTokenizerJson extends TokenizerJson {
  readonly model?: {
    readonly type?: string;
    /** Ids by piece for WordPiece, piece and score by id for Unigram. */
    readonly vocab?: unknown;
    readonly unk_token?: unknown;
    readonly unk_id?: unknown;
    readonly continuing_subword_prefix?: unknown;
    readonly max_input_chars_per_word?: unknown;
    readonly byte_fallback?: unknown;
    readonly merges?: unknown;
  };
}

/**
 * Reads the files.
 *
 * @param read content of a file by its name; undefined when there is none
 * @throws BertuneError for a file that is no JSON object
 */
export function readTokenizerFiles(where: string, read: (name: string) => string | undefined): TokenizerFiles {
  const [jsonText, configText] = [read('tokenizer.json'), read('tokenizer_config.json')];
  const parsed = <T extends object>(name: string, text = read(name)): T | undefined =>
    text === undefined ? undefined : parseObject<T>(text, join(where, name));
  const vocabularyText = read('vocab.txt');
  const isWithout = jsonText === undefined && vocabularyText === undefined;
  const vocabularyObject = isWithout ? parsed<Record<string, unknown>>('vocab.json') : undefined;
  const merges = vocabularyObject && read('merges.txt');
  return {
    where,
    json: parsed<WholeTokenizerJson>('tokenizer.json', jsonText),
    jsonText,
    config: parsed<TokenizerConfig>('tokenizer_config.json', configText),
    configText,
    specialTokensMap: parsed('special_tokens_map.json'),
    addedTokens: parsed('added_tokens.json'),
    vocabularyText,
    vocabularyObject,
    merges: merges === undefined ? undefined : mergesOf(merges),
    otherVocabulary: isWithout ? otherVocabularies.find((name) => read(name) !== undefined) : undefined,
    model: parsed('config.json'),
  };
}

/** Lines of a `merges.txt`; the first one names its version. */
function mergesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines.filter((line) => !line.startsWith('#version'));
}

/** Of SentencePiece, and of byte pairs. */
const otherVocabularies = ['sentencepiece.bpe.model', 'spiece.model', 'tokenizer.model', 'spm.model', 'merges.txt'];

function parseObject<T extends object>(text: string, path: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BertuneError(`${path} is not valid JSON (${messageOf(error)}); download it again`);
  }
  if (!isObject<T>(value)) throw new BertuneError(`${path} holds no JSON object; download it again`);
  return value;
}

/** Whether a value of JSON is an object; what its keys hold is for the caller to check. */
export function isObject<T extends object = Readonly<Record<string, unknown>>>(value: unknown): value is T {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
