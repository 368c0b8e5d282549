import type { CommandSpec } from '../command.ts';
import { corpusTrainingOptions, required, withTraining } from '../jobOptions.ts';
import { trainingReport } from '../maskedLmReport.ts';
import { writeResult } from '../output.ts';
import { corpusTrainingNames } from './trainingOptions.ts';

export const adaptCommand: CommandSpec = {
  name: 'adapt',
  summary: 'continue masked-language-model pretraining of a BERT on your own text',
  options: ['model', ...corpusTrainingNames],
  required: ['model', 'corpus', 'output'],
  defaults: {
    epochs: '1',
    'learning-rate': '5e-5',
    'batch-tokens': '4096',
    'eval-fraction': '0.02',
    'eval-limit': '2000 of those held out, all of --eval',
    warmup: '0.06',
  },
  examples: [
    'bertune adapt --model checkpoints/bert-mini-general --corpus logs/*.txt.gz --output runs/adapted',
    'bertune adapt --model checkpoints/bert-mini-general --corpus chats.csv --text-column message --group-column chat --output runs/adapted --max-steps 500 --whole-word',
  ],
  async run(settings, context) {
    const { adapt } = await import('../../jobs/adapt.ts');
    const options = { ...corpusTrainingOptions(settings), model: required(settings, 'model') };
    const result = await withTraining(context, (hooks) => adapt(options, hooks));
    await writeResult(context, settings, result, () => trainingReport(result, { verdict: true }));
  },
};
