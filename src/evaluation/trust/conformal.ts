import { countUpTo } from './ranking.ts';

/** How the labels of a set are chosen: by probability alone, by that and class by class, or likeliest first until enough. */
export const setKinds = ['split', 'per-class', 'adaptive', 'regularized'] as const;
export type SetKind = (typeof setKinds)[number];

/** What RAPS adds for each label beyond so many (Angelopoulos et al. 2021). */
export interface Regularization {
  readonly penalty: number;
  readonly free: number;
}

/** What conformal sets need of a text whose label is known. */
export interface ConformalRow {
  /** Class number of the right label. */
  readonly label: number;
  /** 1 - p of the right label. */
  readonly strangeness: number;
  /** Σ p of the labels that are at least as likely as the right one, itself included. */
  readonly cumulative: number;
  /** Labels that are at least as likely as the right one, itself included. */
  readonly rank: number;
}

/** What a text with probabilities [classes] and a known label gives. */
export function conformalRow(probabilities: ArrayLike<number>, label: number): ConformalRow {
  const own = probabilities[label] as number;
  let [cumulative, rank] = [0, 0];
  for (let c = 0; c < probabilities.length; c++) {
    const p = probabilities[c] as number;
    if (p < own || (p === own && c > label)) continue;
    cumulative += p;
    rank++;
  }
  return { label, strangeness: 1 - own, cumulative, rank };
}

/** A rule that makes sets of labels. */
export interface SetRule {
  readonly kind: SetKind;
  /** The most that a label of the set may score; of kind `per-class` one for each class, else one. Infinite: every label. */
  readonly thresholds: Float64Array;
  readonly regularization: Regularization;
}

/**
 * The rule whose sets hold the right label of a share of the texts that are like these: at least `coverage` of them on
 * average over draws of the texts (Vovk et al. 2005; split and per class: Sadinle et al. 2019; adaptive: Romano et al.
 * 2020; regularized: Angelopoulos et al. 2021).
 */
export function fitSets(
  rows: readonly ConformalRow[],
  classes: number,
  kind: SetKind,
  coverage: number,
  regularization: Regularization = { penalty: 0, free: 0 },
): SetRule {
  const score = (row: ConformalRow) => scoreOf(kind, row, regularization);
  if (kind !== 'per-class') {
    return { kind, thresholds: Float64Array.of(conformalQuantile(rows.map(score), coverage)), regularization };
  }
  const lists = Array.from({ length: classes }, () => [] as number[]);
  for (const row of rows) lists[row.label]?.push(score(row));
  return { kind, thresholds: Float64Array.from(lists, (list) => conformalQuantile(list, coverage)), regularization };
}

/** The ⌈(n + 1) · coverage⌉-th smallest score; infinite where there are too few. */
export function conformalQuantile(scores: readonly number[], coverage: number): number {
  // What rounding makes of a product such as 10 · 0.9 is no further text.
  const rank = Math.ceil((scores.length + 1) * coverage - 1e-9);
  if (rank > scores.length) return Number.POSITIVE_INFINITY;
  return Float64Array.from(scores).sort()[Math.max(0, rank - 1)] as number;
}

/** Texts that it takes for a threshold that leaves any label out of a set. */
export function leastTexts(coverage: number): number {
  return Math.ceil(coverage / (1 - coverage) - 1e-9);
}

/** Class numbers of the set of a text with probabilities [classes], the likeliest first. */
export function setOf(probabilities: ArrayLike<number>, { kind, thresholds, regularization }: SetRule): number[] {
  const order = Array.from(probabilities, (_, c) => c).sort(
    (a, b) => (probabilities[b] as number) - (probabilities[a] as number) || a - b,
  );
  const set: number[] = [];
  let cumulative = 0;
  for (const [i, c] of order.entries()) {
    const p = probabilities[c] as number;
    cumulative += p;
    const row = { label: c, strangeness: 1 - p, cumulative, rank: i + 1 };
    const threshold = thresholds[kind === 'per-class' ? c : 0] as number;
    // In float32 a sum may come out a hair off from what it was when the rule was made.
    if (scoreOf(kind, row, regularization) <= threshold + 1e-7) set.push(c);
    else if (kind !== 'per-class') break;
  }
  // Of an adaptive set the likeliest label is always one.
  return set.length === 0 && kind !== 'split' && kind !== 'per-class' ? order.slice(0, 1) : set;
}

function scoreOf(kind: SetKind, { strangeness, cumulative, rank }: ConformalRow, { penalty, free }: Regularization) {
  if (kind === 'split' || kind === 'per-class') return strangeness;
  return kind === 'adaptive' ? cumulative : cumulative + penalty * Math.max(0, rank - free);
}

/** The regularization whose sets are smallest on average over texts with the given probabilities [n, classes]. */
export function chooseRegularization(rows: readonly ConformalRow[], coverage: number): Regularization {
  const ranks = Float64Array.from(rows, ({ rank }) => rank).sort();
  const free = Math.max(1, ranks[Math.min(ranks.length - 1, Math.floor(coverage * ranks.length))] ?? 1);
  return { penalty: 0.01, free };
}

/** Share of values that are at most `threshold`. */
export function shareUpTo(values: ArrayLike<number>, threshold: number): number {
  return values.length === 0 ? 0 : countUpTo(Float64Array.from(values).sort(), threshold) / values.length;
}
