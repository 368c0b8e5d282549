import type { CommandSpec } from '../command.ts';
import { jobOptions, withTraining } from '../jobOptions.ts';
import { trainingReport } from '../maskedLmReport.ts';
import { writeResult } from '../output.ts';

export const adaptCommand: CommandSpec = {
  name: 'adapt',
  group: 'train',
  summary: 'continue the pretraining of a BERT or a sentence encoder on your own text, without labels',
  job: 'adapt',
  flags: ['query', 'evalQuery', 'textColumn', 'groupColumn'],
  examples: [
    'bertune adapt --model checkpoints/bert-mini-sentences --corpus logs/*.txt.gz --output runs/adapted',
    'bertune adapt --model checkpoints/bert-mini-sentences --corpus chats.csv --text-column message --group-column chat --output runs/adapted --max-steps 500 --whole-word',
  ],
  isShared: true,
  async run(settings, context) {
    const { adapt } = await import('../../jobs/adapt.ts');
    const options = jobOptions('adapt', settings);
    const result = await withTraining(context, (hooks) => adapt(options, hooks));
    await writeResult(context, settings, result, () => trainingReport(result, { verdict: true }));
  },
};
