import type { Estimate } from '../evaluation/estimate.ts';
import type { PairedDifference } from '../evaluation/paired.ts';
import type { CacheOptions } from './types.ts';

/** What jobs that use a model of images accept. */
export interface ImageUseOptions extends CacheOptions {
  /** A folder that `pretrainImages` or `finetuneImages` wrote. */
  readonly model: string;
  readonly threads?: number;
}

export interface ProbeImagesOptions extends ImageUseOptions {
  /** Images with labels: an IDX file, a folder by class, a tar of one. */
  readonly train: string;
  readonly test: string;
  /** Labeled images of each class; all when absent. */
  readonly labelsPerClass?: number;
  /** Repetitions with other draws of labels and other random starts, 1 to 12; 3 by default. */
  readonly seeds?: number;
  /** Seed of the first repetition. */
  readonly seed?: number;
  /** Most test images; all when absent. */
  readonly evalLimit?: number;
}

/** Accuracies of classifiers over one encoder's features. */
export interface ProbedEncoder {
  readonly linear: Estimate;
  readonly knn: Estimate;
}

export interface ProbeImagesResult {
  readonly classes: readonly string[];
  /** Labeled images of one repetition, and test images. */
  readonly labeled: number;
  readonly tested: number;
  readonly pretrained: ProbedEncoder;
  readonly randomStart: ProbedEncoder;
  /** Accuracy of the same encoder trained from scratch on the same labels. */
  readonly scratch: Estimate;
  /** Linear probe of the pretrained encoder less that of the random one, and less training from scratch; null for one seed. */
  readonly overRandomStart: PairedDifference | null;
  readonly overScratch: PairedDifference | null;
  /** Whether both differences lie above 0 with their whole interval. */
  readonly helped: boolean;
}

export interface EmbedImagesOptions extends ImageUseOptions {
  readonly data: string;
  /** A `.parquet` or `.jsonl` file. */
  readonly output: string;
}

export interface ShowImagesOptions extends ImageUseOptions {
  readonly data: string;
  /** A `.png` file. */
  readonly output: string;
  /** Images shown; 8 by default. */
  readonly count?: number;
  readonly seed?: number;
}

export interface ShowImagesResult {
  /** What the rows of the picture are, from the top. */
  readonly rows: readonly string[];
  readonly output: string;
}
