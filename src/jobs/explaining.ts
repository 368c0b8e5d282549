import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { argmax } from '../evaluation/classification.ts';
import type { LabelKindName } from '../models/text/heads/table.ts';
import type { IntegratedGradients } from '../tasks/text/integratedGradients.ts';
import { logSoftmax } from '../tasks/words/wordsModel.ts';
import { pairText, textsOfPair } from '../text/pair.ts';
import type { AlignedEncoding, TextTokenizer } from '../text/textTokenizer.ts';
import { unitStarts } from '../text/words.ts';
import type { ExplainedWord, Explanation } from './types.ts';

/** A classifier that is to say what its answers come of. */
export interface Explained {
  readonly path: string;
  /** What it answers with; undefined where it has no classifier. */
  readonly kind: LabelKindName | undefined;
  readonly labels: readonly string[];
  /** What it makes of each text [labels]. */
  rows(texts: readonly string[]): Promise<ArrayLike<number>[]>;
  /** Absent where words are read, too: their counts have no gradients by which a text changes. */
  readonly network?: ExplainedNetwork;
  readonly signal?: AbortSignal;
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

/** What the words of each text do to the likeliest label. @throws UsageError for answers that are no one label */
export async function explain(explained: Explained, texts: readonly string[]): Promise<Explanation[]> {
  const { path, kind, labels, network } = explained;
  if (kind !== 'oneLabel') {
    throw new UsageError(
      say`${setting('explain')} is for classifiers of one label a text, and ${path} is none; leave it out`,
    );
  }
  const rows = await explained.rows(texts);
  const explanations: Explanation[] = [];
  for (const [i, text] of texts.entries()) {
    const row = rows[i] ?? [];
    const output = argmax(row);
    // Of a pair both texts are in one sequence, whose tokens have no place in either.
    const isSingle = textsOfPair(text) === undefined;
    const found =
      (network && isSingle ? await byGradients(network, text, output, explained.signal) : undefined) ??
      (await byOcclusion(explained, text, row, output));
    explanations.push({ label: labels[output] ?? String(output), ...found });
  }
  return explanations;
}

type Found = Omit<Explanation, 'label'>;

/** By integrated gradients of the label's logit; undefined for a text that is read in several windows. */
async function byGradients(
  { tokenizer, prompt, maxLength, mostWindows, gradients }: ExplainedNetwork,
  text: string,
  output: number,
  signal: AbortSignal | undefined,
): Promise<Found | undefined> {
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
  const { tokens, difference, error } = await gradients().of(ids, output, {
    ...{ baseline: special.pad, promptTokens, signal },
  });
  const words = wordsOf(encoding, tokens, from, prompt.length, text);
  return { method: 'integrated gradients', words, difference, error };
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

/** By leaving each word out, of a pair in both texts: what the log-probability of the label loses. */
async function byOcclusion({ rows }: Explained, text: string, row: ArrayLike<number>, output: number): Promise<Found> {
  const pair = textsOfPair(text);
  const words = (pair ?? [text]).flatMap((own, of) =>
    [...segmenter.segment(own)].filter(({ isWordLike }) => isWordLike).map((word) => ({ ...word, own, of })),
  );
  const without = words.map(({ own, of, index, segment }) => {
    const rest = own.slice(0, index) + own.slice(index + segment.length);
    if (!pair) return rest;
    return of === 0 ? pairText(rest, pair[1]) : pairText(pair[0], rest);
  });
  const chanceOf = (one: ArrayLike<number>) => logSoftmax(Float64Array.from(one))[output] as number;
  const whole = chanceOf(row);
  const others = await rows(without);
  return {
    method: 'occlusion',
    words: words.map(({ of, index, segment }, i) => ({
      ...{ text: segment, start: index, end: index + segment.length },
      ...(pair ? { of: of === 0 ? 'text' : 'pair' } : {}),
      weight: whole - chanceOf(others[i] ?? row),
    })),
  };
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });
