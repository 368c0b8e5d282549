import {
  type FeatureProducts,
  fitLinear,
  type LogisticOptions,
  type LogisticRegression,
  type Numbers,
  unitsOf,
} from './logisticRegression.ts';
import type { Rows } from './neighbours.ts';

/** How outputs z of a linear layer are held against targets t. */
interface Loss {
  /** Of one output. */
  loss(z: number, t: number): number;
  /** Its slope by z. */
  slope(z: number, t: number): number;
  /** Whether the outputs are logits of probabilities, whose curvature goes by how common the targets are. */
  readonly isLogit: boolean;
}

/** Where Huber's loss goes over into a straight line. */
const corner = 1;

export const losses = {
  /** Binary cross-entropy of a logit: −log σ(z) where t is 1. */
  logistic: {
    loss: (z, t) => Math.max(z, 0) - t * z + Math.log1p(Math.exp(-Math.abs(z))),
    slope: (z, t) => sigmoid(z) - t,
    isLogit: true,
  },
  /** ½ (z − t)², as in ridge regression. */
  squared: { loss: (z, t) => ((z - t) * (z - t)) / 2, slope: (z, t) => z - t, isLogit: false },
  /** ½ (z − t)² where they are within 1, |z − t| − ½ beyond (Huber 1964): far-off targets pull no harder than others. */
  huber: {
    loss(z, t) {
      const distance = Math.abs(z - t);
      return distance <= corner ? (distance * distance) / 2 : corner * (distance - corner / 2);
    },
    slope: (z, t) => Math.max(-corner, Math.min(corner, z - t)),
    isLogit: false,
  },
} as const satisfies Readonly<Record<string, Loss>>;

export type TargetLoss = keyof typeof losses;

/** 1 / (1 + e^−z) */
export function sigmoid(z: number): number {
  return z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z));
}

/**
 * A linear layer whose outputs are each held against a target of its own, with an L2 penalty on the weights and none on
 * the biases, brought to its minimum: logistic regression of each label against the rest, or ridge regression. Equal to
 * scikit-learn's LogisticRegression at C = 1 / strength, and to its Ridge at alpha = strength.
 *
 * @param targets [n, outputs]
 */
export function fitLinearTargets(
  features: FeatureProducts,
  targets: Rows,
  name: TargetLoss,
  { strength, weights, start, tolerance = 1e-7, maxIterations = 1000 }: LogisticOptions,
): Promise<LogisticRegression> {
  const outputs = targets.size;
  const count = targets.data.length / outputs;
  const weightOf = (i: number) => (weights ? (weights[i] as number) : 1);
  let total = 0;
  for (let i = 0; i < count; i++) total += weightOf(i);
  const { isLogit } = losses[name];
  const sums = new Float64Array(outputs);
  for (let i = 0; isLogit && i < count; i++) {
    for (let c = 0; c < outputs; c++)
      sums[c] = (sums[c] as number) + weightOf(i) * (targets.data[i * outputs + c] as number);
  }
  const units = isLogit ? unitsOf(features, sums, total, strength) : flatUnits(features, outputs, strength / total);
  return fitLinear(
    features,
    outputs,
    {
      total,
      units,
      toErrors: (made, bias, gradient) => toErrors(made, bias, targets, losses[name], weights, gradient),
    },
    { strength, start, tolerance, maxIterations },
  );
}

/** As `unitsOf` where the loss bends alike everywhere: d²L/dw² = mean(x²) + λ. */
function flatUnits({ size, squares }: FeatureProducts, outputs: number, strength: number): Float64Array {
  const units = new Float64Array(outputs * (size + 1)).fill(1);
  for (let at = 0; at < outputs * size; at++) units[at] = 1 / Math.sqrt((squares[at % size] as number) + strength || 1);
  return units;
}

/** See `LinearLoss`. */
function toErrors(
  made: Numbers,
  bias: Float64Array,
  { data, size }: Rows,
  { loss, slope }: Loss,
  weights: ArrayLike<number> | undefined,
  biasGradient: Float64Array,
): number {
  let sum = 0;
  for (let at = 0; at < data.length; at++) {
    const c = at % size;
    const weight = weights ? (weights[(at - c) / size] as number) : 1;
    if (weight === 0) {
      made[at] = 0;
      continue;
    }
    const z = (made[at] as number) + (bias[c] as number);
    const target = data[at] as number;
    sum += weight * loss(z, target);
    const error = weight * slope(z, target);
    made[at] = error;
    biasGradient[c] = (biasGradient[c] as number) + error;
  }
  return sum;
}
