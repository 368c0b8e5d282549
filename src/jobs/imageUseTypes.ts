import type { Estimate } from '../evaluation/estimate.ts';
import type { PairedDifference } from '../evaluation/paired.ts';
import type { OptionsFrom, OptionsOf } from '../settings/options.ts';
import type { imageUse } from '../settings/takes.ts';

/** What jobs that use a model of images accept. */
export interface ImageUseOptions extends OptionsFrom<typeof imageUse> {}

export interface ProbeImagesOptions extends OptionsOf<'probeImages'> {}

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

export interface EmbedImagesOptions extends OptionsOf<'embedImages'> {}

export interface ShowImagesOptions extends OptionsOf<'showImages'> {}

export interface ShowImagesResult {
  /** What the rows of the picture are, from the top. */
  readonly rows: readonly string[];
  readonly output: string;
}
