import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { readVocabulary, type SpecialRole, specialTokens, type TokenizerConfig, tokenizerJson } from './vocabulary.ts';

/** A text as tokens, without [CLS] and [SEP] around it. */
export interface Encoding {
  readonly ids: number[];
  /** The word that each token is a piece of, counted from 0; a special token in the text is a word of its own. */
  readonly wordIds: number[];
  /** The normalized words themselves, by word id. */
  readonly words: string[];
}

/** WordPiece as BERT uses it (Devlin et al. 2019), over `@huggingface/tokenizers`. */
export interface BertTokenizer {
  readonly vocabularySize: number;
  /** Ids of the special tokens by role. */
  readonly special: Readonly<Record<SpecialRole, number>>;
  readonly specialIds: ReadonlySet<number>;
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
 * Loads the tokenizer of a model folder: from `tokenizer.json`, or from `vocab.txt` alone, with
 * `tokenizer_config.json` honoured.
 *
 * @throws UsageError when the folder has neither; BertuneError when a file is broken or of another kind
 */
export function loadTokenizer(folder: string): BertTokenizer {
  const read = (name: string) => {
    const path = join(folder, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  };
  const configText = read('tokenizer_config.json');
  const config =
    configText === undefined ? {} : parseJson<TokenizerConfig>(configText, join(folder, 'tokenizer_config.json'));
  const vocabularyText = read('vocab.txt');
  const json = read('tokenizer.json') ?? buildJson(folder, vocabularyText, config);
  const files = new Map([
    ['tokenizer.json', json],
    ['tokenizer_config.json', configText ?? defaultConfig(config)],
    ...(vocabularyText === undefined ? [] : [['vocab.txt', vocabularyText] as const]),
  ]);
  return bertTokenizer(folder, parseJson<TokenizerJson>(json, join(folder, 'tokenizer.json')), config, files);
}

interface TokenizerJson {
  readonly model?: { readonly type?: string; readonly vocab?: Readonly<Record<string, number>> };
  readonly normalizer?: { readonly lowercase?: boolean; readonly type?: string } | null;
  readonly added_tokens?: readonly { readonly content: string; readonly id: number; readonly special: boolean }[];
}

function buildJson(folder: string, vocabularyText: string | undefined, config: TokenizerConfig): string {
  if (vocabularyText === undefined) {
    throw new UsageError(`no tokenizer in ${folder}: expected tokenizer.json or vocab.txt`);
  }
  return JSON.stringify(tokenizerJson(readVocabulary(vocabularyText), config, join(folder, 'vocab.txt')));
}

function defaultConfig(config: TokenizerConfig): string {
  const settings = { tokenizer_class: 'BertTokenizer', do_lower_case: true, model_max_length: 512, ...config };
  return `${JSON.stringify(settings, null, 1)}\n`;
}

function bertTokenizer(
  folder: string,
  json: TokenizerJson,
  config: TokenizerConfig,
  files: Map<string, string>,
): BertTokenizer {
  if (json.model?.type !== 'WordPiece') {
    throw new BertuneError(
      `${folder}: the tokenizer is of type ${json.model?.type ?? 'unknown'}; BERT needs WordPiece`,
    );
  }
  const library = new Tokenizer(json, config);
  const { model, normalizer, pre_tokenizer: preTokenizer } = library;
  if (!model || !preTokenizer) throw new BertuneError(`${folder}: tokenizer.json has no pre-tokenizer`);
  const special = specialIdsOf(folder, library, config);
  const added = new Map((json.added_tokens ?? []).map((token) => [token.content, token.id]));
  const splitter = new RegExp(`(${[...added.keys()].map(escapePattern).join('|')})`);
  const plainAscii = json.normalizer?.type === 'BertNormalizer' ? json.normalizer : undefined;
  const remembered = new Map<string, number[]>();

  const piecesOf = (word: string): number[] => {
    const known = remembered.get(word);
    if (known) return known;
    const pieces = model.encode([word]).map((piece: string) => library.token_to_id(piece) ?? special.unk);
    if (remembered.size >= rememberedWords) remembered.clear();
    remembered.set(word, pieces);
    return pieces;
  };
  // For printable ASCII the BERT normalizer does nothing but change case, and is slow at it.
  const normalize = (text: string) => {
    if (plainAscii && /^[\t\n\r -~]*$/.test(text)) return plainAscii.lowercase ? text.toLowerCase() : text;
    return normalizer ? normalizer.normalize(plainAscii ? separateRareHan(text) : text) : text;
  };

  return {
    vocabularySize: model.vocab.length,
    special,
    specialIds: new Set([
      ...Object.values(special),
      ...(json.added_tokens ?? []).filter((token) => token.special).map((token) => token.id),
    ]),
    encode(text) {
      const encoding: Encoding = { ids: [], wordIds: [], words: [] };
      const addWord = (word: string, pieces: readonly number[]) => {
        for (const id of pieces) {
          encoding.ids.push(id);
          encoding.wordIds.push(encoding.words.length);
        }
        encoding.words.push(word);
      };
      for (const section of added.size > 0 ? text.split(splitter) : [text]) {
        const id = added.get(section);
        if (id !== undefined) addWord(section, [id]);
        else if (section) {
          for (const word of preTokenizer.pre_tokenize_text(normalize(section), {})) addWord(word, piecesOf(word));
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

/** Ideographs outside the basic plane get spaces around them; the library separates those inside it alone. */
function separateRareHan(text: string): string {
  return text.replace(/[\u{20000}-\u{2A6DF}\u{2A700}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu, ' $& ');
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function parseJson<T extends object>(text: string, path: string): T {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BertuneError(`${path} is not valid JSON (${messageOf(error)}); download it again`);
  }
}
