import type { CommandSpec } from '../command.ts';
import { given, onePath, required, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';
import { imageDescriptions, imagePlaces } from './imageOptions.ts';

export const imageShowCommand: CommandSpec = {
  name: 'image show',
  summary: 'draw what a model makes of images: reconstructions, masked patches filled in, or nearest neighbours',
  options: ['model', 'data', 'output', 'count', 'cache'],
  required: ['model', 'data', 'output'],
  descriptions: {
    ...imageDescriptions,
    model: 'folder that image pretrain or finetune wrote',
    data: `images: ${imagePlaces}`,
    output: 'picture to write: .png',
  },
  examples: ['bertune image show --model runs/photos --data photos/ --output grid.png'],
  async run(settings, context) {
    const { showImages } = await import('../../jobs/showImages.ts');
    const options = given({
      model: required(settings, 'model'),
      data: onePath(settings, 'data'),
      output: required(settings, 'output'),
      count: settings.count,
      seed: settings.seed,
      cache: settings.cache,
      threads: settings.threads,
    });
    const result = await withProgress(context, (hooks) => showImages(options, hooks));
    const rows = result.rows.map((row, i) => `  row ${i + 1}: ${row}`);
    await writeResult(context, settings, result, () => [`picture saved to ${result.output}`, ...rows].join('\n'));
  },
};
