import { UsageError } from '../core/errors.ts';
import { type Augmentation, augmentations } from '../data/images/augmentation.ts';
import type { ImageShape, VisionConfig } from '../models/vision/config.ts';
import type { OptimizerOptions } from '../train/optimizers/optimizers.ts';
import type { ImageTrainingOptions, PretrainImagesOptions, PretrainMethod } from './imageTypes.ts';
import { type ResolvedTraining, resolveTraining } from './training.ts';

interface Common {
  readonly image: ImageShape;
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** The model that the options ask for. @throws UsageError when its sizes do not fit each other or the images */
export function pretrainingConfig(options: PretrainImagesOptions, common: Common): VisionConfig {
  switch (options.method) {
    case 'autoencoder':
      return { method: 'autoencoder', ...common, encoder: autoencoderOf(options) };
    case 'simsiam':
      return { method: 'simsiam', ...common, encoder: resnetOf(options), projection: projectionOf(options) };
    case 'simclr': {
      const projection = { projectionSize: options.projectionSize ?? 256 };
      const temperature = options.temperature ?? 0.5;
      return { method: 'simclr', ...common, encoder: resnetOf(options), projection, temperature };
    }
    case 'mae':
      return { method: 'mae', ...common, ...maskedAutoencoderOf(options, common.image) };
  }
}

/** What changes from method to method of how a run goes. */
export interface MethodDefaults {
  readonly epochs: number;
  readonly learningRate: number;
  readonly schedule: 'constant' | 'cosine';
  readonly warmup: number;
  readonly weightDecay: number;
  readonly batchSize: number;
  readonly optimizer: OptimizerOptions;
}

const adam: OptimizerOptions = { name: 'adamw' };
const contrastive = {
  schedule: 'cosine',
  warmup: 0,
  batchSize: 256,
  optimizer: { name: 'sgd', momentum: 0.9 },
} as const;

export const methodDefaults: Readonly<Record<PretrainMethod | 'classifier', MethodDefaults>> = {
  autoencoder: {
    ...{ epochs: 10, learningRate: 1e-3, schedule: 'constant', warmup: 0, weightDecay: 0, batchSize: 256 },
    optimizer: adam,
  },
  simsiam: { ...contrastive, epochs: 20, learningRate: 0.05, weightDecay: 5e-4 },
  simclr: { ...contrastive, epochs: 20, learningRate: 0.1, weightDecay: 1e-4 },
  mae: {
    ...{ epochs: 50, learningRate: 1e-3, schedule: 'cosine', warmup: 0.05, weightDecay: 0.05, batchSize: 256 },
    optimizer: { name: 'adamw', beta2: 0.95 },
  },
  classifier: {
    ...{ epochs: 20, learningRate: 1e-3, schedule: 'cosine', warmup: 0.05, weightDecay: 0.05, batchSize: 64 },
    optimizer: adam,
  },
};

/** Options of a run with the method's defaults filled in. */
export function resolveImageTraining(
  options: ImageTrainingOptions,
  defaults: MethodDefaults,
): { training: ResolvedTraining; optimizer: OptimizerOptions; batchSize: number } {
  const { learningRate, schedule, weightDecay, warmup } = defaults;
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const training = resolveTraining(
    { learningRate, schedule, weightDecay, maxGradientNorm: 0, ...given, output: options.output },
    { warmup },
  );
  const batchSize = options.batchSize ?? defaults.batchSize;
  return { training, optimizer: optimizerOf(options, defaults.optimizer), batchSize };
}

/** Changes to the images that a method learns from; none when there are to be none. */
export function augmentationFor(
  method: PretrainMethod | 'classifier',
  channels: number,
  augment = method !== 'autoencoder',
): Augmentation | undefined {
  if (!augment) return undefined;
  if (method === 'simsiam' || method === 'simclr') return augmentations.contrastive(channels);
  return method === 'classifier' ? augmentations.supervised(channels) : augmentations.masked(channels);
}

function optimizerOf({ optimizer, momentum }: ImageTrainingOptions, usual: OptimizerOptions): OptimizerOptions {
  const name = optimizer ?? (momentum === undefined ? usual.name : 'sgd');
  if (name === 'adamw' && momentum !== undefined) {
    throw new UsageError('--momentum is a setting of --optimizer sgd, which AdamW does not have');
  }
  if (name === 'sgd') return { name, momentum: momentum ?? 0.9 };
  return usual.name === name ? usual : { name };
}

function autoencoderOf({ architecture = 'dense', latentSize = 32 }: PretrainImagesOptions) {
  if (architecture === 'dense') return { type: 'dense', widths: [128, 64], latentSize } as const;
  return { type: 'conv', channels: [16, 32], latentSize } as const;
}

function resnetOf({ width = 32, blocks = 1 }: PretrainImagesOptions) {
  return { type: 'resnet', channels: [width, 2 * width, 4 * width], blocks } as const;
}

function projectionOf({ projectionSize = 256, predictorSize }: PretrainImagesOptions) {
  return { projectionSize, predictorSize: predictorSize ?? Math.max(1, Math.floor(projectionSize / 4)) };
}

function maskedAutoencoderOf(options: PretrainImagesOptions, image: ImageShape) {
  const { patchSize = 4, hiddenSize = 128, layers = 4, attentionHeads = 4, maskRatio = 0.75 } = options;
  if (image.height % patchSize !== 0 || image.width % patchSize !== 0) {
    throw new UsageError(
      `--patch-size ${patchSize} does not divide images of ${image.height} x ${image.width}; choose one that does, or another --image-size`,
    );
  }
  if (image.height * image.width < 2 * patchSize ** 2) {
    throw new UsageError(`--patch-size ${patchSize} leaves one patch of an image; choose a smaller one`);
  }
  if (hiddenSize % attentionHeads !== 0 || hiddenSize % 4 !== 0) {
    throw new UsageError(
      `--hidden-size ${hiddenSize} is no multiple of 4 and of --attention-heads ${attentionHeads}; choose one that is`,
    );
  }
  const decoderSize = Math.max(4, Math.ceil(hiddenSize / 8) * 4);
  const decoder = {
    ...{ hiddenSize: decoderSize, layers: 1, attentionHeads: decoderSize % 4 === 0 ? 4 : 1 },
    ...{ intermediateSize: 4 * decoderSize, normalizedTargets: options.normalizedTargets ?? false, maskRatio },
  };
  const intermediateSize = 4 * hiddenSize;
  const encoder = { type: 'vit', patchSize, hiddenSize, layers, attentionHeads, intermediateSize } as const;
  return { encoder, decoder };
}
