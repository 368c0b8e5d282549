import { argmax } from '../../evaluation/classification.ts';
import { wilsonInterval } from '../../evaluation/intervals.ts';
import { type AccuracyDifference, accuracyDifference } from '../../evaluation/pairedTexts.ts';
import type { MethodName, Rung } from '../types.ts';

/** A method that was tried. */
export interface Tried {
  readonly method: MethodName;
  /** Whether it was right about each training text; undefined where the text was not held out of its training. */
  readonly right: readonly (boolean | undefined)[];
  /** Time that trying it took. */
  readonly seconds: number;
  /** Size of its model's numbers. */
  readonly bytes: number;
  /** Weight of the words beside a network. */
  readonly wordsWeight?: number;
  /** Whether the encoder was adapted to the texts without labels first. */
  readonly adapted?: true;
}

/** A dearer method has to be better by this share of the difference's standard error: less is a tie. */
const tie = 0.25;

/** Which texts are right by the answers [n, labels] to those that were held out, NaN for the others. */
export function rightOf(answers: Float32Array, classes: Int32Array, labels: number): (boolean | undefined)[] {
  return Array.from(classes, (label, i) => {
    const row = answers.subarray(i * labels, (i + 1) * labels);
    return Number.isNaN(row[0]) ? undefined : argmax(row) === label;
  });
}

/** Accuracy of b less that of a, on the texts that both answered. */
export function compared(a: Pick<Tried, 'right'>, b: Pick<Tried, 'right'>): AccuracyDifference {
  const both = a.right.flatMap((right, i) => (right === undefined || b.right[i] === undefined ? [] : [i]));
  const rightIn = ({ right }: Pick<Tried, 'right'>) => both.map((i) => right[i] === true);
  return accuracyDifference(rightIn(a), rightIn(b));
}

/** Which texts are right by the commonest class alone. */
export function commonestOf(classes: Int32Array): boolean[] {
  const counts = new Map<number, number>();
  for (const label of classes) counts.set(label, (counts.get(label) ?? 0) + 1);
  const [commonest] = [...counts].reduce((most, one) => (one[1] > most[1] ? one : most));
  return Array.from(classes, (label) => label === commonest);
}

/**
 * The best of several methods, the simplest first: a dearer one has to be better than the best before it. One that is no
 * better than the commonest class alone has shown nothing, so that it wins no tie; where none is, `frozen` is taken, which
 * knows something from elsewhere.
 *
 * @param commonest which texts are of the commonest class [n]
 */
export function bestOf(tried: readonly Tried[], commonest: readonly boolean[]): Tried {
  const able = tried.filter((one) => compared({ right: commonest }, one).mean > 0);
  if (able.length === 0) {
    const frozen = tried.find(({ method }) => method === 'frozen');
    if (frozen) return frozen;
  }
  return (able.length > 0 ? able : tried).reduce((best, challenger) => {
    const { mean, standardError } = compared(best, challenger);
    return mean > 0 && mean >= tie * standardError ? challenger : best;
  });
}

/** What is told of each. */
export function rungsOf(tried: readonly Tried[], best: Tried): Rung[] {
  return tried.map((one) => {
    const answered = one.right.filter((right) => right !== undefined);
    const [texts, correct] = [answered.length, answered.filter((right) => right).length];
    const { mean, low, high } = compared(best, one);
    return {
      ...{
        method: one.method,
        ...(one.adapted && { adapted: one.adapted }),
        texts,
        accuracy: texts > 0 ? correct / texts : null,
        ...wilsonInterval(correct, texts),
      },
      difference: one === best || texts === 0 ? null : { mean, low, high },
      ...{ seconds: one.seconds, bytes: one.bytes },
    };
  });
}
