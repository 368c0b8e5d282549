import { randomBits } from '../../core/random.ts';

/** Probabilities that a classifier gave labeled texts. */
export interface JudgedAnswers {
  /** [n, classes] */
  readonly probabilities: ArrayLike<number>;
  /** Class numbers [n] below `classes`. */
  readonly labels: ArrayLike<number>;
  readonly classes: number;
}

/** Of each text: how sure the classifier is of its best label, whether that is right, and what its probabilities cost. */
export interface AnswerFacts {
  /** Number of the best label [n]. */
  readonly predicted: Int32Array;
  /** Its probability [n]. */
  readonly confidence: Float64Array;
  /** 1 where it is right [n]. */
  readonly right: Uint8Array;
  /** Σ (p - onehot)² [n] */
  readonly squares: Float64Array;
  /** -ln p of the right label, in nats [n]. */
  readonly losses: Float64Array;
}

/** The facts of each answer, of equal probabilities the first label being the best. */
export function answerFacts({ probabilities, labels, classes }: JudgedAnswers): AnswerFacts {
  const n = labels.length;
  const predicted = new Int32Array(n);
  const [confidence, squares, losses] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  const right = new Uint8Array(n);
  for (let i = 0, from = 0; i < n; i++, from += classes) {
    const label = labels[i] as number;
    let [best, sum] = [0, 0];
    for (let c = 0; c < classes; c++) {
      const p = probabilities[from + c] as number;
      if (p > (probabilities[from + best] as number)) best = c;
      sum += (p - Number(c === label)) ** 2;
    }
    predicted[i] = best;
    confidence[i] = probabilities[from + best] as number;
    right[i] = Number(best === label);
    squares[i] = sum;
    losses[i] = -Math.log(Math.max(probabilities[from + label] as number, Number.MIN_VALUE));
  }
  return { predicted, confidence, right, squares, losses };
}

/** How often each of `n` examples is drawn when `n` are drawn with replacement: a function of seed and round. */
export function resample(n: number, seed: number, round: number, counts: Int32Array): Int32Array {
  counts.fill(0);
  const bits = new Uint32Array(4);
  for (let i = 0; i < n; i++) {
    if (i % 4 === 0) randomBits(seed, 'bootstrap', round, i >>> 2, n, bits);
    const at = Math.floor(((bits[i % 4] as number) / 2 ** 32) * n);
    counts[at] = (counts[at] as number) + 1;
  }
  return counts;
}

/** Rounds of a bootstrap: a thousand, fewer of very many examples, whose intervals are narrow anyway. */
export function bootstrapRounds(n: number): number {
  return Math.max(200, Math.min(1000, Math.floor(2e7 / Math.max(1, n))));
}
