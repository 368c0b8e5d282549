import type { Frame, PairFrame } from './frame.ts';

/** Two texts that are read together, such as a question with an answer. */
export interface TextPair {
  readonly text: string;
  readonly pair: string;
}

/**
 * Stands between the texts of a pair, which travel as one string: what goes by texts (folds, repetitions, caches) then
 * goes by pairs. Unicode keeps this code point out of texts for uses like this.
 */
const mark = '\ufdd0';

/** A pair as one string. */
export function pairText(first: string, second: string): string {
  return [first, second].map((text) => text.replaceAll(mark, '\ufffd')).join(mark);
}

/** The texts of a pair; undefined for a single text. */
export function textsOfPair(text: string): readonly [first: string, second: string] | undefined {
  const at = text.indexOf(mark);
  return at < 0 ? undefined : [text.slice(0, at), text.slice(at + 1)];
}

/** Whether a text, or one of a pair's, holds nothing but white space. */
export function isBlank(text: string): boolean {
  return (textsOfPair(text) ?? [text]).some((each) => each.trim() === '');
}

/** What a text or a pair is shown as: a pair with both of its texts. */
export function shownText(text: string): { readonly text: string; readonly pair?: string } {
  const [first, second] = textsOfPair(text) ?? [text];
  return second === undefined ? { text: first } : { text: first, pair: second };
}

/**
 * The sequence of a pair without the special tokens around it: those of both texts, with what stands between. From
 * there on tokens are held as their complement (`~id`, below 0), which tells where the first text ends wherever sequences
 * go; `framedPair` gives them back.
 *
 * @param most tokens of the sequence; of longer ones the longer text is cut first (transformers' `longest_first`)
 */
export function pairSequence(
  { between }: PairFrame,
  first: readonly number[],
  second: readonly number[],
  most: number,
  side: 'left' | 'right',
): { readonly ids: Int32Array; readonly isCut: boolean } {
  const [a, b] = lengthsWithin(first.length, second.length, Math.max(0, most - between.length));
  const kept = (ids: readonly number[], length: number) =>
    side === 'left' ? ids.slice(ids.length - length) : ids.slice(0, length);
  return {
    ids: Int32Array.from([...kept(first, a), ...[...between, ...kept(second, b)].map((id) => ~id)]),
    isCut: a < first.length || b < second.length,
  };
}

/** As Hugging Face tokenizers share out room: the shorter text keeps what it has, up to half. */
function lengthsWithin(first: number, second: number, most: number): readonly [number, number] {
  if (first + second <= most) return [first, second];
  const [short, long] = first > second ? [second, first] : [first, second];
  let [a, b] = [short, short > most ? short : Math.max(short, most - short)];
  if (a + b > most) {
    a = Math.floor(most / 2);
    b = a + (most % 2);
  }
  return first > second ? [Math.min(first, b), a] : [a, Math.min(long, b)];
}

/** Whether a sequence is that of a pair. */
export function isPairSequence(ids: ArrayLike<number>): boolean {
  return (ids[ids.length - 1] ?? 0) < 0;
}

/** A sequence as the model sees it, and which of two texts each token is of, as the tokenizer's template says. */
export function framedPair(frame: Frame, ids: ArrayLike<number>): { readonly ids: number[]; readonly types: number[] } {
  const own = Array.from(ids);
  const seen = [...frame.before, ...own.map((id) => (id < 0 ? ~id : id)), ...frame.after];
  const { between, secondType } = frame.pair ?? { between: [], secondType: 0 };
  const end = own.findIndex((id) => id < 0);
  const second = end < 0 ? seen.length : frame.before.length + end + between.length;
  return { ids: seen, types: seen.map((_, i) => (i < second ? 0 : secondType)) };
}
