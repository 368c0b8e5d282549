import { join } from 'node:path';
import { z } from 'zod';
import { type DocumentFormat, readDocument, versionKey } from '../core/document.ts';
import { writeFileAtomic } from '../core/files.ts';
import { argmax, softmax } from '../evaluation/classification.ts';
import type { Answers } from '../report/run.ts';

/** Beside a run's record: what its classifier answered to texts held out, for reports. */
export const answersFile = 'answers.json';

/** Texts held out and what was answered to them; the arrays are parallel. */
export interface HeldOutAnswers {
  readonly labels: readonly string[];
  readonly texts: readonly string[];
  readonly classes: ArrayLike<number>;
  /** What a column says of each, where texts are sliced by one. */
  readonly slices?: Answers['slices'];
  /** Of each text [labels]. */
  readonly logits: readonly ArrayLike<number>[];
}

/** Texts of which answers are kept, and characters of a text. */
const [mostKept, mostCharacters] = [10_000, 1000] as const;

/**
 * Writes down what was answered: the labels with their probabilities and, unless they are to be left out, the texts. Of
 * more than 10,000, as many that lie evenly among them.
 */
export function writeAnswers(folder: string, held: HeldOutAnswers, keepsTexts: boolean): Promise<void> {
  const content = keptAnswers(held, keepsTexts);
  return writeFileAtomic(join(folder, answersFile), `${JSON.stringify({ ...versionKey(format), ...content })}\n`);
}

/** What a run's folder has of them; undefined when it has none. Throws as `readDocument`. */
export function readAnswers(folder: string): Answers | undefined {
  return readDocument(join(folder, answersFile), format);
}

/** Whether each text that a run kept was answered rightly, and of how many texts these are. */
export function answeredRightly(folder: string): { readonly right: boolean[]; readonly of: number } {
  const kept = readAnswers(folder);
  if (!kept) throw new Error('internal: a run without answers');
  return { right: kept.classes.map((label, i) => label === kept.answers[i]), of: kept.of };
}

/** What is kept of answers. */
export function keptAnswers({ labels, texts, classes, slices, logits }: HeldOutAnswers, keepsTexts: boolean): Answers {
  const of = logits.length;
  const count = Math.min(of, mostKept);
  const kept = Array.from({ length: count }, (_, i) => Math.floor((i * of) / count));
  const rows = kept.map((i) => {
    const row = logits[i] ?? [];
    const probabilities = softmax(row);
    const [label, answer] = [classes[i] as number, argmax(row)];
    return { label, answer, score: probabilities[answer] as number, own: probabilities[label] as number };
  });
  return {
    labels,
    classes: rows.map(({ label }) => label),
    answers: rows.map(({ answer }) => answer),
    scores: rows.map(({ score }) => rounded(score)),
    own: rows.map(({ own }) => rounded(own)),
    ...(keepsTexts ? { texts: kept.map((i) => shortened(texts[i] as string)) } : {}),
    ...(slices ? { slices: { ...slices, values: kept.map((i) => slices.values[i] as string) } } : {}),
    of,
  };
}

/** Six digits are enough to draw, and half the file. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

function shortened(text: string): string {
  return text.length <= mostCharacters ? text : `${text.slice(0, mostCharacters).toWellFormed()}…`;
}

const numbers = z.array(z.number());
const schema = z
  .object({
    labels: z.array(z.string()),
    classes: numbers,
    answers: numbers,
    scores: numbers,
    own: numbers,
    texts: z.array(z.string()).optional(),
    slices: z.object({ column: z.string(), values: z.array(z.string()) }).optional(),
    of: z.number(),
  })
  .refine(
    ({ classes, answers, scores, own, texts = classes, slices }) =>
      [answers, scores, own, texts, slices?.values ?? classes].every(({ length }) => length === classes.length),
    'its lists differ in length',
  );
const format: DocumentFormat<Answers> = { schema, migrations: [] };
