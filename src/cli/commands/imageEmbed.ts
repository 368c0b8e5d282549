import type { CommandSpec } from '../command.ts';
import { quantity } from '../format.ts';
import { given, onePath, required, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';
import { imageDescriptions, imagePlaces } from './imageOptions.ts';

export const imageEmbedCommand: CommandSpec = {
  name: 'image embed',
  summary: 'write the features of each image to a .parquet or .jsonl file',
  options: ['model', 'data', 'output', 'cache'],
  required: ['model', 'data', 'output'],
  descriptions: {
    ...imageDescriptions,
    model: 'folder that image pretrain or finetune wrote',
    data: `images: ${imagePlaces}`,
    output: 'file to write: .parquet or .jsonl',
  },
  examples: ['bertune image embed --model runs/photos --data photos/ --output vectors.parquet'],
  async run(settings, context) {
    const { embedImages } = await import('../../jobs/embedImages.ts');
    const options = given({
      model: required(settings, 'model'),
      data: onePath(settings, 'data'),
      output: required(settings, 'output'),
      cache: settings.cache,
      threads: settings.threads,
    });
    const result = await withProgress(context, (hooks) => embedImages(options, hooks));
    const text = `${quantity(result.count)} vectors of ${result.dimensions} numbers saved to ${result.output}`;
    await writeResult(context, settings, result, () => text);
  },
};
