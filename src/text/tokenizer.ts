import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { BertuneError, messageOf } from '../core/errors.ts';
import { type BertNormalizerConfig, bertNormalizer } from './bertNormalizer.ts';
import { type Frame, frameOf } from './frame.ts';
import type { SpecialRole, TokenizerConfig } from './vocabulary.ts';

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

/** A tokenizer as its files describe it, contradictions between them resolved. */
export interface TokenizerDefinition {
  /** What messages call the place of the files. */
  readonly where: string;
  /** `tokenizer.json`, the one description that counts. */
  readonly json: TokenizerJson;
  readonly config: TokenizerConfig;
  /** Text of the special tokens by role. */
  readonly special: Readonly<Record<SpecialRole, string>>;
  /** Contents of the files to be saved with a model, by name. */
  readonly files: ReadonlyMap<string, string>;
}

/** What of a `tokenizer.json` is looked at. */
export interface TokenizerJson {
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

/**
 * The tokenizer of a description: WordPiece as BERT uses it (Devlin et al. 2019).
 *
 * @throws BertuneError when it is of another kind, or cannot be used
 */
export function textTokenizer(definition: TokenizerDefinition): TextTokenizer {
  const { where: folder, json, config } = definition;
  if (json.model?.type !== 'WordPiece') {
    throw new BertuneError(
      `${folder}: the tokenizer is of type ${json.model?.type ?? 'unknown'}; BERT needs WordPiece`,
    );
  }
  const library = createLibrary(folder, json, config);
  const { model, normalizer, pre_tokenizer: preTokenizer } = library;
  if (!model || !preTokenizer) throw new BertuneError(`${folder}: tokenizer.json has no pre-tokenizer`);
  const special = specialIdsOf(definition, library);
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
    files: () => new Map(definition.files),
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

function specialIdsOf(
  { where: folder, special: tokens }: TokenizerDefinition,
  library: Tokenizer,
): Record<SpecialRole, number> {
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
