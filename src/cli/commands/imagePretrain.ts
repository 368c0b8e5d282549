import { counted, UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { PretrainImagesResult } from '../../jobs/imageTypes.ts';
import type { CommandContext, CommandSpec, Settings } from '../command.ts';
import { quantity, table } from '../format.ts';
import { jobOptions, withProgress, withTraining } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const imagePretrainCommand: CommandSpec = {
  name: 'image pretrain',
  group: 'train',
  summary: 'learn an encoder of images without labels',
  job: 'pretrainImages',
  flags: ['preview'],
  // A preview needs none.
  optional: ['output'],
  examples: [
    'bertune image pretrain --method autoencoder --data train-images-idx3-ubyte.gz --output runs/digits',
    'bertune image pretrain --method simsiam --data photos.tar:train --image-size 32 --epochs 50 --output runs/photos',
    'bertune image pretrain --method mae --data photos/ --patch-size 4 --preview views.png',
  ],
  isShared: true,
  async run(settings, context) {
    if (settings.preview !== undefined) return preview(settings, context, settings.preview);
    if (settings.output === undefined) {
      throw new UsageError(say`image pretrain needs ${setting('output')} (or ${setting('preview')}, to look at views)`);
    }
    const { pretrainImages } = await import('../../jobs/pretrainImages.ts');
    const options = jobOptions('pretrainImages', settings);
    const result = await withTraining(context, (hooks) => pretrainImages(options, hooks));
    await writeResult(context, settings, result, () => pretrainReport(result));
  },
};

async function preview(settings: Settings, context: CommandContext, path: string): Promise<void> {
  const { previewImages } = await import('../../jobs/previewImages.ts');
  const options = jobOptions('pretrainImages', { ...settings, output: settings.output ?? path });
  const result = await withProgress(context, (hooks) => previewImages(options, path, hooks));
  await writeResult(context, settings, result, () => `views saved to ${result.output}: a row an image, itself first`);
}

/** What a metric is called where people read it. */
const metricNames: Readonly<Record<string, string>> = {
  meanColourError: 'loss of painting the mean colour',
  outputDeviation: 'deviation of outputs (share of 1/√d; near 0: collapsed)',
  knnAccuracy: 'accuracy of nearest neighbours',
};

function pretrainReport(result: PretrainImagesResult): string {
  const shown = (value: number | null) => (value === null ? '-' : value.toFixed(4));
  const metrics = Object.entries(result.metrics).map(([name, value]) => [metricNames[name] ?? name, shown(value)]);
  const speed = result.imagesPerSecond > 0 ? [`${quantity(result.imagesPerSecond)} images/s`] : [];
  return [
    table(
      [
        ['held-out loss before', shown(result.evalLossBefore)],
        ['held-out loss after', shown(result.evalLossAfter)],
        ...metrics,
      ],
      ['left'],
    ),
    '',
    [counted(result.steps, 'step'), counted(result.images, 'image'), ...speed].join(', '),
    `model saved to ${result.output}`,
  ].join('\n');
}
