import type { LbfgsResult } from './lbfgs.ts';
import { fitLogisticRegression, hostProducts, type LogisticRegression } from './logisticRegression.ts';
import type { Rows } from './neighbours.ts';

export interface LinearProbeOptions {
  /** Weight of ½ |weights|² against the summed cross-entropy; 1 is the default of scikit-learn's LogisticRegression. */
  readonly strength?: number;
  readonly maxIterations?: number;
}

/** A linear classifier over features, each brought to mean 0 and deviation 1 on the training part. */
export interface LinearProbe extends LogisticRegression {
  readonly fit: LbfgsResult;
  /** Class numbers of other features [m, size]. */
  classify(features: Rows): Int32Array;
}

/**
 * Logistic regression over standardized features.
 *
 * @param features [n, size]
 * @param labels class numbers [n] below `classes`
 */
export async function fitLinearProbe(
  features: Rows,
  labels: ArrayLike<number>,
  classes: number,
  { strength = 1, maxIterations = 1000 }: LinearProbeOptions = {},
): Promise<LinearProbe> {
  const { size } = features;
  const scaling = scalingOf(features);
  const products = hostProducts({ data: standardized(features, scaling), size });
  const fitted = await fitLogisticRegression(products, labels, classes, { strength, maxIterations });
  const { weight, bias } = fitted;
  return { ...fitted, classify: (other) => classify(standardized(other, scaling), size, weight, bias) };
}

function classify(x: Float32Array, size: number, weight: Float64Array, bias: Float64Array): Int32Array {
  const logits = new Float64Array(bias.length);
  return Int32Array.from({ length: x.length / size }, (_, row) => {
    for (let c = 0; c < bias.length; c++) {
      let sum = bias[c] as number;
      for (let j = 0; j < size; j++) sum += (weight[c * size + j] as number) * (x[row * size + j] as number);
      logits[c] = sum;
    }
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
