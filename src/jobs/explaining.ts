import { UsageError } from '../core/errors.ts';
import { type Message, say, setting } from '../core/message.ts';
import { argmax } from '../evaluation/classification.ts';
import type { LabelKindName } from '../models/text/heads/table.ts';
import type { IntegratedGradients } from '../tasks/text/integratedGradients.ts';
import { logSoftmax } from '../tasks/words/wordsModel.ts';
import { pairText, type TextPair, textsOfPair } from '../text/pair.ts';
import { codePointsAt } from '../text/tagging/places.ts';
import type { AlignedEncoding, TextTokenizer } from '../text/textTokenizer.ts';
import { unitStarts } from '../text/words.ts';
import { checkLabeled } from './answers/labelAnswers.ts';
import { asTexts } from './pairsOfTexts.ts';
import { answersWith } from './trust/answersWith.ts';
import type { ExplainedWord, Explanation, PairNames } from './types.ts';

/** A classifier that is to say what its answers come of. */
export interface Explained {
  readonly path: string;
  /** What it answers with; null where it has no classifier. */
  readonly kind: LabelKindName | 'tokenLabels' | null;
  readonly labels: readonly string[];
  /** The columns of the pairs that it reads; null for single texts. */
  readonly pairs: PairNames | null;
  /** What it makes of each text [labels]. */
  rows(texts: readonly string[]): Promise<ArrayLike<number>[]>;
  /** Absent where words are read, too: their counts have no gradients by which a text changes. */
  readonly network?: ExplainedNetwork;
}

/** How texts are explained. */
export interface ExplainOptions {
  /** What places of words are counted in; code units, as strings are indexed, when absent. */
  readonly offsets?: 'code-points' | 'utf-16';
  /** Is waited for before each block of a computation, and may end it by throwing. */
  readonly pause: () => Promise<void>;
}

export interface ExplainedNetwork {
  readonly tokenizer: TextTokenizer;
  /** What every text begins with. */
  readonly prompt: string;
  /** Tokens of a text, special ones included, and sequences that a longer one is read in. */
  readonly maxLength: number;
  readonly mostWindows: number;
  gradients(): IntegratedGradients;
}

/**
 * What the words of each text do to the likeliest label.
 *
 * @throws UsageError for answers that are no one label, and for pairs where single texts are read, or the other way round
 */
export async function explain(
  explained: Explained,
  given: readonly (string | TextPair)[],
  { offsets = 'utf-16', pause }: ExplainOptions,
): Promise<Explanation[]> {
  const { path, kind, labels, pairs } = explained;
  checkLabeled(given, 'explain needs a list of texts');
  if (kind !== 'oneLabel') throw new UsageError(notExplained(kind, path));
  const explanations: Explanation[] = [];
  for (const text of asTexts(given, pairs, path)) {
    await pause();
    const [row = []] = await explained.rows([text]);
    const output = argmax(row);
    const found =
      (await byGradients(explained, text, output, pause)) ?? (await byOcclusion(explained, text, row, output, pause));
    const words = offsets === 'utf-16' ? found.words : inCodePoints(found.words, pairOf(explained, text) ?? [text]);
    explanations.push({ label: labels[output] ?? String(output), ...found, words });
  }
  return explanations;
}

/** Why a model's answers are not explained, in words. @param path what callers call it */
export function notExplained(kind: Explained['kind'], path: string): Message {
  const answers = kind === null ? 'has no classifier' : `answers with ${answersWith(kind)}`;
  return say`${setting('explain')} is for classifiers of one label a text, and ${path} ${answers}; leave it out`;
}

/** The texts of a pair; of a model of single texts nothing is one. */
function pairOf({ pairs }: Explained, text: string): readonly [string, string] | undefined {
  return pairs === null ? undefined : textsOfPair(text);
}

/** Words whose places are in code units, with places in code points; of a pair in the text that each stands in. */
function inCodePoints(words: readonly ExplainedWord[], texts: readonly string[]): ExplainedWord[] {
  const [first, second] = texts.map(codePointsAt);
  return words.map((word) => {
    const place = word.of === 'pair' ? second : first;
    return place ? { ...word, start: place(word.start), end: place(word.end) } : word;
  });
}

type Found = Omit<Explanation, 'label'>;

/** By integrated gradients of the label's logit; undefined where words are read, too, or a text in several windows. */
async function byGradients(
  explained: Explained,
  text: string,
  output: number,
  pause: () => Promise<void>,
): Promise<Found | undefined> {
  // Of a pair both texts are in one sequence, whose tokens have no place in either.
  const { network } = explained;
  if (!network || pairOf(explained, text)) return undefined;
  const { tokenizer, prompt, maxLength, mostWindows, gradients } = network;
  const encoding = tokenizer.encodeAligned(prompt + text);
  const { frame, truncationSide, special } = tokenizer;
  const most = maxLength - frame.size;
  const length = encoding.ids.length;
  if (length > most && mostWindows > 1) return undefined;
  const from = truncationSide === 'left' ? Math.max(0, length - most) : 0;
  const ids = encoding.ids.slice(from, from + most);
  if (ids.length === 0) return undefined;
  const begun = prompt === '' ? 0 : tokenizer.encode(prompt).ids.length;
  const promptTokens = begun === 0 ? 0 : Math.min(frame.before.length + begun, maxLength - frame.after.length);
  const { tokens, difference, error, passes } = await gradients().of(ids, output, {
    ...{ baseline: special.pad, promptTokens, pause },
  });
  const words = wordsOf(encoding, tokens, from, prompt.length, text);
  return { method: 'integrated gradients', words, difference, error, passes: passes + 1 };
}

/** The tokens of each word as one, at its place in the text as it was given. */
function wordsOf(
  encoding: AlignedEncoding,
  tokens: Float64Array,
  from: number,
  promptLength: number,
  text: string,
): ExplainedWord[] {
  const starts = unitStarts(encoding);
  const words: { start: number; end: number; weight: number }[] = [];
  for (const [i, weight] of tokens.entries()) {
    const [own, end] = encoding.offsets[from + i] ?? [0, 0];
    const [first, last] = [own - promptLength, end - promptLength];
    if (last <= 0) continue; // of the prompt
    const word = words.at(-1);
    if (word && !starts[from + i]) {
      word.end = Math.max(word.end, last);
      word.weight += weight;
    } else words.push({ start: Math.max(0, first), end: last, weight });
  }
  return words.map(({ start, end, weight }) => {
    const part = text.slice(start, end);
    // Some tokenizers count the space before a word to it.
    const trimmed = part.trimStart();
    return { text: trimmed, start: end - trimmed.length, end, weight };
  });
}

/** Characters of the texts that are read between two pauses, unless one alone has more. */
const charactersTogether = 4096;

/** By leaving each word out, of a pair in both texts: what the log-probability of the label loses. */
async function byOcclusion(
  explained: Explained,
  text: string,
  row: ArrayLike<number>,
  output: number,
  pause: () => Promise<void>,
): Promise<Found> {
  const pair = pairOf(explained, text);
  const words = (pair ?? [text]).flatMap((own, of) =>
    [...segmenter.segment(own)].filter(({ isWordLike }) => isWordLike).map((word) => ({ ...word, own, of })),
  );
  const without = ({ own, of, index, segment }: (typeof words)[number]) => {
    const rest = own.slice(0, index) + own.slice(index + segment.length);
    if (!pair) return rest;
    return of === 0 ? pairText(rest, pair[1]) : pairText(pair[0], rest);
  };
  const chanceOf = (one: ArrayLike<number>) => logSoftmax(Float64Array.from(one))[output] as number;
  const whole = chanceOf(row);
  const lost: number[] = [];
  const together = Math.max(1, Math.floor(charactersTogether / Math.max(1, text.length)));
  for (let from = 0; from < words.length; from += together) {
    await pause();
    for (const other of await explained.rows(words.slice(from, from + together).map(without)))
      lost.push(whole - chanceOf(other));
  }
  return {
    method: 'occlusion',
    words: words.map(({ of, index, segment }, i) => ({
      ...{ text: segment, start: index, end: index + segment.length },
      ...(pair ? { of: of === 0 ? 'text' : 'pair' } : {}),
      weight: lost[i] ?? 0,
    })),
    passes: words.length + 1,
  };
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });
