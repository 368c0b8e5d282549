/** How well a classifier did on labeled examples. */
export interface ClassificationMetrics {
  readonly accuracy: number;
  /** Mean F1 over the classes that occur as a label or a prediction. */
  readonly macroF1: number;
  /** confusion[true][predicted] */
  readonly confusion: number[][];
}

/** Counts predictions against labels, both class numbers below `classes`. */
export function classificationMetrics(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  classes: number,
): ClassificationMetrics {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) {
    const row = confusion[labels[i] as number] as number[];
    row[predictions[i] as number] = (row[predictions[i] as number] ?? 0) + 1;
  }
  const right = confusion.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
  const scores = confusion.flatMap((row, i) => {
    const actual = row.reduce((sum, count) => sum + count, 0);
    const predicted = confusion.reduce((sum, other) => sum + (other[i] ?? 0), 0);
    return actual + predicted === 0 ? [] : [(2 * (row[i] ?? 0)) / (actual + predicted)];
  });
  return {
    accuracy: labels.length === 0 ? 0 : right / labels.length,
    macroF1: scores.length === 0 ? 0 : scores.reduce((sum, score) => sum + score, 0) / scores.length,
    confusion,
  };
}

/** Probabilities of one row of logits. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const probabilities = new Float64Array(logits.length);
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) largest = Math.max(largest, logits[i] as number);
  let total = 0;
  for (let i = 0; i < logits.length; i++) total += probabilities[i] = Math.exp((logits[i] as number) - largest);
  for (let i = 0; i < logits.length; i++) probabilities[i] = (probabilities[i] as number) / total;
  return probabilities;
}

/** Index of the largest value, the first of equal ones. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}
