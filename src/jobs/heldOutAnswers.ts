import { join } from 'node:path';
import { z } from 'zod';
import { type DocumentFormat, readDocument, versionKey } from '../core/document.ts';
import { writeFileAtomic } from '../core/files.ts';
import { argmax, softmax } from '../evaluation/classification.ts';
import { sigmoid } from '../evaluation/linearTargets.ts';
import type { Held, HeldEntity, LabelHeld } from '../report/held.ts';
import { shownText } from '../text/pair.ts';

/** Beside a run's record: what its model answered to texts held out, for reports. */
export const answersFile = 'answers.json';

/** Texts held out and what was answered to them; the arrays are parallel. Texts of pairs are one string, as they travel. */
export type HeldOutAnswers = HeldOutLabels | HeldOutSeveralLabels | HeldOutNumbers | HeldOutEntities;

export interface HeldOutLabels {
  readonly kind: 'one-label';
  readonly labels: readonly string[];
  readonly texts: readonly string[];
  readonly classes: ArrayLike<number>;
  /** What a column says of each, where texts are sliced by one. */
  readonly slices?: LabelHeld['slices'];
  /** Of each text [labels]. */
  readonly logits: readonly ArrayLike<number>[];
}

export interface HeldOutSeveralLabels {
  readonly kind: 'several-labels';
  readonly labels: readonly string[];
  readonly texts: readonly string[];
  /** 1 where a text has a label [n, labels]. */
  readonly targets: ArrayLike<number>;
  /** Probability from which on each label is told [labels]. */
  readonly thresholds: readonly number[];
  /** Of each text [labels]. */
  readonly logits: readonly ArrayLike<number>[];
}

export interface HeldOutNumbers {
  readonly kind: 'number';
  /** What the number is called. */
  readonly name: string;
  readonly texts: readonly string[];
  readonly targets: ArrayLike<number>;
  readonly values: ArrayLike<number>;
  readonly interval?: { readonly margin: number; readonly share: number };
}

export interface HeldOutEntities {
  readonly kind: 'tokens';
  readonly texts: readonly string[];
  readonly own: readonly (readonly PlacedLabel[])[];
  readonly found: readonly (readonly PlacedLabel[])[];
}

interface PlacedLabel {
  readonly start: number;
  readonly end: number;
  readonly label: string;
}

/** Texts of which answers are kept, and characters of a text. */
const [mostKept, mostCharacters] = [10_000, 1000] as const;

/**
 * Writes down what was answered and, unless they are to be left out, the texts. Of more than 10,000, as many that lie
 * evenly among them.
 */
export function writeAnswers(folder: string, held: HeldOutAnswers, keepsTexts: boolean): Promise<void> {
  const content = keptAnswers(held, keepsTexts);
  return writeFileAtomic(join(folder, answersFile), `${JSON.stringify({ ...versionKey(format), ...content })}\n`);
}

/** What a run's folder has of them; undefined when it has none. Throws as `readDocument`. */
export function readAnswers(folder: string): Held | undefined {
  return readDocument(join(folder, answersFile), format);
}

/** Whether each text that a run of one label a text kept was answered rightly, and of how many texts these are. */
export function answeredRightly(folder: string): { readonly right: boolean[]; readonly of: number } {
  const kept = readAnswers(folder);
  if (kept?.kind !== 'one-label') throw new Error('internal: a run without answers');
  return { right: kept.classes.map((label, i) => label === kept.answers[i]), of: kept.of };
}

/** What is kept of answers. */
export function keptAnswers(held: HeldOutAnswers, keepsTexts: boolean): Held {
  const of = held.texts.length;
  const count = Math.min(of, mostKept);
  const kept = Array.from({ length: count }, (_, i) => Math.floor((i * of) / count));
  const texts = { ...(keepsTexts ? keptTexts(kept.map((i) => held.texts[i] as string)) : {}), of };
  switch (held.kind) {
    case 'one-label':
      return { ...keptLabels(held, kept), ...texts };
    case 'several-labels':
      return { ...keptSeveral(held, kept), ...texts };
    case 'number': {
      const at = (values: ArrayLike<number>) => kept.map((i) => rounded(values[i] as number));
      const { kind, name, targets, values, interval } = held;
      return { kind, name, own: at(targets), told: at(values), ...(interval ? { interval } : {}), ...texts };
    }
    case 'tokens': {
      const at = (lists: HeldOutEntities['own']) =>
        kept.map((i) => (lists[i] ?? []).filter(({ end }) => end <= mostCharacters).map(entity));
      return { kind: held.kind, own: at(held.own), found: at(held.found), ...texts };
    }
  }
}

function keptLabels({ kind, labels, classes, slices, logits }: HeldOutLabels, kept: readonly number[]) {
  const rows = kept.map((i) => {
    const row = logits[i] ?? [];
    const probabilities = softmax(row);
    const [label, answer] = [classes[i] as number, argmax(row)];
    return { label, answer, score: probabilities[answer] as number, own: probabilities[label] as number };
  });
  return {
    ...{ kind, labels },
    classes: rows.map(({ label }) => label),
    answers: rows.map(({ answer }) => answer),
    scores: rows.map(({ score }) => rounded(score)),
    own: rows.map(({ own }) => rounded(own)),
    ...(slices ? { slices: { ...slices, values: kept.map((i) => slices.values[i] as string) } } : {}),
  };
}

/** Of the many labels of a text those alone that it has or was told to have. */
function keptSeveral({ kind, labels, targets, thresholds, logits }: HeldOutSeveralLabels, kept: readonly number[]) {
  const scored = kept.map((i) =>
    Array.from(logits[i] ?? [], (logit, c) => {
      const score = sigmoid(logit);
      const isTold = score >= (thresholds[c] as number);
      return { pair: [c, rounded(score)] as const, isTold, isOwn: targets[i * labels.length + c] === 1 };
    }),
  );
  const pairs = (of: 'isTold' | 'isOwn') => scored.map((row) => row.filter((one) => one[of]).map(({ pair }) => pair));
  return { kind, labels, thresholds, own: pairs('isOwn'), told: pairs('isTold') };
}

/** Texts to be read; of pairs both. */
function keptTexts(texts: readonly string[]): Pick<Held, 'texts' | 'pairs'> {
  const shown = texts.map(shownText);
  const pairs = shown.map(({ pair }) => pair ?? '');
  return {
    texts: shown.map(({ text }) => shortened(text)),
    ...(shown.some(({ pair }) => pair !== undefined) ? { pairs: pairs.map(shortened) } : {}),
  };
}

function entity({ start, end, label }: PlacedLabel): HeldEntity {
  return [start, end, label];
}

/** Six digits are enough to draw, and half the file. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

function shortened(text: string): string {
  return text.length <= mostCharacters ? text : `${text.slice(0, mostCharacters).toWellFormed()}…`;
}

const [numbers, strings] = [z.array(z.number()), z.array(z.string())];
const texts = { texts: strings.optional(), pairs: strings.optional(), of: z.number() };
const scoredLabels = z.array(z.array(z.tuple([z.number(), z.number()])));
const entities = z.array(z.array(z.tuple([z.number(), z.number(), z.string()])));
const schema = z
  .discriminatedUnion('kind', [
    z.object({
      ...{ kind: z.literal('one-label'), labels: strings, classes: numbers, answers: numbers },
      ...{ scores: numbers, own: numbers, ...texts },
      slices: z.object({ column: z.string(), values: strings }).optional(),
    }),
    z.object({
      ...{ kind: z.literal('several-labels'), labels: strings, thresholds: numbers },
      ...{ own: scoredLabels, told: scoredLabels, ...texts },
    }),
    z.object({
      ...{ kind: z.literal('number'), name: z.string(), own: numbers, told: numbers, ...texts },
      interval: z.object({ margin: z.number(), share: z.number() }).optional(),
    }),
    z.object({ kind: z.literal('tokens'), own: entities, found: entities, ...texts }),
  ])
  .refine((held) => {
    const { own, texts = own, pairs = own } = held;
    return [texts, pairs, ...listsOf(held)].every(({ length }) => length === own.length);
  }, 'its lists differ in length');

/** What stands beside `own` of each text. */
function listsOf(held: Held): { readonly length: number }[] {
  switch (held.kind) {
    case 'one-label':
      return [held.classes, held.answers, held.scores, held.slices?.values ?? held.own];
    case 'tokens':
      return [held.found];
    default:
      return [held.told];
  }
}

const format: DocumentFormat<Held> = {
  schema,
  // Before there were other kinds, answers were one label each.
  migrations: [(content) => ({ kind: 'one-label', ...content })],
};
