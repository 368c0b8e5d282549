import { counted } from '../../core/errors.ts';
import type { CommandSpec } from '../command.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const joinCommand: CommandSpec = {
  name: 'join',
  group: 'use',
  summary: 'put together the parts that predict, embed and tokenize wrote with --shard',
  job: 'join',
  examples: ['bertune join --output labeled.parquet'],
  async run(settings, context) {
    const { join } = await import('../../jobs/join.ts');
    const options = jobOptions('join', settings);
    const result = await withProgress(context, (hooks) => join(options, hooks));
    await writeResult(
      context,
      settings,
      result,
      () =>
        `${counted(result.count, 'row')} of ${counted(result.parts, 'part')} saved to ${result.output}; the parts stay`,
    );
  },
};
