import type { PairedDifference } from './paired.ts';

/**
 * What a measured difference says of whether something helped. `not shown` leaves the question open: few texts, labels
 * or repetitions tell no more. `did not help` and `harmed` answer it.
 */
export type Verdict = 'helped' | 'not shown' | 'did not help' | 'harmed';

/** The smallest gain worth having: a point of accuracy. */
export const leastGain = 0.01;

/**
 * Helped when the whole interval lies above 0, harmed when it lies below. An interval that holds 0 shows that it did
 * not help only where it ends below the smallest gain worth having; otherwise nothing is shown.
 *
 * @param difference with something less without it, as shares; null or of no number where nothing was measured
 */
export function verdictOf(difference: PairedDifference | null): Verdict {
  if (difference === null) return 'not shown';
  const { low, high } = difference;
  if (low > 0) return 'helped';
  if (high < 0) return 'harmed';
  return high < leastGain ? 'did not help' : 'not shown';
}
