import type { TextTokenizer } from '../textTokenizer.ts';
import { givenUnits, type Unit, unitsOf } from './units.ts';

/** A text as it is read for tags: its words, and the windows of tokens in which each of them is read once. */
export interface CutText {
  readonly units: readonly Unit[];
  readonly windows: readonly TagWindow[];
}

export interface TagWindow {
  /** Tokens, without the special ones around them. */
  readonly ids: Int32Array;
  /** Tokens that are read here, counted from the first of the window, and the word that each stands for. */
  readonly places: readonly number[];
  readonly units: readonly number[];
}

/** A text, and the places of its words where it came as words. */
export interface TextToCut {
  readonly text: string;
  readonly words?: readonly (readonly [number, number])[];
}

/**
 * Cuts a text into windows that overlap: every word is read in that one in which it has most around it, so that none is
 * lost behind the longest sequence.
 *
 * @param most tokens of a window, special ones left out
 */
export function cutText(tokenizer: TextTokenizer, { text, words }: TextToCut, most: number): CutText {
  const encoding = tokenizer.encodeAligned(text);
  const units = words ? givenUnits(text, encoding, words) : unitsOf(text, encoding);
  return { units, windows: windowsOf(encoding.ids, units, most) };
}

/** The windows in which the tokens of words are read. */
export function windowsOf(ids: readonly number[], units: readonly Pick<Unit, 'token'>[], most: number): TagWindow[] {
  const starts = windowStarts(ids.length, most, new Set(units.map(({ token }) => token)));
  return starts.flatMap((from, i) => {
    const to = Math.min(from + most, ids.length);
    const border = (a: number, b: number) => Math.ceil((a + b) / 2);
    const before = starts[i - 1];
    const after = starts[i + 1];
    const first = before === undefined ? 0 : border(from, Math.min(before + most, ids.length));
    const last = after === undefined ? ids.length : border(after, to);
    const places: number[] = [];
    const read: number[] = [];
    for (const [unit, { token }] of units.entries()) {
      if (token < first || token >= last) continue;
      places.push(token - from);
      read.push(unit);
    }
    return places.length === 0 ? [] : [{ ids: Int32Array.from(ids.slice(from, to)), places, units: read }];
  });
}

/** Where windows begin: as even as can be, at words, with a quarter of a window in common. */
function windowStarts(length: number, most: number, words: ReadonlySet<number>): number[] {
  if (length <= most) return [0];
  const overlap = Math.floor(most / 4);
  const count = Math.ceil((length - overlap) / Math.max(1, most - overlap));
  const starts: number[] = [];
  for (let i = 0; i < count; i++) {
    const even = Math.round((i * (length - most)) / Math.max(1, count - 1));
    let start = even;
    // Back to a word, never so far that a part of the text would be in no window.
    while (start > (starts.at(-1) ?? 0) + 1 && even - start < overlap && !words.has(start)) start--;
    starts.push(words.has(start) ? start : even);
  }
  // What was moved back may leave the end of the text out.
  const last = (starts.at(-1) ?? 0) + most;
  if (last < length) starts.push(length - most);
  return starts;
}
