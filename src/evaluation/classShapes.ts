import { wilsonInterval } from './intervals.ts';
import type { Rows } from './neighbours.ts';

/** Two classes that a classifier hardly tells apart. */
export interface OnePair {
  readonly classes: readonly [number, number];
  /** Share of each one's texts that look more like the other. */
  readonly shares: readonly [number, number];
}

/** A class whose texts lie in two places. */
export interface TwoParts {
  readonly class: number;
  /** Examples of each part, those nearest to its middle first. */
  readonly parts: readonly [readonly number[], readonly number[]];
  /** How far the parts lie apart, in deviations within them along the line between. */
  readonly distance: number;
}

/** Share of both classes' texts, at least, that look like the other for the two to be one. */
const leastShared = 0.2;

/**
 * Classes that may be one: of each, surely more than a fifth of the texts look more like the other.
 *
 * @param logProbabilities out-of-sample [n, classes]; rows with NaN do not count
 * @param labels given class numbers [n]
 */
export function onePairs(logProbabilities: Float32Array, labels: ArrayLike<number>, classes: number): OnePair[] {
  const sizes = new Float64Array(classes);
  const likes = new Float64Array(classes * classes);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number;
    const own = logProbabilities[i * classes + label] as number;
    if (Number.isNaN(own)) continue;
    sizes[label] = (sizes[label] as number) + 1;
    for (let c = 0; c < classes; c++) {
      const at = label * classes + c;
      if ((logProbabilities[i * classes + c] as number) > own) likes[at] = (likes[at] as number) + 1;
    }
  }
  const pairs: OnePair[] = [];
  const count = (a: number, b: number) => likes[a * classes + b] as number;
  for (let a = 0; a < classes; a++) {
    for (let b = a + 1; b < classes; b++) {
      const [inA, inB] = [sizes[a] as number, sizes[b] as number];
      if (wilsonInterval(count(a, b), inA).low < leastShared) continue;
      if (wilsonInterval(count(b, a), inB).low < leastShared) continue;
      pairs.push({ classes: [a, b], shares: [count(a, b) / inA, count(b, a) / inB] });
    }
  }
  return pairs.sort((one, other) => Math.min(...other.shares) - Math.min(...one.shares));
}

/** Texts of a class that are needed to tell. */
const enoughToSplit = 24;
/** Halves of one bell curve lie 2.65 deviations apart, and texts of one class are hardly ever beyond this. */
const leastDistance = 6;
const leastPart = 0.15;

/**
 * Classes that may be two: two middles that are found in one half of a class's texts part the other half, too, and
 * leave a gap.
 *
 * @param vectors [n, size] @param labels class numbers [n]
 */
export function twoParts(vectors: Rows, labels: ArrayLike<number>, classes: number): TwoParts[] {
  const members = Array.from({ length: classes }, (): number[] => []);
  for (let i = 0; i < labels.length; i++) members[labels[i] as number]?.push(i);
  const found: TwoParts[] = [];
  for (const [label, own] of members.entries()) {
    if (own.length < enoughToSplit) continue;
    const halves = [own.filter((_, i) => i % 2 === 0), own.filter((_, i) => i % 2 === 1)] as const;
    const distance = Math.min(gap(vectors, halves[0], halves[1]), gap(vectors, halves[1], halves[0]));
    if (distance < leastDistance) continue;
    const middles = twoMeans(vectors, own);
    if (!middles) continue;
    const parts = [0, 1].map((part) => nearestFirst(vectors, own, middles, part)) as [number[], number[]];
    if (Math.min(parts[0].length, parts[1].length) < leastPart * own.length) continue;
    found.push({ class: label, parts, distance });
  }
  return found.sort((a, b) => b.distance - a.distance);
}

/** How far the parts of some rows lie apart, which other rows gave; 0 where there are no two. */
function gap(vectors: Rows, given: readonly number[], rows: readonly number[]): number {
  const middles = twoMeans(vectors, given);
  if (!middles) return 0;
  const [a, b] = middles;
  const sides: [number[], number[]] = [[], []];
  for (const row of rows) {
    let along = 0;
    for (let j = 0; j < vectors.size; j++) {
      along += (vectors.data[row * vectors.size + j] as number) * ((b[j] as number) - (a[j] as number));
    }
    sides[nearer(vectors, row, middles)].push(along);
  }
  if (Math.min(sides[0].length, sides[1].length) < leastPart * rows.length) return 0;
  const [low, high] = [spreadOf(sides[0]), spreadOf(sides[1])];
  const within = Math.sqrt((low.squares + high.squares) / rows.length);
  return within > 0 ? Math.abs(high.mean - low.mean) / within : 0;
}

function spreadOf(values: readonly number[]): { mean: number; squares: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, squares: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) };
}

type Middles = readonly [Float64Array, Float64Array];
const mostRounds = 30;

/** Lloyd's two means, from the row that lies furthest from the mean and the one furthest from that. */
function twoMeans(vectors: Rows, rows: readonly number[]): Middles | undefined {
  const whole = meanOf(vectors, rows);
  const first = furthest(vectors, rows, whole);
  const second = furthest(vectors, rows, meanOf(vectors, [first]));
  if (first === second) return undefined;
  let middles: Middles = [meanOf(vectors, [first]), meanOf(vectors, [second])];
  let sides = '';
  for (let round = 0; round < mostRounds; round++) {
    const side = rows.map((row) => nearer(vectors, row, middles));
    if (side.join('') === sides) break;
    sides = side.join('');
    const parts = [0, 1].map((one) => rows.filter((_, i) => side[i] === one));
    if (parts.some(({ length }) => length === 0)) return undefined;
    middles = [meanOf(vectors, parts[0] ?? []), meanOf(vectors, parts[1] ?? [])];
  }
  return middles;
}

function nearer(vectors: Rows, row: number, [a, b]: Middles): 0 | 1 {
  return distance(vectors, row, b) < distance(vectors, row, a) ? 1 : 0;
}

function nearestFirst(vectors: Rows, rows: readonly number[], middles: Middles, part: number): number[] {
  const own = rows.filter((row) => nearer(vectors, row, middles) === part);
  const middle = middles[part === 0 ? 0 : 1];
  return own.sort((a, b) => distance(vectors, a, middle) - distance(vectors, b, middle) || a - b);
}

function furthest(vectors: Rows, rows: readonly number[], from: Float64Array): number {
  let [best, most] = [rows[0] as number, -1];
  for (const row of rows) {
    const far = distance(vectors, row, from);
    if (far > most) [best, most] = [row, far];
  }
  return best;
}

function meanOf({ data, size }: Rows, rows: readonly number[]): Float64Array {
  const mean = new Float64Array(size);
  for (const row of rows) {
    for (let j = 0; j < size; j++) mean[j] = (mean[j] as number) + (data[row * size + j] as number) / rows.length;
  }
  return mean;
}

/** Squared. */
function distance({ data, size }: Rows, row: number, from: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < size; j++) sum += ((data[row * size + j] as number) - (from[j] as number)) ** 2;
  return sum;
}
