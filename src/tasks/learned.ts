import { fitLinearTargets, losses, type TargetLoss } from '../evaluation/linearTargets.ts';
import {
  crossEntropies,
  type FeatureProducts,
  fitLogisticRegression,
  type LinearClassifier,
  type LogisticRegression,
  type Numbers,
  strengthAt,
} from '../evaluation/logisticRegression.ts';
import type { Rows } from '../evaluation/neighbours.ts';
import type { FoldScore } from './linearHead.ts';

/** What a linear layer learns of texts: what it is fitted to, and how it does on what is held out. */
export interface LinearLearned {
  readonly count: number;
  /** Numbers that it makes of a text. */
  readonly outputs: number;
  /** @param kept texts that are fitted [n]; all when absent */
  fit(products: FeatureProducts, how: FitAt): Promise<LogisticRegression>;
  /** Texts of a fold that a fit to the others can measure; none where the others say nothing. */
  measurable(kept: Uint8Array): number[];
  /** Writes what is said of some texts [n, outputs], from products without biases. */
  answer(made: Numbers, bias: Float64Array, texts: readonly number[], to: Float32Array): void;
  /** How answers do, on those that are there: NaN stands for the others. */
  score(c: number, held: Float32Array): FoldScore;
}

export interface FitAt {
  /** Inverse of the penalty's weight, as scikit-learn's `C`. */
  readonly c: number;
  readonly kept?: Uint8Array;
  readonly start?: LinearClassifier;
  readonly tolerance: number;
}

export interface Classes {
  /** Class numbers [n] below `classes`. */
  readonly labels: ArrayLike<number>;
  readonly classes: number;
  /** Weights of the classes [classes], as in scikit-learn's `class_weight`. */
  readonly classWeights?: ArrayLike<number>;
}

/** One class a text: log-probabilities by multinomial logistic regression. */
export function learnedClasses({ labels, classes, classWeights }: Classes): LinearLearned {
  const all = Array.from({ length: labels.length }, (_, i) => i);
  const weights = Float64Array.from(all, (i) => classWeights?.[labels[i] as number] ?? 1);
  return {
    ...{ count: labels.length, outputs: classes },
    fit: (products, { c, kept, start, tolerance }) =>
      fitLogisticRegression(products, labels, classes, {
        ...{ strength: strengthAt(c, classes), start, tolerance },
        weights: kept ? weights.map((weight, i) => weight * (kept[i] as number)) : weights,
      }),
    measurable(kept) {
      const known = new Set(all.filter((i) => kept[i] === 1).map((i) => labels[i]));
      return known.size < 2 ? [] : all.filter((i) => kept[i] === 0 && known.has(labels[i]));
    },
    answer(made, bias, texts, to) {
      const first = new Int32Array(made.length / classes);
      const { losses } = crossEntropies(made, bias, first);
      for (const i of texts) {
        const from = i * classes;
        // -ln p of the first class gives the logarithm of all odds.
        const log = (losses[i] as number) + (made[from] as number) + (bias[0] as number);
        for (let c = 0; c < classes; c++) to[from + c] = (made[from + c] as number) + (bias[c] as number) - log;
      }
    },
    score(c, held) {
      let [weight, loss, right] = [0, 0, 0];
      for (const i of all) {
        const row = held.subarray(i * classes, (i + 1) * classes);
        const label = labels[i] as number;
        if (Number.isNaN(row[label])) continue;
        const own = weights[i] as number;
        weight += own;
        loss -= own * (row[label] as number);
        if (row.every((value, k) => value <= (row[label] as number) && (k >= label || value < (row[label] as number))))
          right += own;
      }
      return { c, loss: loss / weight, accuracy: right / weight };
    },
  };
}

/**
 * A target for each output: logits of labels, each against the rest, or numbers.
 *
 * @param targets [n, outputs]
 */
export function learnedTargets(targets: Rows, name: TargetLoss): LinearLearned {
  const { data, size } = targets;
  const count = data.length / size;
  const { loss, isLogit } = losses[name];
  const all = Array.from({ length: count }, (_, i) => i);
  return {
    ...{ count, outputs: size },
    fit: (products, { c, kept, start, tolerance }) =>
      fitLinearTargets(products, targets, name, { strength: 1 / c, weights: kept, start, tolerance }),
    measurable: (kept) => (kept.includes(1) ? all.filter((i) => kept[i] === 0) : []),
    answer(made, bias, texts, to) {
      for (const i of texts) {
        for (let k = 0, at = i * size; k < size; k++, at++) to[at] = (made[at] as number) + (bias[k] as number);
      }
    },
    score(c, held) {
      let [sum, right, scored] = [0, 0, 0];
      for (let at = 0; at < data.length; at++) {
        const z = held[at] as number;
        if (Number.isNaN(z)) continue;
        scored++;
        sum += loss(z, data[at] as number);
        if (isLogit && z > 0 === (data[at] === 1)) right++;
      }
      // Of numbers no share is right.
      return { c, loss: sum / scored, accuracy: isLogit ? right / scored : Number.NaN };
    },
  };
}
