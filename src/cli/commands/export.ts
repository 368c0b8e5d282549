import type { ExportedFile, ExportResult } from '../../jobs/exportModel.ts';
import type { CommandSpec } from '../command.ts';
import { percent, table } from '../format.ts';
import { jobOptions, withProgress } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const exportCommand: CommandSpec = {
  name: 'export',
  group: 'share',
  summary: 'write a model as ONNX for transformers.js, and prove that it is the same',
  job: 'exportModel',
  flags: ['query', 'textColumn', 'pairColumn'],
  examples: [
    'bertune export --model runs/intent --output exports/intent',
    'bertune export --model runs/intent --output exports/intent --dtype q8 --input test.csv',
    'bertune export --model runs/adapted --output exports/vectors --task feature-extraction',
  ],
  async run(settings, context) {
    const { exportModel } = await import('../../jobs/exportModel.ts');
    const options = jobOptions('exportModel', settings);
    const result = await withProgress(context, (hooks) => exportModel(options, hooks));
    await writeResult(context, settings, result, () => summary(result));
  },
};

function summary({ task, compared, files, output }: ExportResult): string {
  const what = {
    ...{ 'fill-mask': 'words', 'text-classification': 'labels', 'token-classification': 'tags' },
    'feature-extraction': 'vectors',
  }[task];
  const head = ['', 'size', 'largest difference', task === 'feature-extraction' ? '' : `equal ${what}`];
  const rows = table([head, ...files.map(row)], ['left']);
  return `${rows}\n${task} saved to ${output}, compared with the trained model on ${compared} ${what}`;
}

function row({ file, bytes, largestDifference, agreement }: ExportedFile): string[] {
  const megabytes = `${(bytes / 1e6).toFixed(1)} MB`;
  return [file, megabytes, largestDifference.toExponential(1), agreement === null ? '' : percent(agreement)];
}
