import { type Interval, wilsonInterval } from './intervals.ts';

/** How a classifier does on the texts that share a value. */
export interface Slice extends Interval {
  readonly value: string;
  readonly texts: number;
  /** Share that is right, with its 95 % interval. */
  readonly accuracy: number;
  /** Accuracy on all other texts; null where there are none. */
  readonly others: number | null;
  /**
   * Chance that so many of the errors or more fall into the slice when they fall anywhere (Fisher's exact test, one-sided),
   * corrected for the number of slices tried (Holm 1979); null where the slice is too small to be tried.
   */
  readonly p: number | null;
  /** Whether it is worse than the rest beyond chance. */
  readonly isWorse: boolean;
}

/** Texts of a slice that is tried, at least, and the chance below which it is called worse. */
export const leastOfSlice = 20;
const level = 0.05;

/**
 * The slices of texts by a value, those first that are worse beyond chance and within them the worst.
 *
 * @param values of each text
 * @param right whether the answer to each is right
 */
export function measureSlices(values: readonly string[], right: readonly boolean[]): Slice[] {
  const counts = new Map<string, { texts: number; wrong: number }>();
  for (const [i, value] of values.entries()) {
    const count = counts.get(value) ?? { texts: 0, wrong: 0 };
    counts.set(value, { texts: count.texts + 1, wrong: count.wrong + (right[i] ? 0 : 1) });
  }
  const [all, wrong] = [values.length, right.filter((one) => !one).length];
  const logs = logFactorials(all);
  const rows = [...counts].map(([value, own]) => {
    const isTried = own.texts >= leastOfSlice && own.texts < all;
    return { value, ...own, chance: isTried ? atLeast(own.wrong, { all, wrong, drawn: own.texts }, logs) : null };
  });
  const tried = rows.filter((row) => row.chance !== null);
  const corrected = new Map(holm(tried.map(({ chance }) => chance as number)).map((p, i) => [tried[i]?.value, p]));
  const slices = rows.map((row): Slice => {
    const p = corrected.get(row.value) ?? null;
    const rest = all - row.texts;
    return {
      ...{ value: row.value, texts: row.texts, accuracy: 1 - row.wrong / row.texts },
      ...wilsonInterval(row.texts - row.wrong, row.texts),
      others: rest === 0 ? null : 1 - (wrong - row.wrong) / rest,
      ...{ p, isWorse: p !== null && p < level },
    };
  });
  return slices.sort((a, b) => Number(b.isWorse) - Number(a.isWorse) || a.accuracy - b.accuracy || b.texts - a.texts);
}

/** P values corrected for their number by Holm's step-down method, in their order. */
export function holm(chances: readonly number[]): number[] {
  const order = Array.from(chances.keys()).sort((a, b) => (chances[a] as number) - (chances[b] as number));
  const corrected = new Array<number>(chances.length).fill(1);
  let most = 0;
  for (const [rank, i] of order.entries()) {
    most = Math.max(most, Math.min(1, (chances.length - rank) * (chances[i] as number)));
    corrected[i] = most;
  }
  return corrected;
}

/** P(X ≥ k) of the errors among the texts drawn, X ~ Hypergeometric(all, wrong, drawn). */
function atLeast(
  k: number,
  { all, wrong, drawn }: { readonly all: number; readonly wrong: number; readonly drawn: number },
  logs: Float64Array,
): number {
  const choose = (n: number, m: number) => (logs[n] as number) - (logs[m] as number) - (logs[n - m] as number);
  let chance = 0;
  for (let x = Math.min(wrong, drawn); x >= Math.max(k, drawn - (all - wrong)); x--) {
    chance += Math.exp(choose(wrong, x) + choose(all - wrong, drawn - x) - choose(all, drawn));
  }
  return Math.min(1, chance);
}

/** ln n! for n from 0 on. */
function logFactorials(most: number): Float64Array {
  const logs = new Float64Array(most + 1);
  for (let n = 1; n <= most; n++) logs[n] = (logs[n - 1] as number) + Math.log(n);
  return logs;
}
