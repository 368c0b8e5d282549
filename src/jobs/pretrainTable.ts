import { counted, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { permutedIndex } from '../core/random.ts';
import { leftOut, type NumberTable, readNumbers, scalingOf, shownColumns, standardize } from '../data/numbers.ts';
import { checkVectorPath, type VectorRow, writeVectors } from '../data/vectors.ts';
import { principalComponents, reconstructionError } from '../evaluation/pca.ts';
import { loadSeries, saveSeries } from '../hub/seriesFolder.ts';
import { seriesStart, type TableConfig } from '../models/series/config.ts';
import { tableParameters } from '../models/series/tableAutoencoder.ts';
import { asTensors } from '../nn/parameters.ts';
import { identityOf } from '../settings/identity.ts';
import type { Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { type NumberExamples, NumbersTask, predictions, tableEncoder, tableModel } from '../tasks/series.ts';
import type { EmbedResult } from './embed.ts';
import { readModelFolder } from './findModel.ts';
import { fetching, note } from './note.ts';
import { openEngine } from './openEngine.ts';
import { isSentAway, sentAway } from './remoteOutput.ts';
import { runTraining } from './run.ts';
import type { TableEmbedOptions, TablePretrainOptions, TablePretrainResult } from './seriesTypes.ts';
import { seriesIdentity } from './training.ts';
import type { JobHooks } from './types.ts';

/**
 * Trains an autoencoder over numeric columns of a table and measures it on held-out rows, against the columns' means and
 * against principal components of the same number.
 *
 * @throws UsageError for options, paths or columns to change; BertuneError for data that cannot be used;
 * InterruptedError after saving, when the signal was aborted
 */
export async function pretrainTable(options: TablePretrainOptions, hooks: JobHooks = {}): Promise<TablePretrainResult> {
  if (isSentAway(options)) return sentAway(options, hooks, (local) => pretrainTable(local, hooks));
  const settings = resolve('pretrainTable', options);
  return runTraining<TablePretrainResult>(
    {
      ...{ job: 'pretrainTable', command: 'table pretrain', options, settings },
      async read({ engine }) {
        const { batchSize, evalFraction, seed } = settings;
        const read = await readNumbers({
          ...{ file: options.data, columns: options.columns, flag: setting('data') },
          onNote: (line) => note(hooks, line),
          onFetch: fetching(hooks),
        });
        const table = shuffled(read, seed);
        const width = table.columns.length;
        const heldOut = Math.max(1, Math.round(table.rows * evalFraction));
        const end = table.rows - heldOut;
        if (end < 2) {
          throw new UsageError(
            say`${setting('data')} has ${counted(table.rows, 'row')}, too few to train on some and hold out others`,
          );
        }
        const config = configOf(settings, table, end);
        const values = standardize(table, config);
        const sets = { training: rowsOf(values, width, 0, end), heldOut: rowsOf(values, width, end, heldOut) };
        note(
          hooks,
          say`${setting('data')}: ${counted(table.rows, 'row')} of ${shownColumns(table)}, ${counted(heldOut, 'row')} held out${leftOut(table)}`,
        );
        const startValues = seriesStart(tableParameters(config), seed);
        const task = new NumbersTask({ model: tableModel(config), startValues, ...sets, batchSize, seed, engine });
        return {
          ...{ task, settings, configuration: config },
          identity: { ...identityOf('pretrainTable', settings), ...seriesIdentity(config, values) },
          async finish({ parameters, steps, unitsPerSecond }) {
            await saveSeries(options.output, config, parameters);
            const held = values.subarray(end * width);
            const components = (count: number) => principalComponents(values.subarray(0, end * width), width, count);
            const { error } = await task.evaluate(asTensors(parameters, task.parameters), hooks.signal);
            return {
              result: {
                error: error ?? Number.NaN,
                meanError: reconstructionError(held, width, components(0)),
                pcaError: reconstructionError(held, width, components(config.latentSize)),
                latentSize: config.latentSize,
                ...{ heldOut, steps, rowsPerSecond: Math.round(unitsPerSecond), output: options.output },
              },
              data: { rows: table.rows, heldOut },
            };
          },
        };
      },
    },
    hooks,
  );
}

/**
 * Writes the latent vector of each row of a table; its id is the row's number, from 1.
 *
 * @throws UsageError for paths or columns to change; BertuneError for data that cannot be used
 */
export async function embedTable(options: TableEmbedOptions, hooks: JobHooks = {}): Promise<EmbedResult> {
  const settings = resolve('embedTable', options);
  await checkVectorPath(options.output);
  const { config, values } = await readModelFolder(options.model, hooks, loadSeries);
  if (config.kind !== 'table-autoencoder') {
    throw new UsageError(say`${setting('model')} ${options.model} predicts a series; give the model of a table`);
  }
  const table = await readNumbers({
    file: options.data,
    columns: config.columns,
    isOfModel: true,
    flag: setting('data'),
    onNote: (line) => note(hooks, line),
    onFetch: fetching(hooks),
  });
  const examples = rowsOf(standardize(table, config), config.columns.length, 0, table.rows);
  const parameters = asTensors(values, tableParameters(config));
  const encoder = tableEncoder(config);
  const { engine } = await openEngine(settings, hooks);
  async function* rows(): AsyncGenerator<VectorRow> {
    for await (const { example, prediction } of predictions(engine, encoder, parameters, examples, hooks.signal)) {
      yield { id: example + 1, vector: prediction };
    }
  }
  const count = await writeVectors(options.output, rows(), hooks.signal);
  return { count, dimensions: config.latentSize, output: options.output };
}

function configOf(settings: Resolved<'pretrainTable'>, table: NumberTable, end: number): TableConfig {
  const { columns } = table;
  const { hiddenSizes, latentSize = Math.max(1, Math.min(8, Math.floor(columns.length / 2))) } = settings;
  if (latentSize >= columns.length) {
    throw new UsageError(
      say`${setting('latentSize')} ${latentSize} is not below the ${counted(columns.length, 'column')}: nothing would have to be learned; use fewer${leftOut(table)}`,
    );
  }
  return { kind: 'table-autoencoder', columns, ...scalingOf(table, 0, end), hiddenSizes, latentSize };
}

/** The rows in a random order, so that those held out are some of everywhere. */
function shuffled(table: NumberTable, seed: number): NumberTable {
  const width = table.columns.length;
  const values = new Float64Array(table.values.length);
  for (let row = 0; row < table.rows; row++) {
    const from = permutedIndex(row, table.rows, seed, 0xffffffff) * width;
    values.set(table.values.subarray(from, from + width), row * width);
  }
  return { ...table, values };
}

function rowsOf(values: Float32Array, width: number, first: number, count: number): NumberExamples {
  const at = (example: number) => (first + example) * width;
  return { values, count, inputAt: at, targetAt: at };
}
