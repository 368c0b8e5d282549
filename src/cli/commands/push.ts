import { counted } from '../../core/errors.ts';
import type { CommandSpec } from '../command.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const pushCommand: CommandSpec = {
  name: 'push',
  group: 'share',
  summary: 'upload a model folder with its card to the Hugging Face Hub',
  job: 'push',
  examples: [
    'bertune push --model runs/adapted --repo my-team/support-bert',
    'HF_TOKEN=hf_... bertune push --model runs/intent --repo my-team/intent --private',
  ],
  async run(settings, context) {
    const { push } = await import('../../jobs/push.ts');
    const options = jobOptions('push', settings);
    const result = await withProgress(context, (hooks) => push(options, hooks));
    await writeResult(
      context,
      settings,
      result,
      () => `${counted(result.files.length, 'file')} pushed to ${result.url}`,
    );
  },
};
