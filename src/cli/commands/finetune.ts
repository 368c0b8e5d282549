import { counted } from '../../core/errors.ts';
import { classificationReport } from '../classificationReport.ts';
import type { CommandSpec } from '../command.ts';
import { speed } from '../format.ts';
import { evalData, given, required, requiredData, trainingOptions, withTraining } from '../jobOptions.ts';
import { writeResult } from '../output.ts';
import { trainingNames } from './trainingOptions.ts';

export const finetuneCommand: CommandSpec = {
  name: 'finetune',
  summary: 'train a text classifier on labeled texts, from a pretrained or adapted model',
  options: [
    'model',
    'train',
    'label-column',
    'batch-size',
    'train-limit',
    'labels-per-class',
    'class-weights',
    'random-start',
    ...trainingNames,
  ],
  required: ['model', 'train', 'output'],
  defaults: {
    epochs: '3; more for few labels: about 200 steps, at most 30 epochs',
    'learning-rate': '5e-5',
    'batch-size': '16',
    'eval-fraction': '0.1',
    warmup: '0.1',
  },
  examples: [
    'bertune finetune --model runs/adapted --train labeled.csv --output runs/intent',
    'bertune finetune --model runs/adapted --train train.jsonl --eval test.jsonl --label-column intent --labels-per-class 10 --output runs/intent',
  ],
  async run(settings, context) {
    const { finetune } = await import('../../jobs/finetune.ts');
    const options = given({
      ...trainingOptions(settings),
      model: required(settings, 'model'),
      train: requiredData(settings, 'train'),
      eval: evalData(settings),
      evalFraction: settings['eval-fraction'],
      maxLength: settings['max-length'],
      batchSize: settings['batch-size'],
      trainLimit: settings['train-limit'],
      evalLimit: settings['eval-limit'],
      labelsPerClass: settings['labels-per-class'],
      classWeights: settings['class-weights'],
      randomStart: settings['random-start'],
    });
    const result = await withTraining(context, (hooks) => finetune(options, hooks));
    await writeResult(context, settings, result, () =>
      [
        classificationReport(result),
        '',
        [counted(result.steps, 'step'), ...speed(result.tokensPerSecond)].join(', '),
        `model saved to ${result.output}`,
      ].join('\n'),
    );
  },
};
