import type { OptionsFrom, OptionsOf } from '../settings/options.ts';
import type { imageTraining } from '../settings/takes.ts';
import type { ClassificationResult } from './types.ts';

/** What every job that trains on images accepts. */
export interface ImageTrainingOptions extends OptionsFrom<typeof imageTraining> {}

export interface PretrainImagesOptions extends OptionsOf<'pretrainImages'> {}
export type PretrainMethod = PretrainImagesOptions['method'];

export interface PretrainImagesResult {
  readonly method: PretrainMethod;
  /** Mean loss over held-out images before and after training; null when nothing was held out. */
  readonly evalLossBefore: number | null;
  readonly evalLossAfter: number | null;
  /** Every other metric of the last evaluation. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly images: number;
  readonly steps: number;
  readonly imagesPerSecond: number;
  readonly output: string;
}

export interface FinetuneImagesOptions extends OptionsOf<'finetuneImages'> {}

export interface FinetuneImagesResult extends ClassificationResult {
  readonly steps: number;
  readonly imagesPerSecond: number;
  readonly output: string;
}
