import { textsOfPair } from '../pair.ts';
import { characterKind, kindOfCharacter } from './termKinds.ts';

/** The lengths of a block's terms, the least and the most, in words or characters. */
export type TermLengths = readonly [least: number, most: number];

/** What a text is cut into. */
export interface TermBlocks {
  /** Words that follow each other, such as `card` and `my card`. */
  readonly words: TermLengths;
  /** Characters that follow each other between two spaces, those among them, such as ` ca`, `car` and `rd `. */
  readonly characters: TermLengths;
}

/** The blocks in the order of their numbers. */
export const blockNames = ['words', 'characters'] as const satisfies readonly (keyof TermBlocks)[];

/**
 * Hears of a term: a key of 64 bits, which no two terms of a vocabulary share, and the number of its block.
 */
export type TermListener = (low: number, high: number, block: number) => void;

/**
 * Cuts texts into terms. Texts are compared in lower case and in the compatibility form of Unicode (NFKC). A word is a
 * run of letters, digits and marks; in scripts without spaces each character is one, so that two words in a row are two
 * characters. Characters are cut between spaces as scikit-learn's `char_wb` does; there, too, a sentence of a script
 * without spaces is one run.
 *
 * No term is made a text on the way: `current` gives that of the term that is being heard of.
 */
export class TermScanner {
  readonly #blocks: TermBlocks;
  #codes = new Uint32Array(1024);
  #count = 0;
  /** Where the words begin and end, in code points. */
  #starts: number[] = [];
  #ends: number[] = [];
  /** The term that is being heard of: the first word and how many, or the first code point and how many. */
  #block = 0;
  #from = 0;
  #length = 0;
  /** Of which text of a pair the terms are: what their strings begin with; 0 for nothing. */
  #part = 0;

  constructor(blocks: TermBlocks) {
    this.#blocks = blocks;
  }

  /**
   * Tells every term of a text, as often as it stands there. Time and memory are linear in the text. Of a pair the terms
   * of the second text are others than those of the first, and words that both have are told once more as such.
   */
  scan(text: string, hear: TermListener): void {
    const pair = textsOfPair(text);
    this.#part = 0;
    this.#read(pair?.[0] ?? text);
    this.#scanWords(hear);
    this.#scanCharacters(hear);
    if (!pair) return;
    const words = new Set(this.#wordKeys());
    this.#part = parts.second;
    this.#read(pair[1]);
    this.#scanWords(hear);
    this.#scanCharacters(hear);
    this.#scanShared(words, hear);
  }

  /** The term that the listener hears of. */
  current(): string {
    const slice = (from: number, to: number) => String.fromCodePoint(...this.#codes.subarray(from, to));
    const part = this.#part === 0 ? '' : String.fromCodePoint(this.#part);
    if (this.#block === 1) return part + slice(this.#from, this.#from + this.#length);
    const words = this.#starts.slice(this.#from, this.#from + this.#length);
    return words.map((start, i) => part + slice(start, this.#ends[this.#from + i] as number)).join(' ');
  }

  /** What tells the words of the text apart, whichever text of a pair it is. */
  #wordKeys(): string[] {
    return this.#starts.map((start, i) => String.fromCodePoint(...this.#codes.subarray(start, this.#ends[i])));
  }

  /** Tells each word that is among those of the first text, once. */
  #scanShared(first: ReadonlySet<string>, hear: TermListener): void {
    if (this.#blocks.words[0] > 1) return;
    this.#part = parts.both;
    this.#block = 0;
    this.#length = 1;
    const told = new Set<string>();
    for (const [i, word] of this.#wordKeys().entries()) {
      if (!first.has(word) || told.has(word)) continue;
      told.add(word);
      this.#from = i;
      hear(...keyOfRun(String.fromCodePoint(this.#part) + word, 0), 0);
    }
  }

  #read(text: string): void {
    const normal = text.normalize('NFKC').toLowerCase();
    if (this.#codes.length < normal.length + 2) this.#codes = new Uint32Array(2 * normal.length + 2);
    const codes = this.#codes;
    this.#starts = [];
    this.#ends = [];
    let count = 0;
    codes[count++] = blank;
    // The kind of the word that is being read: a run, or one character of a script without spaces.
    let word: number | undefined;
    for (let at = 0; at < normal.length; ) {
      const code = normal.codePointAt(at) as number;
      at += code > 0xffff ? 2 : 1;
      const kind = kindOfCharacter(code);
      const goesOn =
        word !== undefined && (kind === characterKind.mark || (kind === word && kind === characterKind.word));
      if (word !== undefined && !goesOn) this.#ends.push(count);
      if (!goesOn) {
        word = kind === characterKind.word || kind === characterKind.unspaced ? kind : undefined;
        if (word !== undefined) this.#starts.push(count);
      }
      // One space stands for all that follow each other.
      if (kind !== characterKind.space) codes[count++] = code;
      else if (codes[count - 1] !== blank) codes[count++] = blank;
    }
    if (word !== undefined) this.#ends.push(count);
    if (codes[count - 1] !== blank) codes[count++] = blank;
    this.#count = count;
  }

  #scanWords(hear: TermListener): void {
    const [least, most] = this.#blocks.words;
    const count = this.#starts.length;
    const codes = this.#codes;
    const lows = new Int32Array(count);
    const highs = new Int32Array(count);
    for (let word = 0; word < count; word++) {
      let [low, high] = this.#seed(0);
      for (let at = this.#starts[word] as number; at < (this.#ends[word] as number); at++) {
        low = mixedLow(low, codes[at] as number);
        high = mixedHigh(high, codes[at] as number);
      }
      lows[word] = low;
      highs[word] = high;
    }
    this.#block = 0;
    for (let word = 0; word < count; word++) {
      let low = lows[word] as number;
      let high = highs[word] as number;
      for (let length = 1; length <= most && word + length <= count; length++) {
        if (length > 1) {
          low = mixedLow(mixedLow(low, blank), lows[word + length - 1] as number);
          high = mixedHigh(mixedHigh(high, blank), highs[word + length - 1] as number);
        }
        if (length < least) continue;
        this.#from = word;
        this.#length = length;
        hear(low, high, 0);
      }
    }
  }

  /** What the keys of a block's terms begin with in this text. */
  #seed(block: 0 | 1): readonly [low: number, high: number] {
    const [low, high] = seeds[block];
    return this.#part === 0 ? [low, high] : [mixedLow(low, this.#part), mixedHigh(high, this.#part)];
  }

  #scanCharacters(hear: TermListener): void {
    const [least, most] = this.#blocks.characters;
    const codes = this.#codes;
    this.#block = 1;
    for (let from = 0; from < this.#count - 1; from++) {
      let [low, high] = this.#seed(1);
      for (let length = 1; length <= most && from + length <= this.#count; length++) {
        const code = codes[from + length - 1] as number;
        low = mixedLow(low, code);
        high = mixedHigh(high, code);
        if (length >= least) {
          this.#from = from;
          this.#length = length;
          hear(low, high, 1);
        }
        if (code === blank && length > 1) break;
      }
    }
  }
}

/** The key of a term of a vocabulary, as `scan` tells it. @returns null for what is no term of the block */
export function keyOfTerm(term: string, block: number): readonly [low: number, high: number] | null {
  if (term === '') return null;
  if (block === 1) return keyOfRun(term, 1);
  const keys = term.split(' ').map((word) => keyOfRun(word, 0));
  return keys.reduce(([low, high], next) => [
    mixedLow(mixedLow(low, blank), next[0]),
    mixedHigh(mixedHigh(high, blank), next[1]),
  ]);
}

function keyOfRun(run: string, block: 0 | 1): readonly [low: number, high: number] {
  let [low, high] = seeds[block];
  for (const character of run) {
    const code = character.codePointAt(0) as number;
    low = mixedLow(low, code);
    high = mixedHigh(high, code);
  }
  return [low, high];
}

/** What the terms of a pair begin with that are not the first text's: code points that texts do not hold. */
const parts = { second: 0xfdd0, both: 0xfdd1 } as const;

const blank = 0x20;
/** What the keys of each block begin with. */
const seeds: readonly [readonly [number, number], readonly [number, number]] = [
  [0x2545f491, 0x4f6cdd1d],
  [0x1b873593, 0x38495ab5],
];

function mixedLow(key: number, value: number): number {
  const mixed = Math.imul(key ^ value, 0x9e3779b1 | 0);
  return mixed ^ (mixed >>> 15);
}

function mixedHigh(key: number, value: number): number {
  const mixed = Math.imul(key + value, 0x85ebca6b | 0);
  return mixed ^ (mixed >>> 13);
}
