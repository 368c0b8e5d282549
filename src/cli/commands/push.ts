import { counted } from '../../core/errors.ts';
import type { CommandSpec } from '../command.ts';
import { given, required, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const pushCommand: CommandSpec = {
  name: 'push',
  summary: 'upload a model folder with its card to the Hugging Face Hub',
  options: ['model', 'repo', 'private'],
  required: ['model', 'repo'],
  descriptions: { model: 'folder of the model: the output of a run or of an export' },
  examples: [
    'bertune push --model runs/adapted --repo my-team/support-bert',
    'HF_TOKEN=hf_... bertune push --model runs/intent --repo my-team/intent --private',
  ],
  async run(settings, context) {
    const { push } = await import('../../jobs/push.ts');
    const options = given({
      model: required(settings, 'model'),
      repo: required(settings, 'repo'),
      private: settings.private,
      offline: settings.offline,
    });
    const result = await withProgress(context, (hooks) => push(options, hooks));
    await writeResult(
      context,
      settings,
      result,
      () => `${counted(result.files.length, 'file')} pushed to ${result.url}`,
    );
  },
};
