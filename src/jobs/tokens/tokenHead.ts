import { counted, UsageError } from '../../core/errors.ts';
import { availableMemory, formatBytes } from '../../core/memory.ts';
import { say, setting } from '../../core/message.ts';
import { randomUnit } from '../../core/random.ts';
import type { Rows } from '../../evaluation/neighbours.ts';
import { asTensors, type ParameterValues } from '../../nn/parameters.ts';
import { fitLinearHead, type LinearHead } from '../../tasks/linearHead.ts';
import { TextInference } from '../../tasks/text/inference.ts';
import { tagRows } from '../../tasks/text/objectives/tokenLabels.ts';
import { activity, note } from '../note.ts';
import type { CutTagged, TokenBase, TokenRun } from './tokenBase.ts';

/** Folds of the training texts. */
export const foldCount = 5;

/** Words that are enough to fit a head to. */
const mostWords = 60_000;

/** What a token classifier reads of the words of texts. */
export interface WordVectors extends Rows {
  /** Tag of each word. */
  readonly tags: Int32Array;
  /** Fold of each word, that of its text; from 0. */
  readonly folds: Int32Array;
  /** Number of the text of each word, and of the word in it. */
  readonly places: readonly { readonly text: number; readonly word: number }[];
  /** Texts whose words are all here. */
  readonly texts: readonly number[];
}

/**
 * Vectors of the words of training texts, by the encoder as it is; of many, as many texts as are enough.
 *
 * @throws UsageError when they are more than there is memory for
 */
export async function wordVectors({ engine, given, hooks }: TokenRun, base: TokenBase): Promise<WordVectors> {
  const { texts, words } = chosen(base.train, given.seed);
  if (texts.length < base.train.length) {
    note(hooks, `the classifier is fitted to ${counted(words, 'word')} of ${counted(texts.length, 'text')}`);
  }
  const { hiddenSize } = base.model.config;
  const needed = 4 * words * (2 * hiddenSize + 3 * base.model.outputSize('tokenLabels'));
  if (needed > availableMemory()) {
    throw new UsageError(
      say`the vectors of ${words} words need about ${formatBytes(needed)} of memory: use fewer texts (${setting('trainLimit')})`,
    );
  }
  // A classifier whose weights are the unit matrix hands out what it reads.
  const model = base.model.withLabels(Array.from({ length: hiddenSize }, (_, i) => String(i)));
  const unit = new Float32Array(hiddenSize * hiddenSize);
  for (let i = 0; i < hiddenSize; i++) unit[i * hiddenSize + i] = 1;
  const values: ParameterValues = new Map(base.values);
  values.set('tokenClassifier.weight', unit).set('tokenClassifier.bias', new Float32Array(hiddenSize));
  const parameters = asTensors(values, model.parameters(model.partsOf('tokenLabels')));
  const { frame } = base.loaded.tokenizer;
  const inference = new TextInference(engine, model, frame, parameters, { signal: hooks.signal, isSettled: true });
  const folds = foldsOf(base.train, given.seed);
  const data = new Float32Array(words * hiddenSize);
  const found = { tags: [] as number[], folds: [] as number[], places: [] as { text: number; word: number }[] };
  try {
    const together = 256;
    for (let from = 0; from < texts.length; from += together) {
      hooks.onEvent?.({ type: 'progress', ...activity(say`computing vectors`), done: from, total: texts.length });
      const part = texts.slice(from, from + together);
      const cuts = part.map((text) => (base.train[text] as CutTagged).cut);
      const rows = await tagRows(inference, cuts, { before: frame.before.length, labels: hiddenSize });
      for (const [i, text] of part.entries()) {
        for (const [word, row] of (rows[i] ?? []).entries()) {
          if (!row) continue;
          data.set(row, found.tags.length * hiddenSize);
          found.tags.push(base.train[text]?.tags[word] ?? 0);
          found.folds.push(folds[text] ?? 0);
          found.places.push({ text, word });
        }
      }
    }
  } finally {
    await inference.dispose();
  }
  return {
    ...{ data: data.subarray(0, found.tags.length * hiddenSize), size: hiddenSize, texts, places: found.places },
    ...{ tags: Int32Array.from(found.tags), folds: Int32Array.from(found.folds) },
  };
}

/** Texts, drawn, with as many words as are enough. */
function chosen(all: readonly CutTagged[], seed: number): { texts: number[]; words: number } {
  const order = Array.from(all.keys()).sort((a, b) => randomUnit(seed, 'sample', a) - randomUnit(seed, 'sample', b));
  const texts: number[] = [];
  let words = 0;
  for (const text of order) {
    const count = all[text]?.tags.length ?? 0;
    if (words > 0 && words + count > mostWords) break;
    texts.push(text);
    words += count;
  }
  return { texts: texts.sort((a, b) => a - b), words };
}

/** Fold of each text. */
export function foldsOf(texts: readonly unknown[], seed: number): Int32Array {
  const order = Array.from(texts.keys()).sort(
    (a, b) => randomUnit(seed, 'split', a, 1) - randomUnit(seed, 'split', b, 1),
  );
  const folds = new Int32Array(texts.length);
  for (const [place, text] of order.entries()) folds[text] = place % foldCount;
  return folds;
}

/** Fits a head to vectors of words, its penalty chosen by folds of the texts. @param cs penalties to choose from */
export async function fitTokenHead(
  { engine, data, hooks }: TokenRun,
  vectors: WordVectors,
  { cs, only }: { readonly cs?: readonly number[]; readonly only?: (fold: number) => boolean } = {},
): Promise<LinearHead> {
  const kept = only ? Array.from(vectors.tags.keys()).filter((i) => only(vectors.folds[i] as number)) : undefined;
  const at = (values: Int32Array) => (kept ? Int32Array.from(kept, (i) => values[i] as number) : values);
  const head = await fitLinearHead({
    ...{ engine, features: kept ? rowsAt(vectors, kept) : vectors, labels: at(vectors.tags) },
    ...{ classes: data.tags.length, folds: at(vectors.folds), cs, signal: hooks.signal },
    onProgress: (done, total) =>
      hooks.onEvent?.({ type: 'progress', ...activity(say`fitting the classifier`), done, total }),
  });
  if (cs === undefined) {
    const how = head.scored > 0 ? `by the cross-entropy of ${counted(head.scored, 'word')} in folds` : 'as usual';
    note(hooks, `C ${head.c} chosen ${how}`);
  }
  return head;
}

function rowsAt({ data, size }: Rows, numbers: readonly number[]): Rows {
  const rows = new Float32Array(numbers.length * size);
  for (const [i, number] of numbers.entries()) rows.set(data.subarray(number * size, (number + 1) * size), i * size);
  return { data: rows, size };
}

/** A head as values of the token classifier. */
export function tokenHeadValues({ weight, bias }: Pick<LinearHead, 'weight' | 'bias'>): ParameterValues {
  return new Map([
    ['tokenClassifier.weight', Float32Array.from(weight)],
    ['tokenClassifier.bias', Float32Array.from(bias)],
  ]);
}

/**
 * A fitted head as training starts from it: its directions, at the size of one that is drawn at random. At its own size it
 * is so sure of the training texts that nothing is left for the encoder to learn from them; one of no direction teaches the
 * encoder at random until it has found some.
 *
 * @param drawn values of a head that was drawn at random
 */
export function tokenHeadStart(
  { weight, bias }: Pick<LinearHead, 'weight' | 'bias'>,
  drawn: ParameterValues,
): ParameterValues {
  const [fitted, random] = [norm(weight), norm(drawn.get('tokenClassifier.weight') ?? [])];
  const share = fitted > 0 ? Math.min(1, random / fitted) : 1;
  return tokenHeadValues({ weight: weight.map((w) => w * share), bias: bias.map((b) => b * share) });
}

function norm(values: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] as number) ** 2;
  return Math.sqrt(squares);
}
