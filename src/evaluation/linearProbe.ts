import { type LbfgsResult, minimize } from './lbfgs.ts';
import type { Rows } from './neighbours.ts';

export interface LinearProbeOptions {
  /** Weight of ½ |weights|² against the summed cross-entropy; 1 is the default of scikit-learn's LogisticRegression. */
  readonly strength?: number;
  readonly maxIterations?: number;
}

/** A linear classifier over features. */
export interface LinearProbe {
  /** [classes, size], over standardized features. */
  readonly weight: Float64Array;
  /** [classes]; they sum to 0. */
  readonly bias: Float64Array;
  /** What was minimized. */
  readonly loss: number;
  readonly fit: LbfgsResult;
  /** Class numbers of other features [m, size]. */
  classify(features: Rows): Int32Array;
}

/**
 * Multinomial logistic regression over features, each brought to mean 0 and deviation 1 on the training part, with an
 * L2 penalty on the weights. The problem is convex and solved to its minimum, so nothing depends on a seed.
 *
 * @param features [n, size]
 * @param labels class numbers [n] below `classes`
 */
export function fitLinearProbe(
  features: Rows,
  labels: ArrayLike<number>,
  classes: number,
  { strength = 1, maxIterations = 1000 }: LinearProbeOptions = {},
): LinearProbe {
  const { size } = features;
  const scaling = scalingOf(features);
  const x = standardized(features, scaling);
  const parameters = new Float64Array(classes * (size + 1));
  const weight = parameters.subarray(0, classes * size);
  const bias = parameters.subarray(classes * size);
  // The mean over examples keeps the gradient's size, and so the tolerance, independent of their number.
  const fit = minimize((_, gradient) => loss(x, labels, classes, size, strength, weight, bias, gradient), parameters, {
    maxIterations,
    tolerance: 1e-7,
  });
  const meanBias = bias.reduce((sum, value) => sum + value, 0) / classes;
  for (let c = 0; c < classes; c++) bias[c] = (bias[c] as number) - meanBias;
  return {
    weight,
    bias,
    loss: fit.value * labels.length,
    fit,
    classify: (other) => classify(standardized(other, scaling), size, classes, weight, bias),
  };
}

// L = (Σ -log p(label) + λ/2 |W|²) / n;  dL/dlogits = (p - onehot) / n
function loss(
  x: Float32Array,
  labels: ArrayLike<number>,
  classes: number,
  size: number,
  strength: number,
  weight: Float64Array,
  bias: Float64Array,
  gradient: Float64Array,
): number {
  const count = labels.length;
  const logits = new Float64Array(classes);
  let total = 0;
  for (let i = 0; i < weight.length; i++) {
    total += (strength / 2) * (weight[i] as number) ** 2;
    gradient[i] = (strength * (weight[i] as number)) / count;
  }
  gradient.fill(0, weight.length);
  for (let row = 0; row < count; row++) {
    logitsOf(x, row * size, size, classes, weight, bias, logits);
    const label = labels[row] as number;
    let most = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) most = Math.max(most, logits[c] as number);
    const own = logits[label] as number;
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      logits[c] = Math.exp((logits[c] as number) - most);
      sum += logits[c] as number;
    }
    total += Math.log(sum) + most - own;
    for (let c = 0; c < classes; c++) {
      const error = ((logits[c] as number) / sum - (c === label ? 1 : 0)) / count;
      const at = c * size;
      for (let j = 0; j < size; j++)
        gradient[at + j] = (gradient[at + j] as number) + error * (x[row * size + j] as number);
      gradient[weight.length + c] = (gradient[weight.length + c] as number) + error;
    }
  }
  return total / count;
}

function logitsOf(
  x: Float32Array,
  from: number,
  size: number,
  classes: number,
  weight: Float64Array,
  bias: Float64Array,
  logits: Float64Array,
): void {
  for (let c = 0; c < classes; c++) {
    let sum = bias[c] as number;
    const at = c * size;
    for (let j = 0; j < size; j++) sum += (weight[at + j] as number) * (x[from + j] as number);
    logits[c] = sum;
  }
}

function classify(
  x: Float32Array,
  size: number,
  classes: number,
  weight: Float64Array,
  bias: Float64Array,
): Int32Array {
  const logits = new Float64Array(classes);
  return Int32Array.from({ length: x.length / size }, (_, row) => {
    logitsOf(x, row * size, size, classes, weight, bias, logits);
    return logits.indexOf(Math.max(...logits));
  });
}

interface Scaling {
  readonly mean: Float64Array;
  /** One over the deviation; 0 for a feature that does not vary. */
  readonly factor: Float64Array;
}

function scalingOf({ data, size }: Rows): Scaling {
  const count = data.length / size;
  const mean = new Float64Array(size);
  const variance = new Float64Array(size);
  for (let i = 0; i < data.length; i++) mean[i % size] = (mean[i % size] as number) + (data[i] as number) / count;
  for (let i = 0; i < data.length; i++) {
    const difference = (data[i] as number) - (mean[i % size] as number);
    variance[i % size] = (variance[i % size] as number) + difference ** 2 / count;
  }
  const factor = variance.map((value, j) =>
    value > 1e-12 * ((mean[j] as number) ** 2 + 1e-12) ? 1 / Math.sqrt(value) : 0,
  );
  return { mean, factor };
}

function standardized({ data, size }: Rows, { mean, factor }: Scaling): Float32Array {
  return data.map((value, i) => (value - (mean[i % size] as number)) * (factor[i % size] as number));
}
