import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { errorCode, readError } from '../core/files.ts';
import { type BertNormalizerConfig, bertNormalizer } from './bertNormalizer.ts';
import { type Frame, frameOf } from './frame.ts';
import {
  readVocabulary,
  type SpecialRole,
  savedConfig,
  specialTokens,
  type TokenizerConfig,
  tokenizerJson,
} from './vocabulary.ts';

/** A text as tokens, without the special ones around it. */
export interface Encoding {
  readonly ids: number[];
  /** The word that each token is a piece of, counted from 0; a special token in the text is a word of its own. */
  readonly wordIds: number[];
  /** The normalized words themselves, by word id. */
  readonly words: string[];
}

/**
 * What turns text into tokens. Its files say of themselves which kind it is, so families of encoders do not: models of
 * one family come with tokenizers of several kinds.
 */
export interface TextTokenizer {
  readonly vocabularySize: number;
  /** Ids of the special tokens by role. */
  readonly special: Readonly<Record<SpecialRole, number>>;
  readonly specialIds: ReadonlySet<number>;
  /** What stands around every sequence. */
  readonly frame: Frame;
  encode(text: string): Encoding;
  /** The raw piece of an id. */
  tokenOf(id: number): string;
  idOf(token: string): number | undefined;
  /** Text of tokens, pieces joined. */
  decode(ids: readonly number[]): string;
  /** Contents of the tokenizer's files by name, to be saved with a model. */
  files(): Map<string, string>;
}

/** Words whose pieces are remembered; text repeats most of its words. */
const rememberedWords = 200_000;

/**
 * Loads the tokenizer of a model folder, WordPiece as BERT uses it (Devlin et al. 2019): from `tokenizer.json`, or
 * from `vocab.txt` alone, with `tokenizer_config.json` honoured.
 *
 * @throws UsageError when the folder has neither; BertuneError when a file is broken or of another kind
 */
export function loadTokenizer(folder: string): TextTokenizer {
  return openTokenizer(folder, (name) => readIfThere(join(folder, name)));
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw readError(path, error);
  }
}

/**
 * The tokenizer of the files that `read` gives by name. Throws what `loadTokenizer` throws.
 *
 * @param folder what messages call the place of the files
 */
export function openTokenizer(folder: string, read: (name: string) => string | undefined): TextTokenizer {
  const configText = read('tokenizer_config.json');
  const config =
    configText === undefined
      ? { model_max_length: 512 }
      : parseJson<TokenizerConfig>(configText, join(folder, 'tokenizer_config.json'));
  const vocabularyText = read('vocab.txt');
  const jsonText = read('tokenizer.json') ?? buildJson(folder, vocabularyText, config);
  const json = parseJson<TokenizerJson>(jsonText, join(folder, 'tokenizer.json'));
  const saved = savedConfig(config, json.normalizer);
  const files = new Map([
    ['tokenizer.json', jsonText],
    ['tokenizer_config.json', saved === config && configText !== undefined ? configText : prettyJson(saved)],
    ...(vocabularyText === undefined ? [] : [['vocab.txt', vocabularyText] as const]),
  ]);
  return wordPiece(folder, json, config, files);
}

interface TokenizerJson {
  readonly model?: { readonly type?: string };
  readonly normalizer?: (BertNormalizerConfig & { readonly type?: string }) | null;
  readonly added_tokens?: readonly AddedToken[];
}

/** A token that is looked for in the text before it is cut into words. */
interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean;
  /** Whether it is looked for in normalized text rather than in the text as it is. */
  readonly normalized?: boolean;
}

function buildJson(folder: string, vocabularyText: string | undefined, config: TokenizerConfig): string {
  if (vocabularyText === undefined) {
    throw new UsageError(`no tokenizer in ${folder}: expected tokenizer.json or vocab.txt`);
  }
  return JSON.stringify(tokenizerJson(readVocabulary(vocabularyText), config, join(folder, 'vocab.txt')));
}

function prettyJson(value: object): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

function wordPiece(
  folder: string,
  json: TokenizerJson,
  config: TokenizerConfig,
  files: Map<string, string>,
): TextTokenizer {
  if (json.model?.type !== 'WordPiece') {
    throw new BertuneError(
      `${folder}: the tokenizer is of type ${json.model?.type ?? 'unknown'}; BERT needs WordPiece`,
    );
  }
  const library = createLibrary(folder, json, config);
  const { model, normalizer, pre_tokenizer: preTokenizer } = library;
  if (!model || !preTokenizer) throw new BertuneError(`${folder}: tokenizer.json has no pre-tokenizer`);
  const special = specialIdsOf(folder, library, config);
  const normalize =
    json.normalizer?.type === 'BertNormalizer'
      ? bertNormalizer(json.normalizer)
      : (text: string) => normalizer?.normalize(text) ?? text;
  const added = json.added_tokens ?? [];
  const splitRaw = splitter(added.filter((token) => !token.normalized));
  const splitNormalized = splitter(
    added.filter((token) => token.normalized).map((token) => ({ ...token, content: normalize(token.content) })),
  );
  const remembered = new Map<string, number[]>();

  const piecesOf = (word: string): number[] => {
    const known = remembered.get(word);
    if (known) return known;
    const pieces = model.encode([word]).map((piece: string) => library.token_to_id(piece) ?? special.unk);
    if (remembered.size >= rememberedWords) remembered.clear();
    remembered.set(word, pieces);
    return pieces;
  };

  return {
    vocabularySize: model.vocab.length,
    special,
    specialIds: new Set([
      ...Object.values(special),
      ...added.filter((token) => token.special).map((token) => token.id),
    ]),
    frame: frameOf([special.cls], [special.sep], special.pad),
    encode(text) {
      const encoding: Encoding = { ids: [], wordIds: [], words: [] };
      const addWord = (word: string, pieces: readonly number[]) => {
        for (const id of pieces) {
          encoding.ids.push(id);
          encoding.wordIds.push(encoding.words.length);
        }
        encoding.words.push(word);
      };
      for (const { text: section, id } of splitRaw(text)) {
        if (id !== undefined) addWord(section, [id]);
        else {
          for (const part of splitNormalized(normalize(section))) {
            if (part.id !== undefined) addWord(part.text, [part.id]);
            else for (const word of preTokenizer.pre_tokenize_text(part.text, {})) addWord(word, piecesOf(word));
          }
        }
      }
      return encoding;
    },
    tokenOf: (id) => library.id_to_token(id) ?? `[id ${id}]`,
    idOf: (token) => library.token_to_id(token),
    decode: (ids) => (ids.length > 0 ? library.decode([...ids]) : ''),
    files: () => new Map(files),
  };
}

function createLibrary(folder: string, json: TokenizerJson, config: TokenizerConfig): Tokenizer {
  try {
    return new Tokenizer({ added_tokens: [], ...json }, config);
  } catch (error) {
    throw new BertuneError(
      `${join(folder, 'tokenizer.json')} cannot be used (${messageOf(error)}); save it with transformers anew`,
    );
  }
}

function specialIdsOf(folder: string, library: Tokenizer, config: TokenizerConfig): Record<SpecialRole, number> {
  const tokens = specialTokens(config);
  const idOf = (role: SpecialRole) => {
    const id = library.token_to_id(tokens[role]);
    if (id === undefined) {
      throw new BertuneError(`${folder}: the vocabulary has no ${tokens[role]}, which a BERT tokenizer needs`);
    }
    return id;
  };
  return { pad: idOf('pad'), unk: idOf('unk'), cls: idOf('cls'), sep: idOf('sep'), mask: idOf('mask') };
}

/** Cuts text at added tokens, of which the longest at a place counts; those have their id. */
function splitter(tokens: readonly AddedToken[]): (text: string) => { text: string; id?: number }[] {
  const ids = new Map(tokens.filter(({ content }) => content !== '').map(({ content, id }) => [content, id]));
  if (ids.size === 0) return (text) => [{ text }];
  const contents = [...ids.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(`(${contents.map(escapePattern).join('|')})`);
  return (text) =>
    text
      .split(pattern)
      .filter((part) => part !== '')
      .map((part) => ({ text: part, id: ids.get(part) }));
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function parseJson<T extends object>(text: string, path: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BertuneError(`${path} is not valid JSON (${messageOf(error)}); download it again`);
  }
  if (!isObject<T>(value)) throw new BertuneError(`${path} holds no JSON object; download it again`);
  return value;
}

function isObject<T extends object>(value: unknown): value is T {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
