import type { ImageTrainingOptions } from '../../jobs/imageTypes.ts';
import { given, trainingOptions } from '../jobOptions.ts';
import type { OptionName, Settings } from '../options.ts';

/** What `--data`, `--train` and `--test` name where images are meant. */
export const imagePlaces = 'an IDX file, a folder of images by class, a tar of one, or PATH.tar:folder';

/** Options of the commands that train on images. */
export const imageTrainingNames: readonly OptionName[] = [
  'output',
  'cache',
  'resume',
  'overwrite',
  'augment',
  'epochs',
  'max-steps',
  'batch-size',
  'accumulation-steps',
  'optimizer',
  'momentum',
  'learning-rate',
  'schedule',
  'warmup',
  'weight-decay',
  'max-gradient-norm',
  'data-threads',
  'eval-fraction',
  'eval-limit',
  'eval-steps',
  'save-steps',
  'keep-checkpoints',
  'patience',
];

export const imageDefaults: Partial<Record<OptionName, string>> = {
  'learning-rate': "the method's",
  schedule: "the method's",
  warmup: "the method's",
  'weight-decay': "the method's",
  'max-gradient-norm': '0',
};

export const imageDescriptions: Partial<Record<OptionName, string>> = {
  cache: 'folder that keeps prepared images for later runs; --no-cache: keep none',
  'eval-fraction': 'share of the images to hold out',
  'eval-limit': 'evaluate at most this many images',
  'weight-decay': 'weight decay (none on biases and norms)',
};

export function imageTrainingOptions(settings: Settings): ImageTrainingOptions {
  return given({
    ...trainingOptions(settings),
    cache: settings.cache,
    augment: settings.augment,
    batchSize: settings['batch-size'],
    optimizer: settings.optimizer,
    momentum: settings.momentum,
    evalFraction: settings['eval-fraction'],
    evalLimit: settings['eval-limit'],
    dataThreads: settings['data-threads'],
  });
}
