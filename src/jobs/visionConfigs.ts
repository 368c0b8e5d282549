import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { type Augmentation, augmentations } from '../data/images/augmentation.ts';
import type { ImageShape, VisionConfig } from '../models/vision/config.ts';
import type { Resolved, ResolvedFrom } from '../settings/options.ts';
import { settings } from '../settings/table.ts';
import type { imageTraining } from '../settings/takes.ts';
import type { OptimizerOptions } from '../train/optimizers/optimizers.ts';
import type { PretrainMethod } from './imageTypes.ts';
import { note } from './note.ts';
import type { JobHooks } from './types.ts';

type Settings = Resolved<'pretrainImages'>;

interface Common {
  readonly image: ImageShape;
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** The model that the options ask for. @throws UsageError when its sizes do not fit each other or the images */
export function pretrainingConfig(options: Settings, common: Common): VisionConfig {
  switch (options.method) {
    case 'autoencoder':
      return { method: 'autoencoder', ...common, encoder: autoencoderOf(options) };
    case 'simsiam':
      return { method: 'simsiam', ...common, encoder: resnetOf(options), projection: projectionOf(options) };
    case 'simclr': {
      const projection = { projectionSize: options.projectionSize };
      const temperature = options.temperature;
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
  readonly optimizer: OptimizerOptions;
}

const adam: OptimizerOptions = { name: 'adamw' };
const contrastive = {
  schedule: 'cosine',
  warmup: 0,
  optimizer: { name: 'sgd', momentum: 0.9 },
} as const;

export const methodDefaults: Readonly<Record<PretrainMethod | 'classifier', MethodDefaults>> = {
  autoencoder: {
    ...{ epochs: 10, learningRate: 1e-3, schedule: 'constant', warmup: 0, weightDecay: 0 },
    optimizer: adam,
  },
  simsiam: { ...contrastive, epochs: 20, learningRate: 0.05, weightDecay: 5e-4 },
  simclr: { ...contrastive, epochs: 20, learningRate: 0.1, weightDecay: 1e-4 },
  mae: {
    ...{ epochs: 50, learningRate: 1e-3, schedule: 'cosine', warmup: 0.05, weightDecay: 0.05 },
    optimizer: { name: 'adamw', beta2: 0.95 },
  },
  classifier: {
    ...{ epochs: 20, learningRate: 1e-3, schedule: 'cosine', warmup: 0.05, weightDecay: 0.05 },
    optimizer: adam,
  },
};

/** The settings of a run with those filled in that are the method's. */
export function settledBy<T extends ResolvedFrom<typeof imageTraining>>(settings: T, defaults: MethodDefaults) {
  return {
    ...settings,
    learningRate: settings.learningRate ?? defaults.learningRate,
    schedule: settings.schedule ?? defaults.schedule,
    warmup: settings.warmup ?? defaults.warmup,
    weightDecay: settings.weightDecay ?? defaults.weightDecay,
  };
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

/** @throws UsageError for momentum without an optimizer that has it */
export function optimizerOf(
  { optimizer, momentum }: Pick<ResolvedFrom<typeof imageTraining>, 'optimizer' | 'momentum'>,
  usual: OptimizerOptions,
  hooks: JobHooks,
): OptimizerOptions {
  const name = optimizer ?? (momentum === undefined ? usual.name : 'sgd');
  if (name === 'adamw' && momentum !== undefined) {
    throw new UsageError(
      say`${setting('momentum')} is a setting of ${setting('optimizer')} sgd, which AdamW does not have`,
    );
  }
  if (optimizer === undefined && name !== usual.name) {
    note(
      hooks,
      say`${setting('momentum')} makes the ${setting('optimizer')} sgd, where ${usual.name} is usual: ${setting('learningRate')} may have to change`,
    );
  }
  if (name === 'sgd') return { name, momentum: momentum ?? settings.momentum.default.value };
  return usual.name === name ? usual : { name };
}

function autoencoderOf({ architecture, latentSize }: Settings) {
  if (architecture === 'dense') return { type: 'dense', widths: [128, 64], latentSize } as const;
  return { type: 'conv', channels: [16, 32], latentSize } as const;
}

function resnetOf({ width, blocks }: Settings) {
  return { type: 'resnet', channels: [width, 2 * width, 4 * width], blocks } as const;
}

function projectionOf({ projectionSize, predictorSize }: Settings) {
  return { projectionSize, predictorSize: predictorSize ?? Math.max(1, Math.floor(projectionSize / 4)) };
}

function maskedAutoencoderOf(options: Settings, image: ImageShape) {
  const { patchSize, hiddenSize, layers, attentionHeads, maskRatio, normalizedTargets } = options;
  if (image.height % patchSize !== 0 || image.width % patchSize !== 0) {
    throw new UsageError(
      say`${setting('patchSize')} ${patchSize} does not divide images of ${image.height} x ${image.width}; choose one that does, or another ${setting('imageSize')}`,
    );
  }
  if (image.height * image.width < 2 * patchSize ** 2) {
    throw new UsageError(say`${setting('patchSize')} ${patchSize} leaves one patch of an image; choose a smaller one`);
  }
  if (hiddenSize % attentionHeads !== 0 || hiddenSize % 4 !== 0) {
    throw new UsageError(
      say`${setting('hiddenSize')} ${hiddenSize} is no multiple of 4 and of ${setting('attentionHeads')} ${attentionHeads}; choose one that is`,
    );
  }
  const decoderSize = Math.max(4, Math.ceil(hiddenSize / 8) * 4);
  const decoder = {
    ...{ hiddenSize: decoderSize, layers: 1, attentionHeads: decoderSize % 4 === 0 ? 4 : 1 },
    ...{ intermediateSize: 4 * decoderSize, normalizedTargets, maskRatio },
  };
  const intermediateSize = 4 * hiddenSize;
  const encoder = { type: 'vit', patchSize, hiddenSize, layers, attentionHeads, intermediateSize } as const;
  return { encoder, decoder };
}
