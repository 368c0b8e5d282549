import { randomBelow, randomBits } from '../core/random.ts';
import { type Interval, standardErrorOfMean } from './intervals.ts';
import { studentQuantile } from './paired.ts';
import { leastGain } from './verdict.ts';

/** Whether each text was answered rightly, in each repetition: [repetitions][texts]. */
export type Answered = readonly ArrayLike<boolean>[];

/** A model's accuracy less that of the reference, as a share, with what it says. */
export interface Comparison extends Interval {
  readonly mean: number;
  readonly standardError: number;
  readonly outcome: Outcome;
  /**
   * How many more texts, or repetitions where texts would not do, would carry the interval past 0 in four of five draws if
   * the difference truly is what was measured; absent where the question is settled, or the difference is below the
   * smallest worth having.
   */
  readonly settledBy?: { readonly more: number; readonly of: 'texts' | 'repetitions' };
}

/**
 * `alike`: the interval lies within a point of 0, so there is no difference worth having. `open`: it holds 0 and
 * differences of a point or more.
 */
export type Outcome = 'better' | 'worse' | 'alike' | 'open';

/** Bootstrap draws. */
const draws = 2000;

/**
 * Compares models with a reference on the same texts and repetitions (the same seeds, labels and folds). Texts and
 * repetitions are both samples: the bootstrap draws both anew, each model's answers staying paired with the reference's.
 * Of n repetitions it draws n - 1, which makes their variance unbiased (Rao and Wu 1988), and the interval is widened as
 * Student's t with Satterthwaite's degrees of freedom, since few repetitions tell little of their own spread. The
 * intervals hold for all models together with 95 %: they go by the largest studentized deviation of each draw
 * (Westfall and Young 1993).
 *
 * @param seed of the draws
 * @throws when the shapes differ, or there is no text
 */
export function compareAnswers(reference: Answered, others: readonly Answered[], seed = 0): Comparison[] {
  const compared = others.map((other) => new Differences(reference, other));
  const [first] = compared;
  if (!first) return [];
  const { repetitions, texts } = first;
  const rows = compared.map(() => new Float64Array(draws));
  const [counts, bits] = [new Float64Array(repetitions), new Uint32Array(4)];
  const drawnRepetitions = Math.max(1, repetitions - 1);
  for (let draw = 0; draw < draws; draw++) {
    counts.fill(0);
    for (let i = 0; i < drawnRepetitions; i++) {
      const chosen = randomBelow(repetitions, seed, 'bootstrap', draw, i, 1);
      counts[chosen] = (counts[chosen] as number) + 1 / drawnRepetitions;
    }
    const means = compared.map((differences) => differences.weighted(counts));
    const sums = new Float64Array(compared.length);
    for (let i = 0; i < texts; i++) {
      if (i % 4 === 0) randomBits(seed, 'bootstrap', draw, i / 4, 0, bits);
      const text = Math.floor(((bits[i % 4] as number) / 2 ** 32) * texts);
      for (let k = 0; k < sums.length; k++) sums[k] = (sums[k] as number) + (means[k]?.[text] as number);
    }
    for (let k = 0; k < sums.length; k++) (rows[k] as Float64Array)[draw] = (sums[k] as number) / texts;
  }
  const errors = rows.map((row, k) => deviationFrom(row, compared[k]?.mean ?? 0));
  const quantile = largestQuantile(rows, compared, errors);
  return compared.map((differences, k) => {
    const standardError = errors[k] ?? 0;
    const factor = quantile * (studentQuantile(differences.degrees) / studentQuantile(Number.POSITIVE_INFINITY));
    return judged(differences, standardError, factor);
  });
}

/** Another model's answers less the reference's: 1 where it alone is right, -1 where the reference alone is. */
class Differences {
  readonly repetitions: number;
  readonly texts: number;
  readonly mean: number;
  /** Variance of the mean that comes of the repetitions, and of the texts. */
  readonly ofRepetitions: number;
  readonly ofTexts: number;
  readonly #rows: readonly Float64Array[];

  constructor(reference: Answered, other: Answered) {
    this.repetitions = reference.length;
    this.texts = reference[0]?.length ?? 0;
    const fits =
      other.length === this.repetitions && [...reference, ...other].every((row) => row.length === this.texts);
    if (!fits || this.texts === 0) throw new Error('compareAnswers: the same texts and repetitions are compared');
    this.#rows = reference.map((row, s) =>
      Float64Array.from({ length: this.texts }, (_, i) => Number(other[s]?.[i]) - Number(row[i])),
    );
    const repetitionMeans = this.#rows.map((row) => row.reduce((sum, value) => sum + value, 0) / this.texts);
    const textMeans = this.weighted(new Float64Array(this.repetitions).fill(1 / this.repetitions));
    this.mean = repetitionMeans.reduce((sum, value) => sum + value, 0) / this.repetitions;
    this.ofRepetitions = standardErrorOfMean(repetitionMeans) ** 2;
    this.ofTexts = standardErrorOfMean(textMeans) ** 2;
  }

  /** Satterthwaite's degrees of freedom of the sum of both variances. */
  get degrees(): number {
    const [ofRepetitions, ofTexts] = [this.ofRepetitions, this.ofTexts];
    const squares = ofRepetitions ** 2 / Math.max(1, this.repetitions - 1) + ofTexts ** 2 / Math.max(1, this.texts - 1);
    return squares > 0 ? (ofRepetitions + ofTexts) ** 2 / squares : Number.POSITIVE_INFINITY;
  }

  /** The mean over repetitions with these weights, of each text. */
  weighted(weights: ArrayLike<number>): Float64Array {
    const means = new Float64Array(this.texts);
    for (const [s, row] of this.#rows.entries()) {
      const weight = weights[s] as number;
      if (weight === 0) continue;
      for (let i = 0; i < means.length; i++) means[i] = (means[i] as number) + weight * (row[i] as number);
    }
    return means;
  }
}

/** Root mean square of what draws differ from the value they estimate. */
function deviationFrom(row: Float64Array, value: number): number {
  return Math.sqrt(row.reduce((sum, drawn) => sum + (drawn - value) ** 2, 0) / row.length);
}

/** The 95 % quantile of the largest deviation among all models, in standard errors. */
function largestQuantile(
  rows: readonly Float64Array[],
  compared: readonly Differences[],
  errors: readonly number[],
): number {
  const largest = Float64Array.from({ length: draws }, (_, draw) => {
    const deviations = rows.map((row, k) => {
      const error = errors[k] ?? 0;
      return error > 0 ? Math.abs((row[draw] as number) - (compared[k]?.mean ?? 0)) / error : 0;
    });
    return Math.max(...deviations);
  }).sort();
  return largest[Math.ceil(0.95 * draws) - 1] ?? 0;
}

function judged(differences: Differences, standardError: number, factor: number): Comparison {
  const { mean } = differences;
  const [low, high] = [mean - factor * standardError, mean + factor * standardError];
  const outcome = outcomeOf({ low, high });
  const settledBy = outcome === 'open' ? settlement(differences, factor) : undefined;
  return { mean, low, high, standardError, outcome, ...(settledBy ? { settledBy } : {}) };
}

function outcomeOf({ low, high }: Interval): Outcome {
  if (low > 0) return 'better';
  if (high < 0) return 'worse';
  return low > -leastGain && high < leastGain ? 'alike' : 'open';
}

/** 80 % quantile of the normal distribution: the chance with which more texts settle it. */
const chance = 0.8416212335729143;

/**
 * From |difference| = (factor + chance) · √(repetitions' variance + texts' variance), both falling with their number: with
 * the half-width alone, every other draw would fall short.
 */
function settlement(differences: Differences, factor: number): Comparison['settledBy'] {
  const { mean, texts, repetitions, ofTexts, ofRepetitions } = differences;
  if (Math.abs(mean) < leastGain / 2) return undefined;
  const allowed = (mean / (factor + chance)) ** 2;
  if (allowed > ofRepetitions) {
    const needed = (ofTexts * texts) / (allowed - ofRepetitions);
    return needed > texts ? { more: Math.ceil(needed - texts), of: 'texts' } : undefined;
  }
  if (allowed <= ofTexts) return undefined;
  const needed = (ofRepetitions * repetitions) / (allowed - ofTexts);
  return { more: Math.ceil(needed - repetitions), of: 'repetitions' };
}
