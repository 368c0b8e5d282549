import { randomUnit } from '../core/random.ts';

export interface FoldOptions {
  /** Class of each example [n], a number from 0. */
  readonly classes: ArrayLike<number>;
  /** Keys of each example: those that share one stay together. Each list has n. */
  readonly keys: readonly (readonly string[])[];
  readonly count: number;
  readonly seed: number;
}

/**
 * Deals examples into folds so that each has its share of every class, as far as those that stay together allow.
 *
 * @returns the fold of each example [n], from 0
 */
export function stratifiedFolds({ classes, keys, count, seed }: FoldOptions): Int32Array {
  const bundles = bundlesOf(classes.length, keys);
  const dealt = bundles
    .map((members) => ({ members, draw: randomUnit(seed, 'folds', members[0] as number) }))
    .sort((a, b) => b.members.length - a.members.length || a.draw - b.draw);
  const folds = Array.from({ length: count }, () => ({ size: 0, held: new Map<number, number>() }));
  const foldOf = new Int32Array(classes.length);
  for (const { members } of dealt) {
    const counts = new Map<number, number>();
    for (const member of members) {
      const label = classes[member] as number;
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    const crowd = folds.map(({ held }) => sum([...counts].map(([label, n]) => n * (held.get(label) ?? 0))));
    let best = 0;
    for (let f = 1; f < count; f++) {
      const [here, there] = [crowd[f] as number, crowd[best] as number];
      const isSmaller = (folds[f]?.size ?? 0) < (folds[best]?.size ?? 0);
      if (here < there || (here === there && isSmaller)) best = f;
    }
    const fold = folds[best] as (typeof folds)[number];
    fold.size += members.length;
    for (const [label, n] of counts) fold.held.set(label, (fold.held.get(label) ?? 0) + n);
    for (const member of members) foldOf[member] = best;
  }
  return foldOf;
}

/** Examples that are tied by a key of any list, directly or through others, ascending. */
export function bundlesOf(count: number, keys: readonly (readonly string[])[]): number[][] {
  const parents = Array.from({ length: count }, (_, i) => i);
  const rootOf = (example: number): number => {
    let root = example;
    while (parents[root] !== root) root = parents[root] as number;
    for (let at = example; at !== root; ) {
      const next = parents[at] as number;
      parents[at] = root;
      at = next;
    }
    return root;
  };
  for (const list of keys) {
    const firsts = new Map<string, number>();
    for (const [example, key] of list.entries()) {
      const first = firsts.get(key);
      if (first === undefined) firsts.set(key, example);
      else parents[rootOf(example)] = rootOf(first);
    }
  }
  const bundles = new Map<number, number[]>();
  for (let example = 0; example < count; example++) {
    const root = rootOf(example);
    const members = bundles.get(root);
    if (members) members.push(example);
    else bundles.set(root, [example]);
  }
  return [...bundles.values()];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
