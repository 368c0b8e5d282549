import { randomUnit } from '../core/random.ts';
import { bundlesOf } from './folds.ts';

export interface IterativeSplitOptions {
  /** Labels of each text, by number [n]; a text may have none. */
  readonly labels: readonly (readonly number[])[];
  /** Keys of each text: those that share one stay together. Each list has n. */
  readonly keys: readonly (readonly string[])[];
  /** Shares of the parts; they sum to 1. */
  readonly shares: readonly number[];
  readonly seed: number;
}

/**
 * Deals texts with several labels into parts so that each has its share of every label: the rarest label first, each of its
 * texts to the part that lacks that label most, of those alike to the one that lacks texts most (iterative stratification,
 * Sechidis et al. 2011). Texts without a label fill up what is left.
 *
 * @returns the part of each text [n], from 0
 */
export function iterativeSplit({ labels, keys, shares, seed }: IterativeSplitOptions): Int32Array {
  const bundles = bundlesOf(labels.length, keys)
    .map((members) => ({
      members,
      draw: randomUnit(seed, 'folds', members[0] as number),
      counts: countsOf(members.map((i) => labels[i] ?? [])),
    }))
    .sort((a, b) => a.draw - b.draw);
  const totals = countsOf(labels);
  const parts = shares.map((share) => ({
    texts: share * labels.length,
    lacks: new Map(Array.from(totals, ([label, count]) => [label, share * count])),
  }));
  const partOf = new Int32Array(labels.length);
  const waiting = new Set(bundles);
  const place = (bundle: (typeof bundles)[number], wanted: number | undefined) => {
    let best = 0;
    for (let p = 1; p < parts.length; p++) if (lacksMore(parts, p, best, wanted)) best = p;
    const part = parts[best] as (typeof parts)[number];
    part.texts -= bundle.members.length;
    for (const [label, count] of bundle.counts) {
      part.lacks.set(label, (part.lacks.get(label) ?? 0) - count);
      totals.set(label, (totals.get(label) ?? 0) - count);
    }
    for (const member of bundle.members) partOf[member] = best;
    waiting.delete(bundle);
  };
  for (let rarest = rarestOf(totals); rarest !== undefined; rarest = rarestOf(totals)) {
    const label = rarest;
    // What holds many of it has to find room first.
    const holding = [...waiting].filter(({ counts }) => counts.has(label));
    for (const bundle of holding.sort((a, b) => b.members.length - a.members.length)) place(bundle, label);
  }
  for (const bundle of waiting) place(bundle, undefined);
  return partOf;
}

function lacksMore(
  parts: readonly { readonly texts: number; readonly lacks: ReadonlyMap<number, number> }[],
  a: number,
  b: number,
  label: number | undefined,
): boolean {
  const of = (part: number) => (label === undefined ? 0 : (parts[part]?.lacks.get(label) ?? 0));
  const [here, there] = [of(a), of(b)];
  return here > there || (here === there && (parts[a]?.texts ?? 0) > (parts[b]?.texts ?? 0));
}

/** The label with the fewest texts that are still to be dealt. */
function rarestOf(totals: ReadonlyMap<number, number>): number | undefined {
  let rarest: number | undefined;
  for (const [label, count] of totals) {
    if (count > 0 && (rarest === undefined || count < (totals.get(rarest) ?? 0))) rarest = label;
  }
  return rarest;
}

function countsOf(lists: readonly (readonly number[])[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const list of lists) for (const label of list) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}
