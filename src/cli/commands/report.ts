import { UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { CommandSpec } from '../command.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const reportCommand: CommandSpec = {
  name: 'report',
  summary: 'write a page that shows a run, or several side by side: one HTML file that needs no network',
  job: 'report',
  optional: ['runs'],
  argument: { name: 'run', description: 'folders of runs', isRepeated: true },
  examples: [
    'bertune report runs/intent',
    'bertune report runs/intent runs/intent-base --output compared.html',
    'bertune report runs/intent --no-report-texts --output to-share.html',
  ],
  async run(settings, context) {
    const { report } = await import('../../jobs/report.ts');
    const runs = [...(context.texts ?? []), ...(settings.runs ?? [])];
    if (runs.length === 0) {
      throw new UsageError(say`report needs folders of runs: bertune report DIR, or ${setting('runs')} DIR`);
    }
    const options = { ...jobOptions('report', settings), runs };
    const result = await withProgress(context, (hooks) => report(options, hooks));
    await writeResult(context, settings, result, () => `report written to ${result.path}`);
  },
};
