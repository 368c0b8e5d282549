import type { CommandSpec } from '../command.ts';
import { jobOptions, withTraining } from '../jobOptions.ts';
import { trainingReport } from '../maskedLmReport.ts';
import { writeResult } from '../output.ts';

export const pretrainCommand: CommandSpec = {
  name: 'pretrain',
  group: 'train',
  summary: 'train a masked language model from random weights',
  job: 'pretrain',
  flags: ['query', 'evalQuery', 'textColumn', 'groupColumn'],
  examples: [
    'bertune pretrain --model-config small.json --tokenizer vocab/ --corpus reviews.txt --output runs/small --epochs 10',
  ],
  isShared: true,
  async run(settings, context) {
    const { pretrain } = await import('../../jobs/adapt.ts');
    const options = jobOptions('pretrain', settings);
    const result = await withTraining(context, (hooks) => pretrain(options, hooks));
    await writeResult(context, settings, result, () => trainingReport(result, { verdict: false }));
  },
};
