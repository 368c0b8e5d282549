import { counted } from '../../core/errors.ts';
import type { TablePretrainResult } from '../../jobs/seriesTypes.ts';
import type { CommandSpec } from '../command.ts';
import { percent, quantity, table } from '../format.ts';
import { jobOptions, withProgress, withTraining } from '../jobOptions.ts';
import { writeResult } from '../output.ts';

export const tablePretrainCommand: CommandSpec = {
  name: 'table pretrain',
  group: 'train',
  summary: 'train an autoencoder over numeric columns; measured against principal components',
  job: 'pretrainTable',
  flags: ['query'],
  examples: ['bertune table pretrain --data sensors.parquet --columns a,b,c,d --latent-size 2 --output runs/sensors'],
  async run(settings, context) {
    const { pretrainTable } = await import('../../jobs/pretrainTable.ts');
    const options = jobOptions('pretrainTable', settings);
    const result = await withTraining(context, (hooks) => pretrainTable(options, hooks));
    await writeResult(context, settings, result, () => tableReport(result));
  },
};

export const tableEmbedCommand: CommandSpec = {
  name: 'table embed',
  group: 'train',
  summary: 'write the latent vector of each row of a table to a .parquet or .jsonl file',
  job: 'embedTable',
  flags: ['query'],
  examples: ['bertune table embed --model runs/sensors --data sensors.parquet --output vectors.parquet'],
  async run(settings, context) {
    const { embedTable } = await import('../../jobs/pretrainTable.ts');
    const options = jobOptions('embedTable', settings);
    const result = await withProgress(context, (hooks) => embedTable(options, hooks));
    const text = `${quantity(result.count)} vectors of ${result.dimensions} numbers saved to ${result.output}`;
    await writeResult(context, settings, result, () => text);
  },
};

function tableReport(result: TablePretrainResult): string {
  const { error, pcaError, meanError, latentSize } = result;
  const verdict =
    error < pcaError
      ? `helped: ${percent(1 - error / pcaError)} below the error of principal components`
      : 'did not help: principal components of the same number rebuild the rows as well';
  return [
    table(
      [
        ['held-out error (mean squared, standardized)', ''],
        [`autoencoder, latent size ${latentSize}`, error.toFixed(4)],
        [`${latentSize} principal ${latentSize === 1 ? 'component' : 'components'}`, pcaError.toFixed(4)],
        ['the mean of each column', meanError.toFixed(4)],
      ],
      ['left'],
    ),
    verdict,
    '',
    `${counted(result.steps, 'step')}, measured on ${counted(result.heldOut, 'row')}`,
    `model saved to ${result.output}`,
  ].join('\n');
}
