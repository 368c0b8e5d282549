/** How well the labels of texts were told, of which any number is right. All figures are as scikit-learn has them. */
export interface ManyLabelsMetrics {
  /** F1 of all decisions together. */
  readonly microF1: number;
  /** Mean of the labels' F1; of one that is neither right nor told anywhere it is 0. */
  readonly macroF1: number;
  readonly microPrecision: number;
  readonly microRecall: number;
  /** Mean of the average precisions of the labels that some text has; NaN where none has one. */
  readonly averagePrecision: number;
  /** Share of texts whose labels are told exactly. */
  readonly exactMatch: number;
  /** Share of decisions, one for each text and label, that are wrong. */
  readonly hammingLoss: number;
  readonly perLabel: readonly LabelMetrics[];
}

/** How well one label was told. */
export interface LabelMetrics {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Area under the steps of precision over recall; null where no text has the label. */
  readonly averagePrecision: number | null;
  /** Texts that have the label. */
  readonly support: number;
  /** Texts that it was told of. */
  readonly predicted: number;
}

/**
 * Counts decisions against labels.
 *
 * @param targets 1 where a text has a label [n, labels]
 * @param scores probabilities, or anything that orders texts alike [n, labels]
 * @param decided 1 where a label is told of a text [n, labels]
 */
export function manyLabelsMetrics(
  targets: ArrayLike<number>,
  scores: ArrayLike<number>,
  decided: ArrayLike<number>,
  labels: number,
): ManyLabelsMetrics {
  const count = labels === 0 ? 0 : targets.length / labels;
  const right = new Float64Array(labels);
  const support = new Float64Array(labels);
  const predicted = new Float64Array(labels);
  let [exact, wrong] = [0, 0];
  for (let i = 0; i < count; i++) {
    let missed = 0;
    for (let c = 0, at = i * labels; c < labels; c++, at++) {
      const [is, told] = [targets[at] === 1, decided[at] === 1];
      if (is) support[c] = (support[c] as number) + 1;
      if (told) predicted[c] = (predicted[c] as number) + 1;
      if (is && told) right[c] = (right[c] as number) + 1;
      if (is !== told) missed++;
    }
    wrong += missed;
    if (missed === 0) exact++;
  }
  const perLabel = Array.from({ length: labels }, (_, c): LabelMetrics => {
    const own = { right: right[c] as number, support: support[c] as number, predicted: predicted[c] as number };
    const column = (values: ArrayLike<number>) =>
      Float64Array.from({ length: count }, (_, i) => values[i * labels + c] as number);
    return {
      ...sharesOf(own),
      averagePrecision: own.support > 0 ? averagePrecision(column(targets), column(scores)) : null,
      ...{ support: own.support, predicted: own.predicted },
    };
  });
  const all = sharesOf({ right: total(right), support: total(support), predicted: total(predicted) });
  const precisions = perLabel.flatMap(({ averagePrecision }) => averagePrecision ?? []);
  return {
    ...{ microF1: all.f1, microPrecision: all.precision, microRecall: all.recall },
    macroF1: total(perLabel.map(({ f1 }) => f1)) / labels,
    averagePrecision: total(precisions) / precisions.length,
    exactMatch: exact / count,
    hammingLoss: wrong / (count * labels),
    perLabel,
  };
}

/**
 * Σ (R_k − R_k−1) P_k over the places at which a list, likeliest first, may be cut; equal scores are cut together.
 *
 * @param targets 1 for what is to come first [n], at least once
 */
export function averagePrecision(targets: ArrayLike<number>, scores: ArrayLike<number>): number {
  const order = Array.from({ length: targets.length }, (_, i) => i).sort(
    (a, b) => (scores[b] as number) - (scores[a] as number),
  );
  const positives = order.reduce((sum, i) => sum + (targets[i] as number), 0);
  let [sum, found, before] = [0, 0, 0];
  for (const [place, i] of order.entries()) {
    found += targets[i] as number;
    const next = order[place + 1];
    if (next !== undefined && scores[next] === scores[i]) continue;
    sum += ((found - before) / positives) * (found / (place + 1));
    before = found;
  }
  return sum;
}

function sharesOf({ right, support, predicted }: { right: number; support: number; predicted: number }) {
  return {
    precision: predicted > 0 ? right / predicted : 0,
    recall: support > 0 ? right / support : 0,
    f1: support + predicted > 0 ? (2 * right) / (support + predicted) : 0,
  };
}

function total(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0);
}
