import type { OptionName } from '../options.ts';

/** Options of every training command. */
export const trainingNames: readonly OptionName[] = [
  'output',
  'resume',
  'overwrite',
  'max-length',
  'epochs',
  'max-steps',
  'accumulation-steps',
  'learning-rate',
  'schedule',
  'warmup',
  'weight-decay',
  'max-gradient-norm',
  'dropout',
  'freeze',
  'freeze-layers',
  'recompute',
  'fast-math',
  'eval',
  'eval-query',
  'eval-fraction',
  'eval-limit',
  'eval-steps',
  'save-steps',
  'keep-checkpoints',
  'patience',
  'query',
  'text-column',
  'group-column',
];

/** Options of the commands that train a masked language model. */
export const corpusTrainingNames: readonly OptionName[] = [
  ...trainingNames,
  'corpus',
  'mask-probability',
  'whole-word',
  'batch-tokens',
  'overlap',
  'cache',
];
