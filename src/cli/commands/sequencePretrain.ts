import { counted } from '../../core/errors.ts';
import type { SequencePretrainResult } from '../../jobs/seriesTypes.ts';
import type { CommandSpec } from '../command.ts';
import { percent, printable, table } from '../format.ts';
import { jobOptions, withTraining } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const sequencePretrainCommand: CommandSpec = {
  name: 'sequence pretrain',
  group: 'train',
  summary: 'learn to predict the next rows of a series; measured against repeating the last value',
  job: 'pretrainSequence',
  flags: ['query'],
  examples: [
    'bertune sequence pretrain --data load.csv --columns load,temperature --window 96 --horizon 24 --output runs/load',
  ],
  async run(settings, context) {
    const { pretrainSequence } = await import('../../jobs/pretrainSequence.ts');
    const options = jobOptions('pretrainSequence', settings);
    const result = await withTraining(context, (hooks) => pretrainSequence(options, hooks));
    await writeResult(context, settings, result, () => sequenceReport(result));
  },
};

/** Errors beside those of repeating the last value, and whether learning helped. */
function sequenceReport(result: SequencePretrainResult): string {
  const { error, repeatLastError, columns } = result;
  const rows = columns.map((column) => [
    `${printable(column.name)} (root mean squared, its own units)`,
    column.error.toPrecision(4),
    column.repeatLastError.toPrecision(4),
  ]);
  const verdict =
    error < repeatLastError
      ? `helped: ${percent(1 - error / repeatLastError)} below the error of repeating the last value`
      : 'did not help: repeating the last value is as good';
  return [
    table(
      [
        ['held-out error', 'model', 'last value'],
        ['all (mean squared, standardized)', error.toFixed(4), repeatLastError.toFixed(4)],
        ...rows,
      ],
      ['left'],
    ),
    verdict,
    '',
    `${counted(result.steps, 'step')}, measured on ${counted(result.heldOut, 'window')}`,
    `model saved to ${result.output}`,
  ].join('\n');
}
