import { breathe } from '../core/interrupt.ts';
import { randomBelow } from '../core/random.ts';
import { repeatedForm } from '../text/normalize.ts';
import type { TextTokenizer } from '../text/textTokenizer.ts';
import { hashText } from './hashText.ts';

/** What there is to say of texts, whatever they are for. */
export interface TextReview {
  readonly rows: number;
  /** Rows without a text. */
  readonly empty: number;
  /** Rows that are the names of their columns, as where files were put one after the other. */
  readonly headers: number;
  /** Texts that come again but for case, white space and Unicode form. */
  readonly repeated: number;
  /** Different texts that come with more than one label. */
  readonly conflicts: number;
  /** Some of them, each with two of its labels. */
  readonly conflicting: readonly { readonly text: string; readonly labels: readonly [string, string] }[];
  /** Texts in which bytes or characters were lost: they hold U+FFFD. */
  readonly damaged: number;
  /** Texts that are what data frames, databases and spreadsheets write for a missing value, and one of them. */
  readonly missing: number;
  readonly missingText?: string;
  /** Texts whose UTF-8 was read as another encoding before they were written: "cafÃ©". */
  readonly garbled: number;
  /** Texts that a known set holds as well. */
  readonly shared: number;
  readonly characters: Lengths;
  /** Share of the texts that are mostly in each script, largest first. */
  readonly scripts: readonly { readonly script: string; readonly share: number }[];
}

/** Of texts that are not empty; 0 where there is none. */
export interface Lengths {
  readonly median: number;
  readonly most: number;
}

/** Of a sample, where there are many texts. */
export interface TokenReview extends Lengths {
  /** Texts that were looked at. */
  readonly texts: number;
  /** The length that 95 % of the texts do not exceed. */
  readonly high: number;
  /** Tokens of a sequence that are read, special ones included. */
  readonly maxLength: number;
  /** Share of the texts that are longer. */
  readonly cut: number;
  /** Share of the tokens that the vocabulary does not know. */
  readonly unknown: number;
  /** Tokens of a word, on average: words by Unicode's rules, signs between them counted as words of their own. */
  readonly pieces: number;
}

/** Names of columns. */
export interface Columns {
  readonly textColumn?: string;
  readonly labelColumn?: string;
}

export interface Reading {
  readonly tokenizer: TextTokenizer;
  readonly maxLength: number;
}

/** Texts that are tokenized, and looked at for their script: of more, chance chooses. */
const sampled = 5000;
const shownConflicts = 3;

/** Looks through texts one by one. Memory grows by some 60 bytes a text. */
export class TextReviewer {
  #rows = 0;
  #empty = 0;
  #headers = 0;
  #repeated = 0;
  #damaged = 0;
  #garbled = 0;
  #missing = 0;
  #missingText: string | undefined;
  #shared = 0;
  readonly #known: TextReviewer | undefined;
  /** Number of the first label of each text, by the text's hash; −1 without one. */
  readonly #labelOf = new Map<number, number>();
  readonly #labels = new Map<string, number>();
  readonly #conflicts = new Set<number>();
  readonly #conflicting: { text: string; labels: [string, string] }[] = [];
  readonly #sample: string[] = [];
  readonly #lengths: number[] = [];
  #longest = 0;

  readonly #columns: Columns;

  /**
   * @param columns that the texts and labels come from
   * @param known texts that are looked for among these
   */
  constructor(columns: Columns, known?: TextReviewer) {
    this.#columns = columns;
    this.#known = known;
  }

  add(text: string, label?: string): void {
    this.#rows++;
    if (text.trim() === '') {
      this.#empty++;
      return;
    }
    const { textColumn, labelColumn } = this.#columns;
    if (text === textColumn && label === labelColumn) this.#headers++;
    if (text.includes('\ufffd')) this.#damaged++;
    if (garbledPattern.test(text)) this.#garbled++;
    if (missingPattern.test(text.trim())) {
      this.#missing++;
      this.#missingText ??= text.trim();
    }
    const hash = hashText(repeatedForm(text));
    if (this.#known?.has(hash)) this.#shared++;
    this.#compare(hash, text, label);
    this.#draw(text);
  }

  has(hash: number): boolean {
    return this.#labelOf.has(hash);
  }

  review(): TextReview {
    return {
      ...{
        rows: this.#rows,
        empty: this.#empty,
        headers: this.#headers,
        repeated: this.#repeated,
        shared: this.#shared,
      },
      ...{ conflicts: this.#conflicts.size, conflicting: this.#conflicting },
      ...{ damaged: this.#damaged, garbled: this.#garbled },
      ...{ missing: this.#missing, missingText: this.#missingText },
      characters: { median: quantile(this.#lengths, 0.5), most: this.#longest },
      scripts: scriptsOf(this.#sample),
    };
  }

  /** What a tokenizer makes of the texts. @throws InterruptedError once the signal is aborted */
  tokens(reading: Reading, signal?: AbortSignal): Promise<TokenReview> {
    return tokensOf(this.#sample, reading, signal);
  }

  #compare(hash: number, text: string, label: string | undefined): void {
    const first = this.#labelOf.get(hash);
    const number = label === undefined ? -1 : this.#numberOf(label);
    if (first === undefined) {
      this.#labelOf.set(hash, number);
      return;
    }
    this.#repeated++;
    if (number < 0 || first < 0 || number === first || this.#conflicts.has(hash)) return;
    this.#conflicts.add(hash);
    if (this.#conflicting.length === shownConflicts || label === undefined) return;
    this.#conflicting.push({ text, labels: [[...this.#labels.keys()][first] ?? '', label] });
  }

  #numberOf(label: string): number {
    const number = this.#labels.get(label) ?? this.#labels.size;
    this.#labels.set(label, number);
    return number;
  }

  /** A uniform sample of a stream (Vitter 1985). */
  #draw(text: string): void {
    const texts = this.#rows - this.#empty;
    const length = [...text].length;
    this.#longest = Math.max(this.#longest, length);
    const place = texts <= sampled ? texts - 1 : randomBelow(texts, 0, 'sample', texts);
    if (place >= sampled) return;
    this.#sample[place] = text;
    this.#lengths[place] = length;
  }
}

/** As they are written alone: "none" and "n/a" are answers that people give. */
const missingPattern = /^(nan|NaN|NULL|null|None|<NA>|NaT|\\N|#N\/A|#REF!|#VALUE!|#NAME\?|#DIV\/0!)$/;

/** UTF-8 sequences of two or three bytes that were read as Windows-1252 or Latin-1. */
const garbledPattern = /[ÃÂÐÑ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€[™œ\u009d“”˜¦¢]|â\u0080[\u0080-\u00bf]/u;

/** Texts that are tokenized before the signal is looked at. */
const atOnce = 100;

async function tokensOf(
  texts: readonly string[],
  { tokenizer, maxLength }: Reading,
  signal: AbortSignal | undefined,
): Promise<TokenReview> {
  const unknown = tokenizer.special.unk;
  const lengths: number[] = [];
  let [tokens, unknowns, words] = [0, 0, 0];
  for (const text of texts) {
    if (lengths.length % atOnce === 0) await breathe(signal);
    const { ids } = tokenizer.encode(text);
    tokens += ids.length;
    words += wordsIn(text);
    for (const id of ids) if (id === unknown) unknowns++;
    lengths.push(ids.length + tokenizer.frame.size);
  }
  return {
    texts: texts.length,
    median: quantile(lengths, 0.5),
    high: quantile(lengths, 0.95),
    most: lengths.reduce((most, length) => Math.max(most, length), 0),
    maxLength,
    cut: lengths.filter((length) => length > maxLength).length / Math.max(1, texts.length),
    unknown: unknowns / Math.max(1, tokens),
    pieces: tokens / Math.max(1, words),
  };
}

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** Words and signs of a text: the same for every tokenizer, so that their pieces compare. */
function wordsIn(text: string): number {
  let count = 0;
  for (const { segment, isWordLike } of segmenter.segment(text)) if (isWordLike || /\S/.test(segment)) count++;
  return count;
}

/** The smallest value that a share of the values does not exceed; 0 of none. */
function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

const scriptNames = [
  'Latin',
  'Cyrillic',
  'Greek',
  'Arabic',
  'Hebrew',
  'Devanagari',
  'Bengali',
  'Tamil',
  'Thai',
  'Hangul',
];
const scriptPatterns: readonly (readonly [string, RegExp])[] = [
  ...scriptNames.map((script) => [script, new RegExp(`\\p{Script=${script}}`, 'gu')] as const),
  ['Japanese', /[\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ['Chinese characters', /\p{Script=Han}/gu],
];

/** Characters of a text that tell its script. */
const toldBy = 200;

function scriptsOf(texts: readonly string[]): TextReview['scripts'] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    const script = scriptOf(text.slice(0, toldBy));
    counts.set(script, (counts.get(script) ?? 0) + 1);
  }
  return Array.from(counts, ([script, count]) => ({ script, share: count / texts.length })).sort(
    (a, b) => b.share - a.share || (a.script < b.script ? -1 : 1),
  );
}

/** The script of most letters; kana are Japanese, whatever else stands among them. */
function scriptOf(text: string): string {
  const countOf = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  const counts = scriptPatterns.map(([script, pattern]) => [script, countOf(pattern)] as const);
  if (counts.some(([script, count]) => script === 'Japanese' && count > 0)) return 'Japanese';
  const letters = countOf(/\p{L}/gu);
  if (letters === 0) return 'no letters';
  const others = letters - counts.reduce((sum, [, count]) => sum + count, 0);
  const [best] = [...counts, ['other', others] as const].sort(([, a], [, b]) => b - a);
  return best?.[0] ?? 'other';
}
