import type { Shape } from '../../core/tensor.ts';
import { initialValue, type ParameterSpec, type ParameterValues } from '../../nn/parameters.ts';

/** A transformer that reads a window of a series and predicts the next one. */
export interface ForecasterConfig {
  readonly kind: 'forecaster';
  readonly columns: readonly string[];
  /** Of each column, over the training part. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** Rows that it reads. */
  readonly window: number;
  /** Rows that it predicts. */
  readonly horizon: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly attentionHeads: number;
}

/** A fully connected autoencoder over the columns of a table. */
export interface TableConfig {
  readonly kind: 'table-autoencoder';
  readonly columns: readonly string[];
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** Widths between the columns and the latent vector; the decoder mirrors them. */
  readonly hiddenSizes: readonly number[];
  readonly latentSize: number;
}

export type SeriesConfig = ForecasterConfig | TableConfig;

/**
 * Random start values: a matrix [outputs, inputs] has draws of deviation √(1 / inputs), so that signals keep their size
 * on the way.
 */
export function seriesStart(specs: readonly ParameterSpec[], seed: number): ParameterValues {
  return new Map(specs.map((spec) => [spec.name, initialValue(spec, 1 / Math.sqrt(inputsOf(spec.shape)), seed)]));
}

function inputsOf(shape: Shape): number {
  return shape.at(-1) ?? 1;
}
