import type { Rows } from '../neighbours.ts';
import { classMeans, ledoitWolf, whitening } from './ledoitWolf.ts';

/**
 * What tells how strange a text is to a classifier, the simplest first: one less its best probability (Hendrycks &
 * Gimpel 2017), the entropy of its probabilities, the energy of its logits (Liu et al. 2020), the least Mahalanobis
 * distance of its vector from the mean of a class (Lee et al. 2018), the distance from its k-th nearest training text
 * (Sun et al. 2022), that and the entropy added up, each by its own spread.
 */
export const outsideKinds = [
  'probability',
  'entropy',
  'energy',
  'mahalanobis',
  'neighbours',
  'neighbours-entropy',
] as const;
export type OutsideKind = (typeof outsideKinds)[number];

/** Texts as a classifier sees them. */
export interface SeenTexts {
  /** Calibrated logits or log-probabilities [n, classes]. */
  readonly logits: ArrayLike<number>;
  readonly classes: number;
  /** The vectors that it reads [n, size]; absent where it reads none. */
  readonly vectors?: Rows;
}

/** What a score needs of the training texts; of the first two kinds nothing. */
export interface OutsideNumbers {
  readonly kind: OutsideKind;
  readonly size: number;
  /** Lower triangular W, |W x|² being the squared distance within classes [size, size]. */
  readonly within?: Float32Array;
  /** Means of classes times W [classes, size], of those that have texts. */
  readonly means?: Float32Array;
  /** Unit vectors of training texts [m, size] with their class numbers. */
  readonly neighbours?: Float32Array;
  /** Class numbers of the means, or of the neighbours. */
  readonly classesOf?: Int32Array;
  /** Where two scores are added up: mean and standard deviation of each over texts of known classes. */
  readonly moments?: Moments;
}

export interface Moments {
  readonly neighbours: readonly [mean: number, deviation: number];
  readonly entropy: readonly [mean: number, deviation: number];
}

/** Which classes are to be taken for unknown. */
export type Unknown = (label: number) => boolean;

/** Neighbours of a text of which the last one counts. */
const usualNeighbours = 5;
/** Rows that a covariance, and neighbours, are taken from at most: more change little and take their time and place. */
const mostRows = 3000;
export const mostNeighbours = 1000;

/** Kinds that read the logits alone. */
export function isOfLogits(kind: OutsideKind): boolean {
  return kind === 'probability' || kind === 'entropy' || kind === 'energy';
}

/**
 * What a kind needs of training texts.
 *
 * @param isIn which of the texts count; all when absent
 * @returns undefined where their vectors do not give it
 */
export function outsideNumbers(
  kind: OutsideKind,
  vectors: Rows | undefined,
  labels: ArrayLike<number>,
  classes: number,
  isIn: (i: number) => boolean = () => true,
  moments?: Moments,
): OutsideNumbers | undefined {
  if (isOfLogits(kind)) return { kind, size: 0 };
  if (!vectors) return undefined;
  const { size } = vectors;
  const all = Array.from(labels, (_, i) => i).filter(isIn);
  if (kind !== 'mahalanobis') {
    const chosen = spread(all, mostNeighbours);
    const neighbours = new Float32Array(chosen.length * size);
    for (const [row, i] of chosen.entries()) neighbours.set(unit(vectors, i), row * size);
    if (chosen.length === 0) return undefined;
    const classesOf = Int32Array.from(chosen, (i) => labels[i] as number);
    return { kind, size, neighbours, classesOf, ...(moments ? { moments } : {}) };
  }
  const { means, counts } = classMeans(vectors, labels, classes, isIn);
  const present = Array.from(counts.keys()).filter((c) => (counts[c] as number) > 0);
  const chosen = spread(all, mostRows);
  if (chosen.length < 3) return undefined;
  const within = whitened(vectors, chosen, (i) => means.subarray((labels[i] as number) * size));
  if (!within) return undefined;
  const moved = new Float32Array(present.length * size);
  for (const [row, c] of present.entries()) multiply(within, means, c * size, size, moved, row * size);
  return { kind, size, within, means: moved, classesOf: Int32Array.from(present) };
}

/**
 * How strange each text is [n], higher being stranger.
 *
 * @param isUnknown classes that count as unknown, of each text; none when absent
 */
export function outsideScores(
  numbers: OutsideNumbers,
  texts: SeenTexts,
  isUnknown?: (text: number) => Unknown,
): Float64Array {
  const n = texts.logits.length / texts.classes;
  const scores = new Float64Array(n);
  const score = scorer(numbers, texts);
  for (let i = 0; i < n; i++) scores[i] = score(i, isUnknown?.(i));
  return scores;
}

function scorer(numbers: OutsideNumbers, { logits, classes, vectors }: SeenTexts) {
  const { kind, moments } = numbers;
  if (kind === 'probability' || kind === 'entropy' || kind === 'energy') {
    return (i: number, isUnknown?: Unknown) => ofLogits(kind, logits, i * classes, classes, isUnknown);
  }
  if (!vectors) throw new Error(`internal: ${kind} reads vectors`);
  if (kind === 'mahalanobis') return byDistance(numbers, vectors);
  const near = byNeighbours(numbers, vectors);
  if (kind === 'neighbours') return near;
  if (!moments) throw new Error('internal: two scores without their spreads');
  return (i: number, isUnknown?: Unknown) =>
    standard(near(i, isUnknown), moments.neighbours) +
    standard(ofLogits('entropy', logits, i * classes, classes, isUnknown), moments.entropy);
}

function standard(value: number, [mean, deviation]: readonly [number, number]): number {
  return (value - mean) / deviation;
}

/** Mean and standard deviation of scores; one of 1 where they are all the same. */
export function momentsOf(scores: readonly number[]): readonly [number, number] {
  const mean = scores.reduce((sum, value) => sum + value, 0) / Math.max(1, scores.length);
  const variance = scores.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, scores.length);
  return [mean, Math.sqrt(variance) || 1];
}

/** 1 - max p, -Σ p ln p, or minus the log of the sum of the odds of logits without their mean. */
function ofLogits(
  kind: 'probability' | 'entropy' | 'energy',
  logits: ArrayLike<number>,
  from: number,
  classes: number,
  isUnknown: Unknown = () => false,
): number {
  let [most, total, count] = [Number.NEGATIVE_INFINITY, 0, 0];
  for (let c = 0; c < classes; c++) {
    if (isUnknown(c)) continue;
    const logit = logits[from + c] as number;
    if (logit > most) most = logit;
    total += logit;
    count++;
  }
  let [sum, mixed] = [0, 0];
  for (let c = 0; c < classes; c++) {
    if (isUnknown(c)) continue;
    const away = (logits[from + c] as number) - most;
    const odds = Math.exp(away);
    sum += odds;
    mixed += odds * away;
  }
  if (kind === 'probability') return 1 - 1 / sum;
  if (kind === 'entropy') return Math.log(sum) - mixed / sum;
  return -(Math.log(sum) + most - total / Math.max(1, count));
}

function byDistance({ size, within, means, classesOf }: OutsideNumbers, { data }: Rows) {
  if (!within || !means || !classesOf) throw new Error('internal: distances without their numbers');
  const moved = new Float32Array(size);
  return (i: number, isUnknown: Unknown = () => false) => {
    multiply(within, data, i * size, size, moved, 0);
    let least = Number.POSITIVE_INFINITY;
    for (let row = 0; row < classesOf.length; row++) {
      if (!isUnknown(classesOf[row] as number)) least = Math.min(least, squaredDistance(moved, means, row * size));
    }
    return least;
  };
}

function byNeighbours({ size, neighbours, classesOf }: OutsideNumbers, vectors: Rows) {
  if (!neighbours || !classesOf) throw new Error('internal: neighbours without vectors');
  const nearest = new Float64Array(Math.min(usualNeighbours, classesOf.length));
  return (i: number, isUnknown: Unknown = () => false) => {
    const own = unit(vectors, i);
    nearest.fill(Number.NEGATIVE_INFINITY);
    for (let row = 0; row < classesOf.length; row++) {
      if (isUnknown(classesOf[row] as number)) continue;
      const cosine = inner(own, neighbours, row * size);
      let at = nearest.length - 1;
      if (cosine <= (nearest[at] as number)) continue;
      for (; at > 0 && (nearest[at - 1] as number) < cosine; at--) nearest[at] = nearest[at - 1] as number;
      nearest[at] = cosine;
    }
    // Where there are fewer than k, the last that there is.
    const last = nearest.findLast((value) => value !== Number.NEGATIVE_INFINITY) ?? -1;
    return 1 - last;
  };
}

function whitened(
  { data, size }: Rows,
  chosen: readonly number[],
  meanOf: (i: number) => ArrayLike<number>,
): Float32Array | undefined {
  const rows = new Float64Array(chosen.length * size);
  for (const [row, i] of chosen.entries()) {
    const mean = meanOf(i);
    for (let j = 0; j < size; j++) rows[row * size + j] = (data[i * size + j] as number) - (mean[j] as number);
  }
  const matrix = whitening(ledoitWolf({ rows, size }).covariance, size);
  return matrix && Float32Array.from(matrix);
}

/** W x of a lower triangular W [size, size]. */
function multiply(
  matrix: Float32Array,
  x: ArrayLike<number>,
  from: number,
  size: number,
  result: Float32Array,
  to: number,
): void {
  for (let i = 0; i < size; i++) {
    let sum = 0;
    const row = i * size;
    for (let j = 0; j <= i; j++) sum += (matrix[row + j] as number) * (x[from + j] as number);
    result[to + i] = sum;
  }
}

function squaredDistance(x: Float32Array, others: Float32Array, from: number): number {
  let sum = 0;
  for (let j = 0; j < x.length; j++) {
    const away = (x[j] as number) - (others[from + j] as number);
    sum += away * away;
  }
  return sum;
}

/** In four sums, so that none waits for the one before. */
function inner(x: Float32Array, others: Float32Array, from: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = x.length - (x.length % 4);
  for (let j = 0; j < whole; j += 4) {
    s0 += (x[j] as number) * (others[from + j] as number);
    s1 += (x[j + 1] as number) * (others[from + j + 1] as number);
    s2 += (x[j + 2] as number) * (others[from + j + 2] as number);
    s3 += (x[j + 3] as number) * (others[from + j + 3] as number);
  }
  for (let j = whole; j < x.length; j++) s0 += (x[j] as number) * (others[from + j] as number);
  return s0 + s1 + s2 + s3;
}

function unit({ data, size }: Rows, i: number): Float32Array {
  const row = data.subarray(i * size, (i + 1) * size);
  let square = 0;
  for (let j = 0; j < size; j++) square += (row[j] as number) ** 2;
  const length = Math.sqrt(square) || 1;
  return row.map((value) => value / length);
}

/** Some of many, evenly spread. */
export function spread<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)] as T);
}
