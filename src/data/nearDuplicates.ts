import { Sketches } from './sketches.ts';

/** Texts that are nearly the same: everyone is, of the others, nearly the same as one at least. */
export interface NearGroup {
  /** Numbers of the texts, in the order in which they were added, ascending. */
  readonly members: readonly number[];
}

/** Two texts, and how like they are. */
export interface NearPair {
  readonly first: number;
  readonly second: number;
  /** Jaccard similarity of their runs of three characters, 0 to 1. */
  readonly similarity: number;
}

/** Similarity from which on texts are nearly the same. */
export const nearlySame = 0.7;

/** Texts of a bucket that one is compared with at most: where more are unlike each other, they share a phrase alone. */
const mostCompared = 200;

/**
 * Finds texts that are nearly the same among many, without comparing all with all: MinHash sketches (Broder 1997) in 32
 * bands of 4 tell which may be, and the similarity of those is computed exactly. Of pairs at the limit of 0.7 one in
 * 5,000 is missed, of more similar ones fewer. What is found depends on the texts alone.
 *
 * A text takes 128 bytes here, however long it is. Texts themselves are asked for again.
 */
export class NearDuplicates {
  readonly #sketches = new Sketches();
  readonly #textOf: (index: number) => string;
  readonly #least: number;

  /**
   * @param textOf the text that was added as number `index`, from 0
   * @param least similarity from which on texts are nearly the same
   */
  constructor(textOf: (index: number) => string, least = nearlySame) {
    this.#textOf = textOf;
    this.#least = least;
  }

  get size(): number {
    return this.#sketches.size;
  }

  add(text: string): void {
    this.#sketches.add(shinglesOf(text));
  }

  /** Groups of two texts or more, by their first members. */
  groups(): NearGroup[] {
    const parents = Int32Array.from({ length: this.size }, (_, i) => i);
    const similarity = this.#similarities();
    for (const bucket of this.#sketches.buckets()) {
      const root = rootOf(parents, bucket[0] as number);
      if (bucket.every((one) => rootOf(parents, one) === root)) continue;
      for (let at = 1; at < bucket.length; at++) {
        const one = bucket[at] as number;
        for (let other = Math.max(0, at - mostCompared); other < at; other++) {
          const [a, b] = [rootOf(parents, bucket[other] as number), rootOf(parents, one)];
          if (a === b || similarity(bucket[other] as number, one) < this.#least) continue;
          parents[Math.max(a, b)] = Math.min(a, b);
        }
      }
    }
    const groups = new Map<number, number[]>();
    for (let i = 0; i < parents.length; i++) {
      const root = rootOf(parents, i);
      const members = groups.get(root);
      if (members) members.push(i);
      else groups.set(root, [i]);
    }
    return [...groups.values()].filter(({ length }) => length > 1).map((members) => ({ members }));
  }

  /**
   * The most similar pairs of a group that meet a condition: each text with the one that is most like it, once.
   *
   * @param members of a group; of a large one, each is compared with so many neighbours
   */
  closest({ members }: NearGroup, isWanted: (first: number, second: number) => boolean): NearPair[] {
    const similarity = this.#similarities();
    const best = new Map<number, NearPair>();
    for (const [at, second] of members.entries()) {
      for (let other = Math.max(0, at - mostCompared); other < at; other++) {
        const first = members[other] as number;
        if (!isWanted(first, second)) continue;
        const pair = { first, second, similarity: similarity(first, second) };
        if (pair.similarity < this.#least) continue;
        for (const one of [first, second]) {
          if (pair.similarity > (best.get(one)?.similarity ?? 0)) best.set(one, pair);
        }
      }
    }
    return [...new Set(best.values())];
  }

  /** Keeps the shingles of those compared last: a text is in several buckets. What cannot be enough is 0. */
  #similarities(): (first: number, second: number) => number {
    const kept = new Map<number, Float64Array>();
    let numbers = 0;
    const of = (index: number) => {
      const found = kept.get(index);
      if (found) return found;
      const made = shinglesOf(this.#textOf(index));
      numbers += made.length;
      if (numbers > mostKept) {
        kept.clear();
        numbers = made.length;
      }
      kept.set(index, made);
      return made;
    };
    return (first, second) => {
      const [a, b] = [of(first), of(second)];
      const isEnough = Math.min(a.length, b.length) >= this.#least * Math.max(a.length, b.length);
      return isEnough ? jaccard(a, b) : 0;
    };
  }
}

/** Numbers of all shingles that are kept, of 8 bytes. */
const mostKept = 1 << 23;

/** Share of those that either has that both have; 0 for two without any. */
export function similarityOf(first: string, second: string): number {
  return jaccard(shinglesOf(first), shinglesOf(second));
}

/** Code units of a run of characters. */
const run = 3;

/**
 * The runs of three characters of a text, as numbers: distinct, ascending. Case, punctuation, white space and forms of
 * Unicode do not count; digits do, since they may tell texts apart.
 */
function shinglesOf(text: string): Float64Array {
  const lower = text.normalize('NFKC').toLowerCase();
  const words = lower.replace(/[^\p{L}\p{N}\p{M}]+/gu, ' ').trim();
  const form = ` ${words === '' ? lower.replace(/\s+/gu, ' ').trim() : words} `;
  if (form.trim() === '') return new Float64Array(0);
  const shingles = new Float64Array(Math.max(1, form.length - run + 1));
  for (let i = 0; i < shingles.length; i++) {
    let key = 0;
    for (let j = i; j < i + run; j++) key = key * 65_536 + (j < form.length ? form.charCodeAt(j) : 0);
    shingles[i] = key;
  }
  shingles.sort();
  let distinct = 0;
  for (let i = 0; i < shingles.length; i++) {
    if (i === 0 || shingles[i] !== shingles[i - 1]) shingles[distinct++] = shingles[i] as number;
  }
  return shingles.slice(0, distinct);
}

/** @param a ascending @param b ascending */
function jaccard(a: Float64Array, b: Float64Array): number {
  let [i, j, both] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const difference = (a[i] as number) - (b[j] as number);
    if (difference === 0) both++;
    if (difference <= 0) i++;
    if (difference >= 0) j++;
  }
  const either = a.length + b.length - both;
  return either === 0 ? 0 : both / either;
}

function rootOf(parents: Int32Array, index: number): number {
  let root = index;
  while (parents[root] !== root) root = parents[root] as number;
  for (let at = index; at !== root; ) {
    const next = parents[at] as number;
    parents[at] = root;
    at = next;
  }
  return root;
}
