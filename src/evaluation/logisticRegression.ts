import { type LbfgsResult, minimize } from './lbfgs.ts';
import type { Rows } from './neighbours.ts';

/** A linear classifier: the logits of features x are W x + b. */
export interface LinearClassifier {
  /** [classes, size] */
  readonly weight: Float64Array;
  /** [classes]; they sum to 0. */
  readonly bias: Float64Array;
}

export interface LogisticRegression extends LinearClassifier {
  /** What was minimized. */
  readonly loss: number;
  readonly fit: LbfgsResult;
}

export interface LogisticOptions {
  /** Weight of ½ |W|² against the summed cross-entropy. */
  readonly strength: number;
  /** How much each example counts [n]; 1 when absent. Those of weight 0 are as if they were not there. */
  readonly weights?: ArrayLike<number>;
  /** A classifier to start from, of a problem that is much like this one; without it, the prior or zeros. */
  readonly start?: LinearClassifier;
  /** What the penalty draws towards, in place of zeros. */
  readonly prior?: Prior;
  /** Ends when no part of the gradient, in steps that are as long as the loss is flat, is larger. */
  readonly tolerance?: number;
  readonly maxIterations?: number;
}

/** A classifier that is known: what is not told otherwise by examples stays near it. */
export interface Prior extends LinearClassifier {
  /** 1 for the classes whose weights and bias stay exactly what they are [classes]. */
  readonly isFixed: ArrayLike<number>;
}

/** Numbers of a product, in whatever precision it has. */
export type Numbers = Float32Array | Float64Array;

/** The products with features X [count, size] that a fit is made of. What they give is theirs, until the next one. */
export interface FeatureProducts {
  readonly count: number;
  readonly size: number;
  /** Mean square of each feature [size]. */
  readonly squares: Float64Array;
  /** Relative error of a loss that comes of them. */
  readonly noise: number;
  /** X Wᵀ [count, classes]. @param weight [classes, size] */
  logits(weight: Float64Array, classes: number): Numbers | Promise<Numbers>;
  /** Eᵀ X [classes, size]. @param errors E [count, classes], as `logits` gave them and written over */
  pulledBack(errors: Numbers, classes: number): Numbers | Promise<Numbers>;
}

/**
 * Multinomial logistic regression with an L2 penalty on the weights and none on the biases, brought to its minimum. The
 * problem is convex, so nothing depends on a seed or, but for the last digits, on the start. With a prior the penalty is on
 * the distance from it, biases included, and the biases are left as they come out.
 *
 * Features converge soonest when their mean is 0; the bias makes up for a shift, so that it changes no prediction.
 *
 * @param labels class numbers [n] below `classes`
 */
export async function fitLogisticRegression(
  features: FeatureProducts,
  labels: ArrayLike<number>,
  classes: number,
  { strength, weights, prior, start = prior, tolerance = 1e-7, maxIterations = 1000 }: LogisticOptions,
): Promise<LogisticRegression> {
  const sums = classSums(labels, classes, weights);
  const total = sums.reduce((sum, one) => sum + one, 0);
  const fitted = await fitLinear(
    features,
    classes,
    {
      total,
      units: unitsOf(features, sums, total, strength),
      // dL/dlogits = w (p - onehot)
      toErrors: (logits, bias, gradient) => toErrors(logits, bias, labels, weights, gradient),
    },
    { strength, prior, start, tolerance, maxIterations },
  );
  const { weight, bias } = fitted;
  if (prior) {
    restoreFixed(prior, { weight, bias });
    return fitted;
  }
  const meanBias = bias.reduce((sum, value) => sum + value, 0) / classes;
  for (let c = 0; c < classes; c++) bias[c] = (bias[c] as number) - meanBias;
  return fitted;
}

/** What a linear layer is fitted by. */
export interface LinearLoss {
  /** Sum of the examples' weights. */
  readonly total: number;
  /** The length of a step of each parameter at which the loss bends alike [outputs · (size + 1)]. */
  readonly units: Float64Array;
  /** Turns outputs without biases into slopes of the loss, adds their sums to the biases' gradient and gives the summed loss. */
  toErrors(outputs: Numbers, bias: Float64Array, biasGradient: Float64Array): number;
}

/** A linear layer brought to the minimum of a convex loss and ½ strength |W|². */
export async function fitLinear(
  features: FeatureProducts,
  outputs: number,
  { total, units, toErrors }: LinearLoss,
  { strength, prior, start, tolerance, maxIterations }: Omit<LogisticOptions, 'weights'>,
): Promise<LogisticRegression> {
  const { size, noise } = features;
  const scaled = new Float64Array(outputs * (size + 1));
  if (start) for (let i = 0; i < scaled.length; i++) scaled[i] = startAt(start, i) / (units[i] as number);
  const parameters = new Float64Array(scaled.length);
  const weight = parameters.subarray(0, outputs * size);
  const bias = parameters.subarray(outputs * size);
  // L = (Σ w · loss + λ/2 |W - P|²) / Σ w
  const objective = async (x: Float64Array, gradient: Float64Array) => {
    multiplied(x, units, 1, parameters);
    const made = await features.logits(weight, outputs);
    const biasGradient = gradient.subarray(weight.length).fill(0);
    let loss = toErrors(made, bias, biasGradient);
    const pulled = await features.pulledBack(made, outputs);
    loss = penalized(loss, weight, pulled, strength, prior, gradient);
    if (prior) loss += holdTo(prior, bias, strength, gradient);
    multiplied(gradient, units, total, gradient);
    return loss / total;
  };
  const fit = await minimize(objective, scaled, { maxIterations, tolerance, noise });
  for (let i = 0; i < scaled.length; i++) parameters[i] = (scaled[i] as number) * (units[i] as number);
  return { weight, bias, loss: fit.value * total, fit };
}

// Loops over all weights stand apart: inside an async function they are many times as slow.

/** a · b / divisor, number by number, written to `result`. */
function multiplied(a: Float64Array, b: Float64Array, divisor: number, result: Float64Array): void {
  for (let i = 0; i < a.length; i++) result[i] = ((a[i] as number) * (b[i] as number)) / divisor;
}

/** Adds the penalty to the loss, and writes the slope of both. @returns the loss */
function penalized(
  lossBefore: number,
  weight: Float64Array,
  pulled: Numbers,
  strength: number,
  prior: Prior | undefined,
  gradient: Float64Array,
): number {
  let loss = lossBefore;
  for (let i = 0; i < weight.length; i++) {
    const w = (weight[i] as number) - (prior ? (prior.weight[i] as number) : 0);
    loss += (strength / 2) * w * w;
    gradient[i] = (pulled[i] as number) + strength * w;
  }
  return loss;
}

/** Adds the penalty's slope on the biases, and no slope at all for what is fixed. @returns the biases' part of the loss */
function holdTo(prior: Prior, bias: Float64Array, strength: number, gradient: Float64Array): number {
  const size = prior.weight.length / bias.length;
  let loss = 0;
  for (let c = 0; c < bias.length; c++) {
    const at = prior.weight.length + c;
    const moved = (bias[c] as number) - (prior.bias[c] as number);
    loss += (strength / 2) * moved * moved;
    gradient[at] = (gradient[at] as number) + strength * moved;
    if (prior.isFixed[c] !== 1) continue;
    gradient.fill(0, c * size, (c + 1) * size);
    gradient[at] = 0;
  }
  return loss;
}

/** Puts what is fixed where it was to the last bit: on the way it was scaled or shifted, and back. */
export function restoreFixed(prior: Prior, { weight, bias }: LinearClassifier): void {
  const size = weight.length / bias.length;
  for (let c = 0; c < bias.length; c++) {
    if (prior.isFixed[c] !== 1) continue;
    weight.set(prior.weight.subarray(c * size, (c + 1) * size), c * size);
    bias[c] = prior.bias[c] as number;
  }
}

/**
 * Weight of the penalty at scikit-learn's C. Two classes have one weight vector there and, with the same predictions,
 * two opposite halves of it here, whose squares are half as much.
 */
export function strengthAt(c: number, classes: number): number {
  return (classes === 2 ? 2 : 1) / c;
}

/** Cross-entropy of each example [n] under logits without biases [n, classes]. */
export function crossEntropies(
  logits: Numbers,
  bias: ArrayLike<number>,
  labels: ArrayLike<number>,
): { losses: Float64Array; predictions: Int32Array } {
  const classes = bias.length;
  const losses = new Float64Array(labels.length);
  const predictions = new Int32Array(labels.length);
  for (let row = 0, from = 0; row < labels.length; row++, from += classes) {
    let [most, best] = [Number.NEGATIVE_INFINITY, 0];
    for (let c = 0; c < classes; c++) {
      const logit = (logits[from + c] as number) + (bias[c] as number);
      if (logit > most) [most, best] = [logit, c];
    }
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += Math.exp((logits[from + c] as number) + (bias[c] as number) - most);
    const label = labels[row] as number;
    losses[row] = Math.log(sum) + most - (logits[from + label] as number) - (bias[label] as number);
    predictions[row] = best;
  }
  return { losses, predictions };
}

/** Products in float64 in this thread. */
export function hostProducts({ data, size }: Rows): FeatureProducts {
  const count = data.length / size;
  return {
    ...{ count, size, squares: meanSquares({ data, size }), noise: 1e-13 },
    logits(weight, classes) {
      const logits = new Float64Array(count * classes);
      for (let row = 0, at = 0; row < data.length; row += size) {
        for (let from = 0; from < weight.length; from += size) {
          let sum = 0;
          for (let j = 0; j < size; j++) sum += (weight[from + j] as number) * (data[row + j] as number);
          logits[at++] = sum;
        }
      }
      return logits;
    },
    pulledBack(errors, classes) {
      const sums = new Float64Array(classes * size);
      for (let row = 0, at = 0; row < data.length; row += size) {
        for (let from = 0; from < sums.length; from += size) {
          const error = errors[at++] as number;
          for (let j = 0; j < size; j++)
            sums[from + j] = (sums[from + j] as number) + error * (data[row + j] as number);
        }
      }
      return sums;
    },
  };
}

/** Mean square of each feature [size] of rows [n, size]. */
export function meanSquares({ data, size }: Rows): Float64Array {
  const squares = new Float64Array(size);
  for (let row = 0; row < data.length; row += size) {
    for (let j = 0; j < size; j++) squares[j] = (squares[j] as number) + (data[row + j] as number) ** 2;
  }
  return squares.map((sum) => (sum * size) / Math.max(1, data.length));
}

function classSums(labels: ArrayLike<number>, classes: number, weights?: ArrayLike<number>): Float64Array {
  const sums = new Float64Array(classes);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number;
    sums[label] = (sums[label] as number) + (weights ? (weights[i] as number) : 1);
  }
  return sums;
}

/**
 * The length of a step of each parameter at which the loss bends alike: one over the root of its second derivative
 * where every text has the classes in their shares π, d²L/dw² = π (1 - π) mean(x²) + λ.
 */
export function unitsOf(
  { size, squares }: Pick<FeatureProducts, 'size' | 'squares'>,
  sums: Float64Array,
  total: number,
  strength: number,
): Float64Array {
  const classes = sums.length;
  const units = new Float64Array(classes * (size + 1));
  for (let c = 0; c < classes; c++) {
    const share = Math.max(sums[c] as number, 0.5) / total;
    const spread = Math.max(share * (1 - share), 1e-6);
    for (let j = 0; j < size; j++) {
      units[c * size + j] = 1 / Math.sqrt(spread * (squares[j] as number) + strength / total);
    }
    units[classes * size + c] = 1 / Math.sqrt(spread);
  }
  return units;
}

function startAt({ weight, bias }: LinearClassifier, i: number): number {
  return (i < weight.length ? weight[i] : bias[i - weight.length]) as number;
}

/** Turns logits without biases into w (p - onehot), adds their sums to the biases' gradient and gives the summed loss. */
function toErrors(
  logits: Numbers,
  bias: Float64Array,
  labels: ArrayLike<number>,
  weights: ArrayLike<number> | undefined,
  biasGradient: Float64Array,
): number {
  const classes = bias.length;
  const row = new Float64Array(classes);
  let loss = 0;
  for (let i = 0, from = 0; i < labels.length; i++, from += classes) {
    const weight = weights ? (weights[i] as number) : 1;
    if (weight === 0) {
      logits.fill(0, from, from + classes);
      continue;
    }
    let most = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) {
      const logit = (logits[from + c] as number) + (bias[c] as number);
      row[c] = logit;
      if (logit > most) most = logit;
    }
    const label = labels[i] as number;
    const own = row[label] as number;
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      const odds = Math.exp((row[c] as number) - most);
      row[c] = odds;
      sum += odds;
    }
    loss += weight * (Math.log(sum) + most - own);
    const factor = weight / sum;
    for (let c = 0; c < classes; c++) {
      const error = (row[c] as number) * factor - (c === label ? weight : 0);
      logits[from + c] = error;
      biasGradient[c] = (biasGradient[c] as number) + error;
    }
  }
  return loss;
}
