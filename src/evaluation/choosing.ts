import { randomUnit } from '../core/random.ts';
import { drawn, kMeans, squaredDistance } from './kMeans.ts';
import type { Rows } from './neighbours.ts';

/** Ways to choose the texts to label next. */
export type Strategy = 'mix' | 'margin' | 'entropy' | 'coverage' | 'random';

export interface ChooseOptions {
  readonly strategy: Strategy;
  readonly count: number;
  readonly seed: number;
  /** Vectors of the texts to choose from [n, size]. */
  readonly pool: Rows;
  /** Vectors of the texts that have labels. */
  readonly labeled: Rows;
  /** Probabilities of the classes for the texts of the pool [n, classes]; absent before there is a classifier. */
  readonly probabilities?: { readonly data: Float32Array; readonly classes: number };
  /** Texts of one number are nearly the same: one of them is chosen [n]. */
  readonly groups: ArrayLike<number>;
}

/** A text of the pool that is worth a label. */
export interface Chosen {
  readonly index: number;
  /** 0 to 1: how much it is in doubt, or how many texts it stands for beside the one that stands for most. */
  readonly score: number;
  /** The classes that it is in doubt between. */
  readonly between?: readonly [number, number];
  /** Texts that it stands for. */
  readonly standsFor?: number;
}

/** Labels of a class from which on doubt says more than places that no label covers. */
const labelsOfClass = 3;

/**
 * Chooses texts to label, no two of them nearly the same.
 *
 * - `margin`: where the two likeliest classes are nearest to each other; `entropy`: where probabilities are most even.
 * - `coverage`: what is most typical of the largest places without a label (TypiClust, Hacohen et al. 2022).
 * - `mix`: coverage while labels are few, then doubt and spread at once (BADGE, Ash et al. 2020).
 */
export function chooseTexts(options: ChooseOptions): Chosen[] {
  const { strategy, probabilities, labeled } = options;
  if (strategy === 'random') return byOrder(options, byChance(options));
  if (!probabilities || strategy === 'coverage') return typical(options);
  const doubts = doubtsOf(probabilities);
  if (strategy === 'mix') {
    const labels = labeled.data.length / labeled.size;
    return labels < labelsOfClass * probabilities.classes ? typical(options) : spreadDoubt(options, doubts);
  }
  const scores = doubts.map((doubt) => (strategy === 'margin' ? doubt.score : doubt.entropy));
  const order = scores.map((_, i) => i).sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  return byOrder(options, order).map(({ index }) => {
    return { index, score: scores[index] as number, between: doubts[index]?.between };
  });
}

/** The first ones of an order, one of each group. */
function byOrder({ count, groups }: ChooseOptions, order: readonly number[]): Chosen[] {
  const chosen: Chosen[] = [];
  const taken = new Set<number>();
  for (const index of order) {
    if (chosen.length === count) break;
    const group = groups[index] as number;
    if (taken.has(group)) continue;
    taken.add(group);
    chosen.push({ index, score: 0.5 });
  }
  return chosen;
}

function byChance({ pool, seed }: ChooseOptions): number[] {
  const keys = Float64Array.from({ length: pool.data.length / pool.size }, (_, i) => randomUnit(seed, 'sample', i));
  return Array.from(keys.keys()).sort((a, b) => (keys[a] as number) - (keys[b] as number));
}

interface Doubt {
  /** 1 less the margin between the two likeliest classes. */
  readonly score: number;
  /** 0 to 1. */
  readonly entropy: number;
  readonly between: readonly [number, number];
}

function doubtsOf({ data, classes }: NonNullable<ChooseOptions['probabilities']>): Doubt[] {
  return Array.from({ length: data.length / classes }, (_, i) => {
    let [first, second, entropy] = [-1, -1, 0];
    const at = (c: number) => (c < 0 ? -1 : (data[i * classes + c] as number));
    for (let c = 0; c < classes; c++) {
      const p = at(c);
      if (p > 0) entropy -= p * Math.log(p);
      if (p > at(first)) [first, second] = [c, first];
      else if (p > at(second)) second = c;
    }
    return { score: 1 - (at(first) - at(second)), entropy: entropy / Math.log(classes), between: [first, second] };
  });
}

/** Neighbours by which a text is typical. */
const neighbours = 20;
/** Places that texts are parted into at most. */
const mostPlaces = 400;

/** The most typical texts of the largest places of which none has a label, in turns where there are more texts than places. */
function typical({ pool, labeled, count, seed, groups }: ChooseOptions): Chosen[] {
  const [inPool, inLabeled] = [pool, labeled].map(({ data }) => data.length / pool.size) as [number, number];
  const all = { data: new Float32Array(pool.data.length + labeled.data.length), size: pool.size };
  all.data.set(pool.data);
  all.data.set(labeled.data, pool.data.length);
  const { clusterOf, clusters } = kMeans(all, Math.min(mostPlaces, inLabeled + count), seed);
  const places = Array.from({ length: clusters }, () => ({ texts: [] as number[], labels: 0 }));
  for (let i = 0; i < inPool + inLabeled; i++) {
    const place = places[clusterOf[i] as number];
    if (!place) continue;
    if (i < inPool) place.texts.push(i);
    else place.labels++;
  }
  const most = Math.max(1, ...places.map(({ texts }) => texts.length));
  const ranked = new Map(places.map((place) => [place, undefined as number[] | undefined]));
  const taken = new Set<number>();
  const chosen: Chosen[] = [];
  const open = places.filter(({ texts }) => texts.length > 0);
  while (chosen.length < count && open.length > 0) {
    open.sort((a, b) => a.labels - b.labels || b.texts.length - a.texts.length);
    const place = open[0] as (typeof open)[number];
    const order = ranked.get(place) ?? byTypicality(pool, place.texts);
    ranked.set(place, order);
    const index = order.find((i) => !taken.has(groups[i] as number));
    if (index === undefined) {
      open.shift();
      continue;
    }
    taken.add(groups[index] as number);
    place.labels++;
    chosen.push({ index, score: place.texts.length / most, standsFor: place.texts.length });
  }
  return chosen;
}

/** Texts of a place, those first that are nearest to their neighbours. */
function byTypicality(pool: Rows, texts: readonly number[]): number[] {
  const some = texts.slice(0, mostCompared);
  const far = new Map(
    some.map((i) => {
      const distances = some.map((j) => Math.sqrt(squaredDistance(pool, i, pool, j))).sort((a, b) => a - b);
      const near = distances.slice(1, neighbours + 1);
      return [i, near.reduce((sum, distance) => sum + distance, 0) / Math.max(1, near.length)];
    }),
  );
  const of = (i: number) => far.get(i) ?? Number.POSITIVE_INFINITY;
  return [...texts].sort((a, b) => of(a) - of(b) || a - b);
}

const mostCompared = 500;

/**
 * Texts that a label would teach most, and different things: drawn by how far apart the gradients lie that their likeliest
 * classes would give the classifier, (p - onehot(likeliest)) xᵀ.
 */
function spreadDoubt({ pool, probabilities, count, seed, groups }: ChooseOptions, doubts: readonly Doubt[]): Chosen[] {
  if (!probabilities) return [];
  const { data, classes } = probabilities;
  const errors = { data: Float32Array.from(data), size: classes };
  for (const [i, { between }] of doubts.entries()) {
    errors.data[i * classes + between[0]] = (errors.data[i * classes + between[0]] as number) - 1;
  }
  const norms = (rows: Rows) => doubts.map((_, i) => dot(rows, i, i));
  const [ofErrors, ofVectors] = [norms(errors), norms(pool)];
  // |g_i - g_j|² = |e_i|²|x_i|² + |e_j|²|x_j|² - 2 (e_i · e_j)(x_i · x_j)
  const square = (i: number) => (ofErrors[i] as number) * (ofVectors[i] as number);
  const far = Float64Array.from(doubts, (_, i) => square(i));
  const chosen: Chosen[] = [];
  while (chosen.length < count) {
    const index = drawn(far, seed, chosen.length);
    if (index < 0) break;
    const { score, between } = doubts[index] as Doubt;
    chosen.push({ index, score, between });
    for (let i = 0; i < far.length; i++) {
      if (far[i] === 0) continue;
      if (groups[i] === groups[index]) {
        far[i] = 0;
        continue;
      }
      const between = 2 * dot(errors, i, index) * dot(pool, i, index);
      far[i] = Math.min(far[i] as number, Math.max(0, square(i) + square(index) - between));
    }
  }
  return chosen;
}

function dot({ data, size }: Rows, i: number, j: number): number {
  let sum = 0;
  for (let n = 0; n < size; n++) sum += (data[i * size + n] as number) * (data[j * size + n] as number);
  return sum;
}
