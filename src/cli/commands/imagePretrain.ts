import { counted, UsageError } from '../../core/errors.ts';
import type { PretrainImagesOptions, PretrainImagesResult } from '../../jobs/imageTypes.ts';
import type { CommandContext, CommandSpec } from '../command.ts';
import { quantity, table } from '../format.ts';
import { given, onePath, required, withProgress, withTraining } from '../jobOptions.ts';
import type { Settings } from '../options.ts';
import { writeResult } from '../output.ts';
import {
  imageDefaults,
  imageDescriptions,
  imagePlaces,
  imageTrainingNames,
  imageTrainingOptions,
} from './imageOptions.ts';

export const imagePretrainCommand: CommandSpec = {
  name: 'image pretrain',
  summary: 'learn an encoder of images without labels',
  options: [
    'method',
    'data',
    'eval',
    'image-size',
    'channels',
    'architecture',
    'latent-size',
    'noise',
    'width',
    'blocks',
    'projection-size',
    'predictor-size',
    'temperature',
    'patch-size',
    'mask-ratio',
    'normalized-targets',
    'hidden-size',
    'layers',
    'attention-heads',
    'preview',
    ...imageTrainingNames,
  ],
  required: ['method', 'data'],
  defaults: {
    ...imageDefaults,
    augment: 'on but for autoencoders',
    epochs: 'autoencoder 10, simsiam and simclr 20, mae 50',
    'batch-size': '256',
    'eval-fraction': '0.05',
    'eval-limit': '2000',
    'eval-steps': 'once an epoch',
    'hidden-size': '128',
    layers: '4',
  },
  descriptions: {
    ...imageDescriptions,
    data: `images to learn from: ${imagePlaces}`,
    eval: 'images to measure on, in place of a share of --data',
    output: 'folder to write the model to (required but for --preview); checkpoints go to DIR/checkpoints',
  },
  examples: [
    'bertune image pretrain --method autoencoder --data train-images-idx3-ubyte.gz --output runs/digits',
    'bertune image pretrain --method simsiam --data photos.tar:train --image-size 32 --epochs 50 --output runs/photos',
    'bertune image pretrain --method mae --data photos/ --patch-size 4 --preview views.png',
  ],
  async run(settings, context) {
    if (settings.preview !== undefined) return preview(settings, context, settings.preview);
    if (settings.output === undefined)
      throw new UsageError('image pretrain needs --output (or --preview, to look at views)');
    const { pretrainImages } = await import('../../jobs/pretrainImages.ts');
    const options = pretrainOptions(settings);
    const result = await withTraining(context, (hooks) => pretrainImages(options, hooks));
    await writeResult(context, settings, result, () => pretrainReport(result));
  },
};

async function preview(settings: Settings, context: CommandContext, path: string): Promise<void> {
  const { previewImages } = await import('../../jobs/previewImages.ts');
  const options = pretrainOptions({ ...settings, output: settings.output ?? path });
  const result = await withProgress(context, (hooks) => previewImages(options, path, hooks));
  await writeResult(context, settings, result, () => `views saved to ${result.output}: a row an image, itself first`);
}

function pretrainOptions(settings: Settings): PretrainImagesOptions {
  const evalPath = settings.eval?.[0];
  if (settings.eval && settings.eval.length > 1)
    throw new UsageError(`--eval takes one path here, got ${settings.eval.length}`);
  const { channels } = settings;
  return given({
    ...imageTrainingOptions(settings),
    method: required(settings, 'method'),
    data: onePath(settings, 'data'),
    eval: evalPath,
    imageSize: settings['image-size'],
    channels: channels === undefined ? undefined : channels === 1 ? 1 : 3,
    architecture: settings.architecture,
    latentSize: settings['latent-size'],
    noise: settings.noise,
    width: settings.width,
    blocks: settings.blocks,
    projectionSize: settings['projection-size'],
    predictorSize: settings['predictor-size'],
    temperature: settings.temperature,
    patchSize: settings['patch-size'],
    maskRatio: settings['mask-ratio'],
    normalizedTargets: settings['normalized-targets'],
    hiddenSize: settings['hidden-size'],
    layers: settings.layers,
    attentionHeads: settings['attention-heads'],
  });
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
