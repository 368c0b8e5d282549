import type { CacheOptions, ClassificationResult, TrainingOptions } from './types.ts';

/** What every job that trains on images accepts. */
export interface ImageTrainingOptions
  extends Omit<TrainingOptions, 'dropout' | 'freeze' | 'freezeLayers' | 'recompute'>,
    CacheOptions {
  /** Images of one update. */
  readonly batchSize?: number;
  /** The method's own when absent. */
  readonly optimizer?: 'adamw' | 'sgd';
  /** Of SGD. */
  readonly momentum?: number;
  /** Held-out images of `data`, as a share of all; without it 0.05. */
  readonly evalFraction?: number;
  /** Most held-out images that are evaluated; 2,000 by default. */
  readonly evalLimit?: number;
  /** Threads that prepare views; 1 prepares them between the steps. */
  readonly dataThreads?: number;
}

export type PretrainMethod = 'autoencoder' | 'simsiam' | 'simclr' | 'mae';

export interface PretrainImagesOptions extends ImageTrainingOptions {
  readonly method: PretrainMethod;
  /** An IDX file, a folder of images, a tar of one, or `PATH.tar:folder`. */
  readonly data: string;
  /** Images to measure on; a share of `data` when absent. */
  readonly eval?: string;
  /** Height and width that images are resized to; what the data has when absent. */
  readonly imageSize?: number;
  /** 1 for grayscale, 3 for RGB; what the data has when absent. */
  readonly channels?: 1 | 3;
  /** Layers of an autoencoder: fully connected (the default) or convolutional. */
  readonly architecture?: 'dense' | 'conv';
  /** Numbers that an autoencoder makes of an image; 32 by default. */
  readonly latentSize?: number;
  /** Deviation of the noise that an autoencoder is to remove, in parts of the full range; 0 by default. */
  readonly noise?: number;
  /** Channels of a ResNet's first stage, doubled with each of the next two; 32 by default. */
  readonly width?: number;
  /** Residual blocks of each stage; 1 by default. */
  readonly blocks?: number;
  /** Width of the projector of SimSiam and SimCLR; 256 by default. */
  readonly projectionSize?: number;
  /** Width of SimSiam's predictor; a quarter of the projector's by default. */
  readonly predictorSize?: number;
  /** Temperature of SimCLR; 0.5 by default. */
  readonly temperature?: number;
  /** Side of a masked autoencoder's patches in pixels; 4 by default. */
  readonly patchSize?: number;
  /** Width of a masked autoencoder's encoder; 128 by default. */
  readonly hiddenSize?: number;
  /** Blocks of a masked autoencoder's encoder; 4 by default. */
  readonly layers?: number;
  readonly attentionHeads?: number;
  /** Share of an image's patches that are masked; 0.75 by default. */
  readonly maskRatio?: number;
  /** Whether patches are predicted less their mean, over their deviation. */
  readonly normalizedTargets?: boolean;
  /** Whether views are augmented; on by default but for autoencoders. */
  readonly augment?: boolean;
}

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

export interface FinetuneImagesOptions extends ImageTrainingOptions {
  /** A model that `pretrainImages` wrote. */
  readonly model: string;
  /** Images with labels, as in `PretrainImagesOptions.data`. */
  readonly train: string;
  /** Images with labels to measure on; a share of `train` when absent. */
  readonly test?: string;
  /** Images of each class that are trained on; all when absent. */
  readonly labelsPerClass?: number;
  /** Start the encoder from random weights: the baseline that shows what pretraining gives. */
  readonly randomStart?: boolean;
  readonly augment?: boolean;
}

export interface FinetuneImagesResult extends ClassificationResult {
  readonly steps: number;
  readonly imagesPerSecond: number;
  readonly output: string;
}
