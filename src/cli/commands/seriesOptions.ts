import type { SeriesTrainingOptions } from '../../jobs/seriesTypes.ts';
import { given, onePath, trainingOptions } from '../jobOptions.ts';
import type { OptionName, Settings } from '../options.ts';

/** Options of the commands that train on columns of numbers. */
export const seriesTrainingNames: readonly OptionName[] = [
  'data',
  'query',
  'columns',
  'output',
  'resume',
  'overwrite',
  'epochs',
  'max-steps',
  'batch-size',
  'learning-rate',
  'schedule',
  'warmup',
  'weight-decay',
  'max-gradient-norm',
  'eval-fraction',
  'eval-steps',
  'save-steps',
  'keep-checkpoints',
  'patience',
];

export const seriesDescriptions: Partial<Record<OptionName, string>> = {
  data: 'table of numbers (.csv .tsv .jsonl .parquet, text also .gz)',
  output: 'folder to write the model to; checkpoints go to DIR/checkpoints',
};

export function seriesTrainingOptions(settings: Settings): SeriesTrainingOptions {
  return given({
    ...trainingOptions(settings),
    data: settings.query ?? onePath(settings, 'data'),
    columns: settings.columns,
    batchSize: settings['batch-size'],
    evalFraction: settings['eval-fraction'],
  });
}
