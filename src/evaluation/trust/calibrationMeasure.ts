import type { Interval } from '../intervals.ts';
import { type AnswerFacts, answerFacts, bootstrapRounds, type JudgedAnswers, resample } from './answers.ts';

/** A figure with its 95 % interval, by the bootstrap over texts. */
export interface Figure extends Interval {
  readonly value: number;
}

/** Texts whose confidence lies in one bin. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Mean probability of the best label; null where there is no text. */
  readonly confidence: number | null;
  /** Share of the texts whose best label is right; null where there is no text. */
  readonly accuracy: number | null;
}

/** How far the probabilities of a classifier are what they say. */
export interface CalibrationMeasure {
  readonly count: number;
  /** Expected calibration error of the best label, 15 bins of equal width (Guo et al. 2017). */
  readonly ece: Figure;
  /** The same with 15 bins of about as many texts each. */
  readonly eceEqualMass: Figure;
  /** Mean of Σ (p - onehot)² over all labels, from 0 to 2 (Brier 1950). */
  readonly brier: Figure;
  /** Mean cross-entropy in nats. */
  readonly logLoss: Figure;
  readonly reliability: {
    readonly equalWidth: readonly ReliabilityBin[];
    readonly equalMass: readonly ReliabilityBin[];
  };
}

/** How often answers are right, by how sure the classifier is of them. */
export interface Reliability {
  /** Calibration errors, as those of `CalibrationMeasure`. */
  readonly ece: number;
  readonly eceEqualMass: number;
  readonly equalWidth: readonly ReliabilityBin[];
  readonly equalMass: readonly ReliabilityBin[];
}

/** Bins of the calibration error. */
const bins = 15;

/**
 * Measures the calibration of a classifier on labeled texts, of which there is at least one. Resampled texts have a larger
 * calibration error by chance alone: its interval is theirs without the excess of their mean.
 */
export function measureCalibration(answers: JudgedAnswers, seed = 0): CalibrationMeasure {
  return new Calibration(answerFacts(answers)).measure(seed);
}

/** The same of answers of which no more is known than their confidence, without intervals; there is at least one. */
export function reliabilityOf({ confidence, right }: Pick<AnswerFacts, 'confidence' | 'right'>): Reliability {
  const none = new Float64Array(confidence.length);
  const predicted = new Int32Array(confidence.length);
  return new Calibration({ predicted, confidence, right, squares: none, losses: none }).reliability();
}

/** The four figures of texts that count so many times each. */
type Figures = readonly [ece: number, eceEqualMass: number, brier: number, logLoss: number];
/** The first ones are calibration errors. */
const errors = 2;

class Calibration {
  readonly #facts: AnswerFacts;
  /** Numbers of the texts by rising confidence. */
  readonly #order: Int32Array;

  constructor(facts: AnswerFacts) {
    this.#facts = facts;
    const { confidence } = facts;
    this.#order = Int32Array.from(confidence.keys()).sort(
      (a, b) => (confidence[a] as number) - (confidence[b] as number) || a - b,
    );
  }

  measure(seed: number): CalibrationMeasure {
    const n = this.#order.length;
    const counts = new Int32Array(n).fill(1);
    const own = this.#figures(counts);
    const rounds = bootstrapRounds(n);
    const drawn = own.map(() => new Float64Array(rounds));
    for (let round = 0; round < rounds; round++) {
      const figures = this.#figures(resample(n, seed, round, counts));
      for (const [i, list] of drawn.entries()) list[round] = figures[i] as number;
    }
    const [ece, eceEqualMass, brier, logLoss] = own.map((value, i) => {
      const sorted = (drawn[i] as Float64Array).sort();
      const excess = i < errors ? sorted.reduce((sum, one) => sum + one, 0) / rounds - value : 0;
      return { value, low: Math.max(0, quantileOf(sorted, 0.025) - excess), high: quantileOf(sorted, 0.975) - excess };
    }) as [Figure, Figure, Figure, Figure];
    const { equalWidth, equalMass } = this.reliability();
    return { count: n, ece, eceEqualMass, brier, logLoss, reliability: { equalWidth, equalMass } };
  }

  reliability(): Reliability {
    const counts = new Int32Array(this.#order.length).fill(1);
    const [ece, eceEqualMass] = this.#figures(counts);
    const quantiles = this.#quantiles(counts);
    return {
      ece,
      eceEqualMass,
      equalWidth: this.#bins(counts, equalWidth()),
      equalMass: this.#bins(counts, quantiles),
    };
  }

  #figures(counts: Int32Array): Figures {
    const { squares, losses } = this.#facts;
    let [brier, loss] = [0, 0];
    for (let i = 0; i < counts.length; i++) {
      brier += (counts[i] as number) * (squares[i] as number);
      loss += (counts[i] as number) * (losses[i] as number);
    }
    const n = counts.length;
    const error = (edges: Float64Array) => errorOf(this.#sums(counts, edges), n);
    return [error(equalWidth()), error(this.#quantiles(counts)), brier / n, loss / n];
  }

  /** Edges between bins of about as many texts each: quantiles, interpolated as numpy does. */
  #quantiles(counts: Int32Array): Float64Array {
    const { confidence } = this.#facts;
    const n = counts.length;
    const edges = new Float64Array(bins - 1);
    let [at, passed] = [0, 0];
    for (let bin = 1; bin < bins; bin++) {
      const place = (bin / bins) * (n - 1);
      const whole = Math.floor(place);
      // `at` becomes the text that stands at this place among those drawn.
      while (passed + (counts[this.#order[at] as number] as number) <= whole) {
        passed += counts[this.#order[at] as number] as number;
        at++;
      }
      let next = at;
      if (whole + 1 >= passed + (counts[this.#order[at] as number] as number)) {
        do next++;
        while (next < n && counts[this.#order[next] as number] === 0);
      }
      const low = confidence[this.#order[at] as number] as number;
      const high = next < n ? (confidence[this.#order[next] as number] as number) : low;
      edges[bin - 1] = low + (place - whole) * (high - low);
    }
    return edges;
  }

  /** Texts, confidence and right answers in each bin. @param edges upper ends of all bins but the last, within their bins */
  #sums(counts: Int32Array, edges: Float64Array): BinSums {
    const { confidence, right } = this.#facts;
    const sums = { count: new Float64Array(bins), confidence: new Float64Array(bins), right: new Float64Array(bins) };
    let bin = 0;
    for (const text of this.#order) {
      const count = counts[text] as number;
      if (count === 0) continue;
      const own = confidence[text] as number;
      while (bin < bins - 1 && own > (edges[bin] as number)) bin++;
      sums.count[bin] = (sums.count[bin] as number) + count;
      sums.confidence[bin] = (sums.confidence[bin] as number) + count * own;
      sums.right[bin] = (sums.right[bin] as number) + count * (right[text] as number);
    }
    return sums;
  }

  #bins(counts: Int32Array, edges: Float64Array): ReliabilityBin[] {
    const sums = this.#sums(counts, edges);
    const { confidence } = this.#facts;
    const isWidth = edges[0] === 1 / bins;
    const first = isWidth ? 0 : (confidence[this.#order[0] as number] as number);
    const last = isWidth ? 1 : (confidence[this.#order.at(-1) as number] as number);
    return Array.from({ length: bins }, (_, bin) => {
      const count = sums.count[bin] as number;
      return {
        low: bin === 0 ? first : (edges[bin - 1] as number),
        high: bin === bins - 1 ? last : (edges[bin] as number),
        count,
        confidence: count > 0 ? (sums.confidence[bin] as number) / count : null,
        accuracy: count > 0 ? (sums.right[bin] as number) / count : null,
      };
    });
  }
}

interface BinSums {
  readonly count: Float64Array;
  readonly confidence: Float64Array;
  readonly right: Float64Array;
}

/** Σ |confidence - accuracy| of each bin, by its share of the texts. */
function errorOf({ confidence, right }: BinSums, n: number): number {
  let error = 0;
  for (let bin = 0; bin < bins; bin++) error += Math.abs((confidence[bin] as number) - (right[bin] as number)) / n;
  return error;
}

function equalWidth(): Float64Array {
  return Float64Array.from({ length: bins - 1 }, (_, i) => (i + 1) / bins);
}

/** A quantile of sorted values, interpolated as numpy does. */
export function quantileOf(sorted: ArrayLike<number>, share: number): number {
  const place = share * (sorted.length - 1);
  const whole = Math.floor(place);
  const [low, high] = [sorted[whole] as number, sorted[Math.min(whole + 1, sorted.length - 1)] as number];
  return low + (place - whole) * (high - low);
}
