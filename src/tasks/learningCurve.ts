import { randomBelow, randomUnit } from '../core/random.ts';
import { stratifiedFolds } from '../data/folds.ts';
import { labelNames, sampleLimit } from '../data/labels.ts';
import type { Interval } from '../evaluation/intervals.ts';
import { type CurvePoint, errorAt, fitPowerLaw, type PowerLaw } from '../evaluation/powerLaw.ts';
import { repeatedForm } from '../text/normalize.ts';
import type { Examples, Learner } from './learner.ts';

/** Accuracy with so many labels. */
export interface MeasuredSize extends Interval {
  readonly labels: number;
  readonly accuracy: number;
}

export interface LearningCurve {
  readonly sizes: readonly MeasuredSize[];
  /** What fits the errors. */
  readonly law: PowerLaw;
  /** Accuracy with other numbers of labels, with a 95 % interval. */
  forecast(labels: number): MeasuredSize;
  /** How much accuracy so many labels add to that of so many, with a 95 % interval. */
  gain(from: number, to: number): Interval & { readonly mean: number };
}

export interface LearningCurveOptions {
  readonly learner: Learner;
  /** Texts that labels are taken of. */
  readonly examples: Examples;
  /** Texts that measure, in place of folds of the examples. */
  readonly held?: Examples;
  /** What stays together [n]. */
  readonly groups?: readonly string[];
  readonly seed: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Draws of examples, each nested from size to size. */
const draws = 4;
/** Sizes go by halves from all examples down, as long as there are so many for each class, and so many in all. */
const leastOfClass = 2;
const leastLabels = 16;
const mostSizes = 6;
/** Held-out texts and draws are drawn anew so often for intervals. */
const repetitions = 200;

/**
 * Accuracy at growing numbers of labels: examples are drawn by class, each size a part of the next, several times; each
 * draw is measured on what it was held out of.
 */
export async function learningCurve(options: LearningCurveOptions): Promise<LearningCurve> {
  const { learner, examples, held, seed, onProgress } = options;
  const parts = held ? undefined : foldsOf(options);
  const smallest = Math.min(...Array.from({ length: draws }, (_, draw) => trainedIn(examples, parts, draw).length));
  const sizes = sizesUpTo(smallest, new Set(Array.from(examples.labels)).size);
  /** Whether each text that measures is right [draw][size][text]. */
  const right: Uint8Array[][] = [];
  const cs: number[] = [];
  let done = 0;
  for (let draw = 0; draw < draws; draw++) {
    const order = nested(examples, trainedIn(examples, parts, draw), sizes, seed + draw);
    const measured =
      held ??
      take(
        examples,
        numbersOf(examples).filter((i) => parts?.[i] === draw),
      );
    right.push([]);
    for (const [at, part] of order.entries()) {
      const own = take(examples, part);
      // What suits a number of labels suits other draws of it.
      cs[at] ??= await learner.chooseC(own, seed);
      const rows = (await learner.fit(own, cs[at] as number))(measured.texts);
      right[draw]?.push(
        Uint8Array.from(measured.labels, (label, i) => Number(isBest(rows, i, examples.classes, label))),
      );
      onProgress?.(++done, draws * sizes.length);
    }
  }
  return curveOf(sizes, right, seed);
}

/** The curve of what was measured, and its intervals by drawing draws and texts anew. */
function curveOf(sizes: readonly number[], right: readonly (readonly Uint8Array[])[], seed: number): LearningCurve {
  const accuracies = (weigh: (draw: number, text: number) => number) =>
    sizes.map((_, size) => {
      let [sum, count] = [0, 0];
      for (const [draw, of] of right.entries()) {
        const own = of[size] as Uint8Array;
        for (let i = 0; i < own.length; i++) {
          const weight = weigh(draw, i);
          sum += weight * (own[i] as number);
          count += weight;
        }
      }
      return sum / count;
    });
  const means = accuracies(() => 1);
  const repeated = Array.from({ length: repetitions }, (_, r) => {
    const times = right.map(() => 0);
    for (const [d] of right.entries()) {
      const drawn = randomBelow(right.length, seed, 'bootstrap', r, d, 1);
      times[drawn] = (times[drawn] as number) + 1;
    }
    // Poisson weights of 1 stand for drawing texts with their return.
    return accuracies((draw, text) => (times[draw] as number) * poisson(randomUnit(seed, 'bootstrap', r, text, 2)));
  });
  const law = fitPowerLaw(pointsOf(sizes, means));
  const laws = repeated.map((own) => fitPowerLaw(pointsOf(sizes, own)));
  const last = sizes.at(-1) as number;
  const doubts = means.map((mean, i) => Math.abs(1 - mean - errorAt(law, sizes[i] as number)));
  return {
    sizes: sizes.map((labels, i) => ({
      ...{ labels, accuracy: means[i] as number },
      ...intervalOf(repeated.map((own) => own[i] as number)),
    })),
    law,
    forecast(labels) {
      const { low, high } = intervalOf(laws.map((one) => 1 - errorAt(one, labels)));
      // A curve need not be a power law: what it misses where it was measured, it may miss further on, and the more the further.
      const more = Math.max(...doubts) * (1 + Math.max(0, Math.log2(labels / last)));
      const accuracy = 1 - errorAt(law, labels);
      return { labels, accuracy, low: Math.max(0, low - more), high: Math.min(1, high + more) };
    },
    gain(from, to) {
      const of = (one: PowerLaw) => errorAt(one, from) - errorAt(one, to);
      const { low, high } = intervalOf(laws.map(of));
      const more = Math.max(...doubts);
      return { mean: of(law), low: Math.max(0, low - more), high: high + more };
    },
  };
}

/** Larger sizes are nearer to what is asked for. */
function pointsOf(sizes: readonly number[], accuracies: readonly number[]): CurvePoint[] {
  return sizes.map((examples, i) => ({
    examples,
    error: Math.max(1e-4, 1 - (accuracies[i] as number)),
    weight: i + 1,
  }));
}

function intervalOf(values: readonly number[]): Interval {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
  return { low: at(0.025), high: at(0.975) };
}

function poisson(draw: number): number {
  let [count, probability, sum] = [0, Math.exp(-1), Math.exp(-1)];
  while (draw > sum && count < 10) {
    count++;
    probability /= count;
    sum += probability;
  }
  return count;
}

function foldsOf({ learner, examples, groups, seed }: LearningCurveOptions): Int32Array {
  const keys = [
    Array.from(examples.texts, (i) => repeatedForm(learner.texts[i] as string)),
    ...(groups ? [groups] : []),
  ];
  return stratifiedFolds({ classes: examples.labels, keys, count: draws, seed });
}

function trainedIn(examples: Examples, parts: Int32Array | undefined, draw: number): number[] {
  return numbersOf(examples).filter((i) => parts?.[i] !== draw);
}

/** Ascending, the last one all that there is. */
function sizesUpTo(most: number, classes: number): number[] {
  const least = Math.max(leastLabels, leastOfClass * classes);
  const sizes = [most];
  while (sizes.length < mostSizes && Math.round((sizes[0] as number) / 2) >= least) {
    sizes.unshift(Math.round((sizes[0] as number) / 2));
  }
  return sizes;
}

/** Examples of each size, every class in its share: a smaller one is a part of the next. */
function nested({ labels }: Examples, from: readonly number[], sizes: readonly number[], seed: number): number[][] {
  let own = [...from];
  const parts: number[][] = [];
  for (const size of [...sizes].reverse()) {
    const names = own.map((i) => String(labels[i]));
    own = sampleLimit({ labels: names, limit: Math.max(size, labelNames(names).length), seed }).map(
      (i) => own[i] as number,
    );
    parts.unshift(own);
  }
  return parts;
}

function take({ texts, labels, classes }: Examples, numbers: readonly number[]): Examples {
  return {
    texts: numbers.map((i) => texts[i] as number),
    labels: numbers.map((i) => labels[i] as number),
    classes,
  };
}

function numbersOf({ labels }: Examples): number[] {
  return Array.from({ length: labels.length }, (_, i) => i);
}

function isBest(rows: Float32Array, row: number, classes: number, label: number): boolean {
  const own = rows[row * classes + label] as number;
  for (let c = 0; c < classes; c++) {
    const other = rows[row * classes + c] as number;
    if (other > own || (other === own && c < label)) return false;
  }
  return true;
}
