import { stratifiedFolds } from '../data/folds.ts';
import { repeatedForm } from '../text/normalize.ts';
import type { Examples, Learner } from './learner.ts';

/** What a learner says of examples that it was not fitted to. */
export interface OutOfFold {
  /** ln p of every class [n, classes]; NaN where the example's class has no text in the other folds. */
  readonly logProbabilities: Float32Array;
  readonly c: number;
}

export interface OutOfFoldOptions {
  readonly learner: Learner;
  readonly examples: Examples;
  /** Fold of each example [n], from 0. */
  readonly folds: ArrayLike<number>;
  readonly c: number;
  /** Examples that are left out of every fit, and are told of all the same. */
  readonly without?: ReadonlySet<number>;
  readonly onProgress?: (done: number, total: number) => void;
}

export const auditFolds = 5;

/** Folds in which what repeats is together. @param groups what else stays together */
export function foldsOfExamples(
  { texts, labels }: Examples,
  all: readonly string[],
  seed: number,
  groups?: readonly string[],
): Int32Array {
  const keys = [Array.from(texts, (i) => repeatedForm(all[i] as string)), ...(groups ? [groups] : [])];
  return stratifiedFolds({ classes: labels, keys, count: auditFolds, seed });
}

/**
 * Folds of which each holds texts of a class that follow one another, so that those of a run of wrong labels do not teach
 * each other; what repeats is together.
 */
export function foldsInOrder({ texts, labels, classes }: Examples, all: readonly string[]): Int32Array {
  const sizes = new Int32Array(classes);
  for (let i = 0; i < labels.length; i++) sizes[labels[i] as number] = (sizes[labels[i] as number] as number) + 1;
  const ranks = new Int32Array(classes);
  const known = new Map<string, number>();
  return Int32Array.from(labels, (label, i) => {
    const rank = ranks[label] as number;
    ranks[label] = rank + 1;
    const key = repeatedForm(all[texts[i] as number] as string);
    const fold = known.get(key) ?? Math.floor((auditFolds * rank) / (sizes[label] as number));
    known.set(key, fold);
    return fold;
  });
}

/** Fits to all folds but one, for each one, and tells of that one. */
export async function outOfFold(options: OutOfFoldOptions): Promise<OutOfFold> {
  const { learner, examples, folds, c, without, onProgress } = options;
  const { texts, labels, classes } = examples;
  const all = Array.from({ length: labels.length }, (_, i) => i);
  const logProbabilities = new Float32Array(labels.length * classes).fill(Number.NaN);
  const count = all.reduce((most, i) => Math.max(most, (folds[i] as number) + 1), 0);
  for (let fold = 0; fold < count; fold++) {
    const fitted = all.filter((i) => folds[i] !== fold && !without?.has(i));
    const known = new Set(fitted.map((i) => labels[i] as number));
    const held = all.filter((i) => folds[i] === fold && known.has(labels[i] as number));
    if (held.length === 0 || known.size < 2) continue;
    const part = {
      texts: fitted.map((i) => texts[i] as number),
      labels: fitted.map((i) => labels[i] as number),
      classes,
    };
    const rows = (await learner.fit(part, c))(held.map((i) => texts[i] as number));
    for (const [at, i] of held.entries()) {
      logProbabilities.set(rows.subarray(at * classes, (at + 1) * classes), i * classes);
    }
    onProgress?.(fold + 1, count);
  }
  return { logProbabilities, c };
}
