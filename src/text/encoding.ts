import type { AddedToken } from './tokenizing/addedTokens.ts';
import type { PieceModel } from './tokenizing/model.ts';
import type { PreTokenizer } from './tokenizing/preTokenizers.ts';

/** A text as tokens, without the special ones around it. */
export interface Encoding {
  readonly ids: number[];
  /** The word that each token is a piece of, counted from 0; a special token in the text is a word of its own. */
  readonly wordIds: number[];
  /** The normalized words themselves, by word id, without signs that stand for spaces. */
  readonly words: string[];
  /**
   * Where in its word, as `words` has it, each token ends, in code units: of tokenizers that go by spaces, whose
   * words may be whole sentences.
   */
  readonly ends?: number[];
}

/** A text as tokens that know what they stand for. */
export interface AlignedEncoding extends Encoding {
  /** The part of the text that each token stands for, [from, to) in UTF-16 code units, as strings are indexed. */
  readonly offsets: (readonly [from: number, to: number])[];
}

/** A word as users read it, the ids of its pieces, and where in it each ends where a word may be a sentence. */
export interface Word {
  readonly text: string;
  readonly ids: readonly number[];
  readonly ends?: readonly number[];
}

/** @param spans the part of the word that each piece stands for, as from and to [2 · pieces] */
export function wordOf(
  word: string,
  ids: number[],
  spans: readonly number[],
  { shown, partsAtSpaces }: PreTokenizer,
): Word {
  const [text, before] = shown(word);
  if (!partsAtSpaces) return { text, ids };
  return { text, ids, ends: ids.map((_, i) => Math.max(0, (spans[2 * i + 1] as number) - before)) };
}

/** Most words that are remembered, and of how many code units: text repeats most of its words. */
const mostRemembered = 200_000;
const longestRemembered = 64;

/** Words and their pieces, those that were cut remembered: ids alone where words are shown as they are, to save memory. */
export class Words {
  readonly #model: PieceModel;
  readonly #preTokenizer: PreTokenizer;
  readonly #remembered = new Map<string, Word | readonly number[]>();

  constructor(model: PieceModel, preTokenizer: PreTokenizer) {
    this.#model = model;
    this.#preTokenizer = preTokenizer;
  }

  /** Puts a word at the end of an encoding. */
  add(encoding: Encoding, word: string): void {
    const known = this.#remembered.get(word) ?? this.#cut(word);
    if (isIds(known)) addPieces(encoding, word, known);
    else addWord(encoding, known);
  }

  #cut(word: string): Word | readonly number[] {
    const { showsAsIs = false, partsAtSpaces } = this.#preTokenizer;
    const spans: number[] = [];
    // A copy has room for no more than what is in it.
    const ids = this.#model.tokenize(word, partsAtSpaces ? spans : undefined).slice();
    const found = showsAsIs && !partsAtSpaces ? ids : wordOf(word, ids, spans, this.#preTokenizer);
    if (word.length <= longestRemembered) {
      if (this.#remembered.size >= mostRemembered) this.#remembered.clear();
      this.#remembered.set(word, found);
    }
    return found;
  }
}

function isIds(found: Word | readonly number[]): found is readonly number[] {
  return Array.isArray(found);
}

/** Puts words, as they were cut, at the end of an encoding. */
export function addWords(encoding: Encoding, cut: readonly string[], words: Words): void {
  for (let i = 0; i < cut.length; i++) words.add(encoding, cut[i] as string);
}

function addPieces({ ids, wordIds, words }: Encoding, word: string, pieces: readonly number[]): void {
  const wordId = words.length;
  for (let i = 0; i < pieces.length; i++) {
    ids.push(pieces[i] as number);
    wordIds.push(wordId);
  }
  words.push(word);
}

/** Puts a word at the end of an encoding. */
export function addWord({ ids, wordIds, words, ends }: Encoding, word: Word): void {
  const wordId = words.length;
  for (let i = 0; i < word.ids.length; i++) {
    ids.push(word.ids[i] as number);
    wordIds.push(wordId);
    ends?.push(word.ends?.[i] ?? word.text.length);
  }
  words.push(word.text);
}

/** Puts an added token, which is a word of its own, at the end of an encoding. @param text what stands for it */
export function addToken(encoding: Encoding, text: string, { id, takesBefore, takesAfter }: AddedToken): void {
  addWord(encoding, { ids: [id], text: takesBefore || takesAfter ? text.trim() : text });
}
