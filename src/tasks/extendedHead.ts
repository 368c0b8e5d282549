import type { LinearClassifier } from '../evaluation/logisticRegression.ts';
import type { Rows } from '../evaluation/neighbours.ts';
import { fitLinearHead, type LinearHead, type LinearHeadOptions } from './linearHead.ts';

export interface ExtendedHeadOptions extends Omit<LinearHeadOptions, 'prior'> {
  /** The classifier of the first classes, as it is. */
  readonly known: LinearClassifier;
  /** Where the examples lay that it was fitted to; absent: what the classifier and these examples let guess. */
  readonly place?: Place;
  /** Whether all known classes stay exactly as they are. */
  readonly keepsKnown?: boolean;
}

/** Where the examples of a classifier lie. */
export interface Place {
  /** Their mean [size]. */
  readonly middle: ArrayLike<number>;
  /** Root mean square distance of the means of classes from it. */
  readonly distance: number;
}

/** Where examples lie. @param labels class numbers [n] of the features [n, size] */
export function placeOf(features: Rows, labels: ArrayLike<number>): Place {
  const middle = meanOf(features.data, features.size);
  return { middle, distance: classDistance(features, labels, middle) };
}

/** A stand-in counts as so many examples of a class that has some. */
const standInWeight = 2;
/** Share of the mean square of the known weights that keeps the middle near the examples. */
const ridge = 0.03;

/**
 * A classifier that is known, fitted on to examples of some of its classes and of new ones behind them.
 *
 * The penalty draws the rows of known classes towards what they were, those of new ones towards zero. Known classes
 * without an example stay exactly as they are. So that new classes do not drown them, a stand-in is an example of each:
 * the point that lies from the middle of what was known in the direction of the class's weights, as far as the means of
 * classes lie. The penalty is then the usual one, since no held-out example would speak for those classes.
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
  const place = options.place ?? guessedPlace(known, features, labels);
  const prior = { ...padded(known, place.middle, classes), isFixed };
  if (missing.length === 0) return fitLinearHead({ ...options, prior });
  const count = labels.length;
  const weight = (standInWeight * count) / Math.max(1, counts.filter((n) => n > 0).length);
  const all = <T>(list: ArrayLike<T>, of: T) => Array.from({ length: count + missing.length }, (_, i) => list[i] ?? of);
  const head = await fitLinearHead({
    ...{ ...options, prior, features: withStandIns(known, features, place, missing) },
    labels: [...Array.from(labels), ...missing],
    weights: [...all(weights ?? [], 1).slice(0, count), ...missing.map(() => weight)],
    folds: all(folds, -1).fill(-1),
  });
  return { ...head, held: head.held.subarray(0, count * classes) };
}

/** A classifier with zeros for classes behind its own, and biases that put them among these at a point. */
function padded({ weight, bias }: LinearClassifier, point: ArrayLike<number>, classes: number): LinearClassifier {
  const size = point.length;
  const all = { weight: new Float64Array(classes * size), bias: new Float64Array(classes) };
  all.bias.fill(meanOf(logitsAt({ weight, bias }, point), 1)[0] ?? 0);
  all.weight.set(weight);
  all.bias.set(bias);
  return all;
}

/**
 * Where the examples of a known classifier lay, as far as it tells: of the points at which all its logits are one, the
 * middle is the nearest to the mean of the examples that there are, whose classes lie as far from it as those of the
 * others. With D the weights less their mean and t what the logits at the mean lack, it is off by Dᵀ(D Dᵀ + ε)⁻¹ t.
 */
function guessedPlace(known: LinearClassifier, features: Rows, labels: ArrayLike<number>): Place {
  const { size } = features;
  const mean = meanOf(features.data, size);
  const directions = directionsOf(known, size);
  const logits = logitsAt(known, mean);
  const average = meanOf(logits, 1)[0] ?? 0;
  const lacking = logits.map((logit) => average - logit);
  const off = weighted(directions, solved(directions, size, lacking), size);
  const middle = mean.map((x, j) => x + (off[j] as number));
  return { middle, distance: classDistance(features, labels, middle) };
}

/** (D Dᵀ + ε)⁻¹ t by conjugate gradients, ε being a share of the mean of the diagonal. @param directions D [classes, size] */
function solved(directions: Float64Array, size: number, t: Float64Array): Float64Array {
  const epsilon = (ridge * dot(directions, directions)) / t.length;
  const a = new Float64Array(t.length);
  const rest = t.slice();
  let step = t.slice();
  let left = dot(rest, rest);
  const enough = 1e-20 * left;
  for (let i = 0; i < 10 * t.length && left > enough; i++) {
    const pulled = weighted(directions, step, size);
    const image = step.map((x, c) => dot(directions.subarray(c * size, (c + 1) * size), pulled) + epsilon * x);
    const length = left / dot(step, image);
    for (let c = 0; c < a.length; c++) {
      a[c] = (a[c] as number) + length * (step[c] as number);
      rest[c] = (rest[c] as number) - length * (image[c] as number);
    }
    const before = left;
    left = dot(rest, rest);
    step = step.map((x, c) => (rest[c] as number) + (left / before) * x);
  }
  return a;
}

/** Features with a stand-in of each missing class behind them. */
function withStandIns(
  known: LinearClassifier,
  { data, size }: Rows,
  { middle, distance }: Place,
  missing: readonly number[],
): Rows {
  const directions = directionsOf(known, size);
  const all = new Float32Array(data.length + missing.length * size);
  all.set(data);
  for (const [i, c] of missing.entries()) {
    const direction = directions.subarray(c * size, (c + 1) * size);
    const factor = distance / (Math.sqrt(dot(direction, direction)) || 1);
    for (let j = 0; j < size; j++)
      all[data.length + i * size + j] = (middle[j] as number) + factor * (direction[j] as number);
  }
  return { data: all, size };
}

/** How far the means of classes that have examples lie from a point: their root mean square. */
function classDistance({ data, size }: Rows, labels: ArrayLike<number>, point: Float64Array): number {
  const members = new Map<number, Float32Array[]>();
  for (let i = 0; i < labels.length; i++) {
    const row = data.subarray(i * size, (i + 1) * size);
    members.set(labels[i] as number, [...(members.get(labels[i] as number) ?? []), row]);
  }
  let squares = 0;
  for (const rows of members.values()) {
    for (let j = 0; j < size; j++) {
      const mean = rows.reduce((sum, row) => sum + (row[j] as number), 0) / rows.length;
      squares += (mean - (point[j] as number)) ** 2;
    }
  }
  return Math.sqrt(squares / Math.max(1, members.size));
}

/** The weights of each class less their mean [classes, size]. */
function directionsOf({ weight }: LinearClassifier, size: number): Float64Array {
  const middle = meanOf(weight, size);
  return weight.map((w, at) => w - (middle[at % size] as number));
}

function logitsAt({ weight, bias }: LinearClassifier, point: ArrayLike<number>): Float64Array {
  return bias.map((value, c) => value + dot(weight.subarray(c * point.length, (c + 1) * point.length), point));
}

/** Dᵀ a [size]. */
function weighted(directions: Float64Array, a: Float64Array, size: number): Float64Array {
  const sum = new Float64Array(size);
  for (let at = 0; at < directions.length; at++) {
    sum[at % size] = (sum[at % size] as number) + (directions[at] as number) * (a[Math.floor(at / size)] as number);
  }
  return sum;
}

function countsOf(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i] as number] = (counts[labels[i] as number] as number) + 1;
  return counts;
}

/** Mean of the rows [n, size]. */
function meanOf(data: ArrayLike<number>, size: number): Float64Array {
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
