import type { CommandSpec } from '../command.ts';
import { quantity } from '../format.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const imageEmbedCommand: CommandSpec = {
  name: 'image embed',
  group: 'train',
  summary: 'write the features of each image to a .parquet or .jsonl file',
  job: 'embedImages',
  examples: ['bertune image embed --model runs/photos --data photos/ --output vectors.parquet'],
  async run(settings, context) {
    const { embedImages } = await import('../../jobs/embedImages.ts');
    const options = jobOptions('embedImages', settings);
    const result = await withProgress(context, (hooks) => embedImages(options, hooks));
    const text = `${quantity(result.count)} vectors of ${result.dimensions} numbers saved to ${result.output}`;
    await writeResult(context, settings, result, () => text);
  },
};
