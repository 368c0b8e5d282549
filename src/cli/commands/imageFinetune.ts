import { counted } from '../../core/errors.ts';
import { classificationReport } from '../classificationReport.ts';
import type { CommandSpec } from '../command.ts';
import { quantity } from '../format.ts';
import { jobOptions, withTraining } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const imageFinetuneCommand: CommandSpec = {
  name: 'image finetune',
  group: 'train',
  summary: 'train an image classifier on labeled images, from a pretrained encoder',
  job: 'finetuneImages',
  examples: [
    'bertune image finetune --model runs/photos --train photos.tar:train --test photos.tar:test --labels-per-class 10 --output runs/classes',
  ],
  isShared: true,
  async run(settings, context) {
    const { finetuneImages } = await import('../../jobs/finetuneImages.ts');
    const options = jobOptions('finetuneImages', settings);
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
