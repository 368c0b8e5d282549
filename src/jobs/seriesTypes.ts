import type { TrainingOptions } from './types.ts';

/** What jobs that train on columns of numbers accept beside their own options. */
export interface SeriesTrainingOptions
  extends Omit<TrainingOptions, 'accumulationSteps' | 'dropout' | 'freeze' | 'freezeLayers' | 'recompute'> {
  /** A .csv, .tsv, .jsonl or .parquet file, or a `SELECT …` query. */
  readonly data: string;
  /** Columns to learn from; without it, all that hold numbers. */
  readonly columns?: readonly string[];
  /** Share of the rows that is held out: of a series its end, of a table rows at random. */
  readonly evalFraction?: number;
  /** Examples of one update. */
  readonly batchSize?: number;
}

export interface SequencePretrainOptions extends SeriesTrainingOptions {
  /** Rows that the model reads. */
  readonly window: number;
  /** Rows that it predicts. */
  readonly horizon: number;
  readonly hiddenSize?: number;
  readonly layers?: number;
  readonly attentionHeads?: number;
}

export interface SequencePretrainResult {
  /** Mean squared error on the held-out end of the series, in standardized units. */
  readonly error: number;
  /** That of repeating the last value of the window. */
  readonly repeatLastError: number;
  /** Root mean squared errors of each column in its own units. */
  readonly columns: readonly { readonly name: string; readonly error: number; readonly repeatLastError: number }[];
  /** Held-out windows. */
  readonly heldOut: number;
  readonly steps: number;
  readonly windowsPerSecond: number;
  readonly output: string;
}

export interface TablePretrainOptions extends SeriesTrainingOptions {
  readonly latentSize?: number;
  /** Widths between the columns and the latent vector. */
  readonly hiddenSizes?: readonly number[];
}

export interface TablePretrainResult {
  /** Mean squared error of rebuilt held-out rows, in standardized units. */
  readonly error: number;
  /** That of the mean of each column in its place. */
  readonly meanError: number;
  /** That of a principal component analysis of the same latent size: what a linear autoencoder reaches. */
  readonly pcaError: number;
  readonly latentSize: number;
  readonly heldOut: number;
  readonly steps: number;
  readonly rowsPerSecond: number;
  readonly output: string;
}

export interface TableEmbedOptions {
  readonly model: string;
  readonly data: string;
  /** A `.parquet` or `.jsonl` file. */
  readonly output: string;
  readonly threads?: number;
}
