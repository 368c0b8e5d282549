import type { CommandSpec } from '../command.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const imageShowCommand: CommandSpec = {
  name: 'image show',
  group: 'train',
  summary: 'draw what a model makes of images: reconstructions, masked patches filled in, or nearest neighbours',
  job: 'showImages',
  examples: ['bertune image show --model runs/photos --data photos/ --output grid.png'],
  async run(settings, context) {
    const { showImages } = await import('../../jobs/showImages.ts');
    const options = jobOptions('showImages', settings);
    const result = await withProgress(context, (hooks) => showImages(options, hooks));
    const rows = result.rows.map((row, i) => `  row ${i + 1}: ${row}`);
    await writeResult(context, settings, result, () => [`picture saved to ${result.output}`, ...rows].join('\n'));
  },
};
