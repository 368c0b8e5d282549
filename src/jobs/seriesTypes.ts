import type { OptionsFrom, OptionsOf } from '../settings/options.ts';
import type { seriesTraining } from '../settings/takes.ts';

/** What jobs that train on columns of numbers accept beside their own options. */
export interface SeriesTrainingOptions extends OptionsFrom<typeof seriesTraining> {}

export interface SequencePretrainOptions extends OptionsOf<'pretrainSequence'> {}

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

export interface TablePretrainOptions extends OptionsOf<'pretrainTable'> {}

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

export interface TableEmbedOptions extends OptionsOf<'embedTable'> {}
