/** How well a score tells texts of no class (outside) from texts of a known one (inside). */
export interface Separation {
  readonly inside: number;
  readonly outside: number;
  /** Chance that a text of no class has the higher score, of equal ones half: 0.5 tells nothing, 1 all. */
  readonly auroc: number;
  /** Average precision of finding texts of no class by the highest scores, as scikit-learn has it. */
  readonly auprOutside: number;
  /** Average precision of finding texts of a known class by the lowest scores. */
  readonly auprInside: number;
  /** Share of the texts of no class that pass where 95 % of those of a known class do. */
  readonly fprAt95: number;
}

/**
 * @param inside scores of texts of a known class, higher being stranger
 * @param outside scores of texts of no class
 */
export function measureSeparation(inside: ArrayLike<number>, outside: ArrayLike<number>): Separation {
  return {
    inside: inside.length,
    outside: outside.length,
    auroc: auroc(inside, outside),
    auprOutside: averagePrecision(outside, inside, 1),
    auprInside: averagePrecision(inside, outside, -1),
    fprAt95: passingAt(inside, outside, 0.95),
  };
}

/** Chance that an outside score is above an inside one, ties counting half (Mann & Whitney 1947). */
export function auroc(inside: ArrayLike<number>, outside: ArrayLike<number>): number {
  const sorted = Float64Array.from(inside).sort();
  let total = 0;
  for (let i = 0; i < outside.length; i++) {
    const value = outside[i] as number;
    total += (countBelow(sorted, value) + countUpTo(sorted, value)) / 2;
  }
  return total / (inside.length * outside.length);
}

/** Σ (R_k - R_{k-1}) P_k over falling scores; those that are equal count together. @param sign −1: the lowest score first */
function averagePrecision(wanted: ArrayLike<number>, others: ArrayLike<number>, sign: 1 | -1): number {
  const a = Float64Array.from(wanted, (score) => -sign * score).sort();
  const b = Float64Array.from(others, (score) => -sign * score).sort();
  let [found, total] = [0, 0];
  while (found < a.length) {
    const upTo = countUpTo(a, a[found] as number);
    total += ((upTo - found) * upTo) / (upTo + countUpTo(b, a[found] as number));
    found = upTo;
  }
  return total / a.length;
}

/** Share of the outside scores that are no higher than the lowest threshold that lets the share of the inside ones pass. */
function passingAt(inside: ArrayLike<number>, outside: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(inside).sort();
  const threshold = sorted[Math.ceil(share * sorted.length - 1e-9) - 1] as number;
  return countUpTo(Float64Array.from(outside).sort(), threshold) / outside.length;
}

/** How many of sorted values are below one. */
export function countBelow(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many of sorted values are at most one. */
export function countUpTo(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
