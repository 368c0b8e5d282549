import type { CommandSpec } from '../command.ts';
import { quantity } from '../format.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const embedCommand: CommandSpec = {
  name: 'embed',
  group: 'use',
  summary: 'write one vector for each text to a .parquet or .jsonl file',
  job: 'embed',
  flags: ['query', 'textColumn'],
  examples: ['bertune embed --model runs/adapted --input chats.csv --text-column message --output vectors.parquet'],
  isShared: true,
  async run(settings, context) {
    const { embed } = await import('../../jobs/embed.ts');
    const options = jobOptions('embed', settings);
    const result = await withProgress(context, (hooks) => embed(options, hooks));
    await writeResult(context, settings, result, () =>
      settings.shard
        ? `${quantity(result.count)} vectors in ${result.output}; bertune join makes one file of all parts`
        : `${quantity(result.count)} vectors of ${result.dimensions} numbers saved to ${result.output}`,
    );
  },
};
