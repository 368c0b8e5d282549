import { randomBelow } from '../core/random.ts';
import { type ClassProbabilities, confidentJoint } from './confidentLearning.ts';
import type { Interval } from './intervals.ts';
import { wrongRuns } from './wrongRuns.ts';

/** What is said of the labels of examples. */
export interface WrongLabels {
  /**
   * Examples whose labels are likelier wrong than right, likeliest first: another class is the likeliest, or they stand in
   * a run of wrong ones.
   */
  readonly flagged: readonly number[];
  /** How likely the label of each example is wrong [n]. */
  readonly scores: Float64Array;
  /** Mean number of wrong labels in a row; undefined where they lie as chance would have it. */
  readonly runLength: number | undefined;
  /** The likeliest class of each example [n]; the given one where it is as likely as any. */
  readonly likely: Int32Array;
  /** How many labels are wrong, with its 95 % interval over draws of the examples. */
  readonly estimate: Interval & { readonly mean: number };
}

const draws = 400;

/**
 * Examples whose labels are likelier wrong than right. How many are wrong is what confident learning (Northcutt et al.
 * 2021) says; how much likelier than its label another class is tells them apart, brought to probabilities whose sum is that
 * many; and where wrong labels clearly lie together in the order of the examples, as after a column that slipped, those
 * around an example count, too.
 *
 * @param labels given class numbers [n]
 * @param seed of the draws that the interval is made of
 */
export function wrongLabels(probabilities: ClassProbabilities, labels: ArrayLike<number>, seed: number): WrongLabels {
  const { data, classes } = probabilities;
  const count = labels.length;
  const logOdds = new Float64Array(count);
  const likely = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const label = labels[i] as number;
    const own = data[i * classes + label] as number;
    let [best, most] = [label, own];
    let other = 0;
    for (let c = 0; c < classes; c++) {
      const value = data[i * classes + c] as number;
      if (c !== label) other = Math.max(other, value);
      if (value > most) [best, most] = [c, value];
    }
    likely[i] = best;
    logOdds[i] = Math.log(Math.max(least, other) / Math.max(least, own));
  }
  const { guesses } = confidentJoint(probabilities, labels);
  const estimate = estimated(guesses, labels, classes, seed);
  const share = Math.min(mostShare, estimate.mean / Math.max(1, count));
  if (share === 0) return { flagged: [], scores: new Float64Array(count), runLength: undefined, likely, estimate };
  const shift = shiftTo(logOdds, share);
  const { probabilities: scores, length: runLength } = wrongRuns(
    logOdds.map((odds) => odds + shift - Math.log(share / (1 - share))),
    share,
  );
  const flagged = Array.from({ length: count }, (_, i) => i)
    .filter((i) => (scores[i] as number) > 0.5 && (runLength !== undefined || likely[i] !== labels[i]))
    .sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  return { flagged, scores, runLength, likely, estimate };
}

/** A probability that counts as none. */
const least = 1e-6;
const mostShare = 0.95;

/** What to add to log-odds so that their probabilities have a mean. */
function shiftTo(logOdds: Float64Array, mean: number): number {
  const sum = (shift: number) => logOdds.reduce((all, odds) => all + 1 / (1 + Math.exp(-odds - shift)), 0);
  let [low, high] = [2 * Math.log(least), -2 * Math.log(least)];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (sum(middle) < mean * logOdds.length) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Off the diagonal of the joint, scaled to all examples of each given label; and the same of examples drawn again. */
function estimated(guesses: Int32Array, labels: ArrayLike<number>, classes: number, seed: number) {
  const count = labels.length;
  const wrongOf = (at: (i: number) => number) => {
    const [sizes, sure, off] = [0, 1, 2].map(() => new Float64Array(classes)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    for (let k = 0; k < count; k++) {
      const i = at(k);
      const label = labels[i] as number;
      const guess = guesses[i] as number;
      sizes[label] = (sizes[label] as number) + 1;
      if (guess < 0) continue;
      sure[label] = (sure[label] as number) + 1;
      if (guess !== label) off[label] = (off[label] as number) + 1;
    }
    // A class of which no example is surely one has one all the same, as in the joint.
    return sizes.reduce((sum, size, c) => {
      const wrong = off[c] as number;
      return sum + (size * wrong) / Math.max(1, wrong === sure[c] ? wrong + 1 : (sure[c] as number));
    }, 0);
  };
  const again = Float64Array.from({ length: draws }, (_, d) =>
    wrongOf((k) => randomBelow(count, seed, 'bootstrap', d, k)),
  );
  again.sort();
  const at = (share: number) => again[Math.min(draws - 1, Math.floor(share * draws))] as number;
  return { mean: wrongOf((k) => k), low: at(0.025), high: at(0.975) };
}
