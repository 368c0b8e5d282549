import type { LinearClassifier } from '../evaluation/logisticRegression.ts';
import type { Rows } from '../evaluation/neighbours.ts';
import { fitLinearHead, type LinearHead, type LinearHeadOptions } from './linearHead.ts';

export interface ExtendedHeadOptions extends Omit<LinearHeadOptions, 'prior'> {
  /** The classifier of the first classes, as it is. */
  readonly known: LinearClassifier;
  /** Whether all known classes stay exactly as they are. */
  readonly keepsKnown?: boolean;
}

/** A stand-in counts as so many examples of a class that has some. */
const standInWeight = 2;

/**
 * A classifier that is known, fitted on to examples of some of its classes and of new ones behind them.
 *
 * The penalty draws the rows of known classes towards what they were, those of new ones towards zero. Known classes
 * without an example stay exactly as they are. So that new classes do not drown them, a stand-in is an example of each:
 * the point that lies from the mean of all examples in the direction of the class's weights, as far as the means of
 * classes with examples lie. The penalty is then the usual one, since no held-out example would speak for those classes.
 *
 * @throws InterruptedError when the signal was aborted
 */
export async function fitExtendedHead(options: ExtendedHeadOptions): Promise<LinearHead> {
  const { known, keepsKnown, features, labels, classes, weights, folds } = options;
  const counts = countsOf(labels, classes);
  const missing = Array.from(known.bias.keys()).filter((c) => counts[c] === 0);
  const isFixed = Uint8Array.from({ length: classes }, (_, c) => {
    return Number(c < known.bias.length && (keepsKnown || counts[c] === 0));
  });
  const prior = { ...padded(known, features, classes), isFixed };
  if (missing.length === 0) return fitLinearHead({ ...options, prior });
  const count = labels.length;
  const weight = (standInWeight * count) / Math.max(1, counts.filter((n) => n > 0).length);
  const all = <T>(list: ArrayLike<T>, of: T) => Array.from({ length: count + missing.length }, (_, i) => list[i] ?? of);
  const head = await fitLinearHead({
    ...{ ...options, prior, features: withStandIns(known, options, counts, missing) },
    labels: [...Array.from(labels), ...missing],
    weights: [...all(weights ?? [], 1).slice(0, count), ...missing.map(() => weight)],
    folds: all(folds, -1).fill(-1),
  });
  return { ...head, held: head.held.subarray(0, count * classes) };
}

/** A classifier with zeros for classes behind its own, and biases that put them among these. */
function padded({ weight, bias }: LinearClassifier, features: Rows, classes: number): LinearClassifier {
  const { size } = features;
  const mean = meanOf(features);
  const logits = bias.map((value, c) => value + dot(weight.subarray(c * size, (c + 1) * size), mean));
  const middle = logits.reduce((sum, value) => sum + value, 0) / logits.length;
  const all = { weight: new Float64Array(classes * size), bias: new Float64Array(classes).fill(middle) };
  all.weight.set(weight);
  all.bias.set(bias);
  return all;
}

/** Features with a stand-in of each missing class behind them. */
function withStandIns(
  { weight }: LinearClassifier,
  { features, labels }: Pick<LinearHeadOptions, 'features' | 'labels'>,
  counts: readonly number[],
  missing: readonly number[],
): Rows {
  const { size } = features;
  const mean = meanOf(features);
  const distance = classDistance(features, labels, counts, mean);
  const middle = meanOf({ data: weight, size });
  const data = new Float32Array(features.data.length + missing.length * size);
  data.set(features.data);
  for (const [i, c] of missing.entries()) {
    const direction = weight.subarray(c * size, (c + 1) * size).map((w, j) => w - (middle[j] as number));
    const length = Math.sqrt(dot(direction, direction)) || 1;
    const from = features.data.length + i * size;
    for (let j = 0; j < size; j++)
      data[from + j] = (mean[j] as number) + (distance * (direction[j] as number)) / length;
  }
  return { data, size };
}

/** How far the means of classes that have examples lie from the mean of all: their root mean square. */
function classDistance(
  { data, size }: Rows,
  labels: ArrayLike<number>,
  counts: readonly number[],
  mean: Float64Array,
): number {
  const means = new Float64Array(counts.length * size);
  for (let i = 0, from = 0; i < labels.length; i++, from += size) {
    const c = labels[i] as number;
    for (let j = 0; j < size; j++) {
      const x = (data[from + j] as number) - (mean[j] as number);
      means[c * size + j] = (means[c * size + j] as number) + x / (counts[c] as number);
    }
  }
  return Math.sqrt(dot(means, means) / Math.max(1, counts.filter((n) => n > 0).length));
}

function countsOf(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i] as number] = (counts[labels[i] as number] as number) + 1;
  return counts;
}

function meanOf({ data, size }: { readonly data: ArrayLike<number>; readonly size: number }): Float64Array {
  const mean = new Float64Array(size);
  const count = Math.max(1, data.length / size);
  for (let at = 0; at < data.length; at++) mean[at % size] = (mean[at % size] as number) + (data[at] as number) / count;
  return mean;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += (a[j] as number) * (b[j] as number);
  return sum;
}
