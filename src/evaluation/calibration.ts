/**
 * The temperature T at which log-probabilities divided by it, and brought to a sum of 1 again, have the least
 * cross-entropy (Guo et al. 2017): above 1 for a classifier that is too sure of itself.
 *
 * @param logProbabilities [n, classes]; rows with NaN do not count
 * @param labels class numbers [n] below `classes`
 * @returns 1 where no row counts
 */
export function fitTemperature(
  logProbabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): number {
  // Convex in β = 1/T:  dL/dβ = Σ (E_p[log p] - log p(label)), which only grows with β.
  let [low, high] = [1 / mostTemperature, mostTemperature];
  if (slope(logProbabilities, labels, classes, 1) === 0) return 1;
  for (let step = 0; step < steps; step++) {
    const middle = Math.sqrt(low * high);
    if (slope(logProbabilities, labels, classes, middle) < 0) low = middle;
    else high = middle;
  }
  return 1 / Math.sqrt(low * high);
}

/**
 * Mean cross-entropy, in nats, at the temperature that suits the log-probabilities best: what a classifier tells apart, and
 * not how sure it is, which goes with its penalty. Infinite where no row counts.
 *
 * @param classWeights how much the rows of each class count [classes]
 */
export function calibratedLoss(
  logProbabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  classWeights?: ArrayLike<number>,
): number {
  const beta = 1 / fitTemperature(logProbabilities, labels, classes);
  let [loss, total] = [0, 0];
  for (let i = 0, from = 0; i < labels.length; i++, from += classes) {
    const label = labels[i] as number;
    const own = logProbabilities[from + label] as number;
    if (Number.isNaN(own)) continue;
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += Math.exp(beta * ((logProbabilities[from + c] as number) - own));
    const weight = classWeights?.[label] ?? 1;
    loss += weight * Math.log(sum);
    total += weight;
  }
  return total > 0 ? loss / total : Number.POSITIVE_INFINITY;
}

const mostTemperature = 100;
/** Halvings of the interval: to twelve digits. */
const steps = 44;

/** dL/dβ */
function slope(values: ArrayLike<number>, labels: ArrayLike<number>, classes: number, beta: number): number {
  let total = 0;
  for (let i = 0, from = 0; i < labels.length; i++, from += classes) {
    const own = values[from + (labels[i] as number)] as number;
    if (Number.isNaN(own)) continue;
    let most = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) most = Math.max(most, values[from + c] as number);
    let [sum, mean] = [0, 0];
    for (let c = 0; c < classes; c++) {
      const value = values[from + c] as number;
      const share = Math.exp(beta * (value - most));
      sum += share;
      if (share > 0) mean += share * value;
    }
    total += mean / sum - own;
  }
  return total;
}
