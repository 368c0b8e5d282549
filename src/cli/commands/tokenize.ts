import { counted } from '../../core/errors.ts';
import type { CommandSpec } from '../command.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const tokenizeCommand: CommandSpec = {
  name: 'tokenize',
  group: 'data',
  summary: 'tokenize a corpus to a folder that adapt takes as --corpus, in parts on several machines',
  job: 'tokenize',
  flags: ['query', 'textColumn', 'groupColumn'],
  examples: [
    "bertune tokenize --model checkpoints/bert-mini-sentences --corpus 'logs/*.txt.gz' --output tokens --shard 2/8",
    'bertune join --output tokens',
  ],
  async run(settings, context) {
    const { tokenize } = await import('../../jobs/tokenize.ts');
    const options = jobOptions('tokenize', settings);
    const result = await withProgress(context, (hooks) => tokenize(options, hooks));
    const { texts, tokens } = result.counts;
    const more = settings.shard ? '; bertune join makes one folder of all parts' : '';
    await writeResult(
      context,
      settings,
      result,
      () => `${counted(texts, 'text')}, ${counted(tokens, 'token')} in ${result.output}${more}`,
    );
  },
};
