import type { CommandSpec } from '../command.ts';
import { quantity } from '../format.ts';
import { given, required, requiredData, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const embedCommand: CommandSpec = {
  name: 'embed',
  summary: 'write one vector for each text to a .parquet or .jsonl file',
  options: ['model', 'input', 'query', 'text-column', 'max-length', 'int8', 'pooling', 'output'],
  required: ['model', 'input', 'output'],
  descriptions: { output: 'file to write: .parquet or .jsonl' },
  examples: ['bertune embed --model runs/adapted --input chats.csv --text-column message --output vectors.parquet'],
  async run(settings, context) {
    const { embed } = await import('../../jobs/embed.ts');
    const options = given({
      model: required(settings, 'model'),
      input: requiredData(settings, 'input'),
      output: required(settings, 'output'),
      pooling: settings.pooling,
      maxLength: settings['max-length'],
      threads: settings.threads,
      int8: settings.int8,
      offline: settings.offline,
    });
    const result = await withProgress(context, (hooks) => embed(options, hooks));
    await writeResult(
      context,
      settings,
      result,
      () => `${quantity(result.count)} vectors of ${result.dimensions} numbers saved to ${result.output}`,
    );
  },
};
