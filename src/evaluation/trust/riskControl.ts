import { binomialTail, upperBound } from './binomial.ts';

/** Texts whose answers are known to be right or wrong. */
export interface AnsweredRows {
  /** How sure each answer is [n]. */
  readonly confidence: ArrayLike<number>;
  /** 1 where it is right [n]. */
  readonly right: ArrayLike<number>;
}

export interface RiskOptions {
  /** Share of the answers that may be wrong. */
  readonly mostWrong: number;
  /** How sure it is to be that no more are. */
  readonly confidence: number;
  /** Thresholds to test, ascending, chosen without these texts. */
  readonly thresholds: readonly number[];
  /** Index of the threshold that is tested first, the most cautious one; the last when absent. */
  readonly first?: number;
}

/** The least threshold that keeps a promise, and what is known of it. */
export interface ControlledRisk {
  readonly threshold: number;
  /** Texts that are answered at it, and those of them that are wrong. */
  readonly answered: number;
  readonly wrong: number;
  /** The promise's own bound: no more than this share is wrong, as sure as was asked for. */
  readonly bound: number;
}

/**
 * The least threshold at which no more than a share of the answers is wrong, as sure as asked for, on texts like these:
 * thresholds are tested from the most cautious one on, each by the exact binomial test, up to the first that fails (Learn
 * then Test with a fixed sequence, Angelopoulos et al. 2021).
 *
 * @returns undefined where not even the first one can be promised
 */
export function controlRisk(rows: AnsweredRows, options: RiskOptions): ControlledRisk | undefined {
  const { mostWrong, confidence, thresholds, first = thresholds.length - 1 } = options;
  let found: ControlledRisk | undefined;
  for (let i = first; i >= 0; i--) {
    const threshold = thresholds[i] as number;
    const { answered, wrong } = countAt(rows, threshold);
    if (answered === 0 || binomialTail(wrong, answered, mostWrong) > 1 - confidence) return found;
    found = { threshold, answered, wrong, bound: upperBound(wrong, answered, confidence) };
  }
  return found;
}

/** Answers that nobody gets wrong needed before a promise can be kept: (1 - mostWrong)^n ≤ 1 - confidence. */
export function leastAnswers(mostWrong: number, confidence: number): number {
  return Math.ceil(Math.log(1 - confidence) / Math.log(1 - mostWrong));
}

/** How many texts are answered at a threshold, and how many of them wrong. */
export function countAt({ confidence, right }: AnsweredRows, threshold: number): { answered: number; wrong: number } {
  let [answered, wrong] = [0, 0];
  for (let i = 0; i < right.length; i++) {
    if ((confidence[i] as number) < threshold) continue;
    answered++;
    if (right[i] !== 1) wrong++;
  }
  return { answered, wrong };
}
