import { randomBelow } from '../core/random.ts';
import { type ClassProbabilities, confidentJoint } from './confidentLearning.ts';
import type { Interval } from './intervals.ts';

/** What is said of the labels of examples. */
export interface WrongLabels {
  /** Examples whose labels are taken for wrong, likeliest first. */
  readonly flagged: readonly number[];
  /** Of each example [n], 0 to 1: how much likelier than its own label another is; above 0.5 another is the likeliest. */
  readonly scores: Float64Array;
  /** The likeliest class of each example [n]; the given one where it is as likely as any. */
  readonly likely: Int32Array;
  /** How many labels are wrong, with its 95 % interval over draws of the examples. */
  readonly estimate: Interval & { readonly mean: number };
}

const draws = 400;

/**
 * Examples whose labels are taken for wrong: as many as confident learning (Northcutt et al. 2021) says there are, those
 * first whose likeliest other class is the likelier beside their own. With many classes that finds more than taking so many
 * of each pair of classes, whose numbers are then rounded to nothing.
 *
 * @param labels given class numbers [n]
 * @param seed of the draws that the interval is made of
 */
export function wrongLabels(probabilities: ClassProbabilities, labels: ArrayLike<number>, seed: number): WrongLabels {
  const { data, classes } = probabilities;
  const count = labels.length;
  const scores = new Float64Array(count);
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
    scores[i] = other / (own + other || 1);
  }
  const { guesses } = confidentJoint(probabilities, labels);
  const estimate = estimated(guesses, labels, classes, seed);
  const flagged = Array.from({ length: count }, (_, i) => i)
    .filter((i) => likely[i] !== labels[i])
    .sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b)
    .slice(0, Math.round(estimate.mean));
  return { flagged, scores, likely, estimate };
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
