import { counted } from '../../core/errors.ts';
import { classificationReport } from '../classificationReport.ts';
import type { CommandSpec } from '../command.ts';
import { quantity } from '../format.ts';
import { given, onePath, required, withTraining } from '../jobOptions.ts';
import { writeResult } from '../output.ts';
import {
  imageDefaults,
  imageDescriptions,
  imagePlaces,
  imageTrainingNames,
  imageTrainingOptions,
} from './imageOptions.ts';

export const imageFinetuneCommand: CommandSpec = {
  name: 'image finetune',
  summary: 'train an image classifier on labeled images, from a pretrained encoder',
  options: ['model', 'train', 'test', 'labels-per-class', 'random-start', ...imageTrainingNames],
  required: ['model', 'train', 'output'],
  defaults: {
    ...imageDefaults,
    augment: 'on',
    epochs: '20; more for few images: about 300 steps, at most 200 epochs',
    'batch-size': '64',
    'eval-fraction': '0.1',
  },
  descriptions: {
    ...imageDescriptions,
    model: 'folder that image pretrain wrote',
    train: `labeled images to train on: ${imagePlaces}`,
    test: 'labeled images to measure on, in place of a share of --train',
  },
  examples: [
    'bertune image finetune --model runs/photos --train photos.tar:train --test photos.tar:test --labels-per-class 10 --output runs/classes',
  ],
  async run(settings, context) {
    const { finetuneImages } = await import('../../jobs/finetuneImages.ts');
    const options = given({
      ...imageTrainingOptions(settings),
      model: required(settings, 'model'),
      train: onePath(settings, 'train'),
      test: settings.test && onePath(settings, 'test'),
      labelsPerClass: settings['labels-per-class'],
      randomStart: settings['random-start'],
    });
    const result = await withTraining(context, (hooks) => finetuneImages(options, hooks));
    const speed = result.imagesPerSecond > 0 ? [`${quantity(result.imagesPerSecond)} images/s`] : [];
    await writeResult(context, settings, result, () =>
      [
        classificationReport(result, 'images'),
        '',
        [counted(result.steps, 'step'), ...speed].join(', '),
        `model saved to ${result.output}`,
      ].join('\n'),
    );
  },
};
