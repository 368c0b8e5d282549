import type { CommandSpec } from '../command.ts';
import { corpusTrainingOptions, required, withTraining } from '../jobOptions.ts';
import { trainingReport } from '../maskedLmReport.ts';
import { writeResult } from '../output.ts';
import { adaptCommand } from './adapt.ts';
import { corpusTrainingNames } from './trainingOptions.ts';

export const pretrainCommand: CommandSpec = {
  name: 'pretrain',
  summary: 'train a masked language model from random weights',
  options: ['model-config', 'tokenizer', ...corpusTrainingNames],
  required: ['model-config', 'tokenizer', 'corpus', 'output'],
  defaults: adaptCommand.defaults,
  examples: [
    'bertune pretrain --model-config small.json --tokenizer vocab/ --corpus reviews.txt --output runs/small --epochs 10',
  ],
  async run(settings, context) {
    const { pretrain } = await import('../../jobs/adapt.ts');
    const options = {
      ...corpusTrainingOptions(settings),
      modelConfig: required(settings, 'model-config'),
      tokenizer: required(settings, 'tokenizer'),
    };
    const result = await withTraining(context, (hooks) => pretrain(options, hooks));
    await writeResult(context, settings, result, () => trainingReport(result, { verdict: false }));
  },
};
