import { counted, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { leftOut, type NumberTable, readNumbers, scalingOf, standardize } from '../data/numbers.ts';
import { saveSeries } from '../hub/seriesFolder.ts';
import { type ForecasterConfig, seriesStart } from '../models/series/config.ts';
import { forecasterParameters } from '../models/series/forecaster.ts';
import { asTensors } from '../nn/parameters.ts';
import { identityOf } from '../settings/identity.ts';
import type { Resolved } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { forecasterModel, type NumberExamples, NumbersTask, predictions } from '../tasks/series.ts';
import { fetching, note } from './note.ts';
import { isSentAway, sentAway } from './remoteOutput.ts';
import { runTraining } from './run.ts';
import type { SequencePretrainOptions, SequencePretrainResult } from './seriesTypes.ts';
import { seriesIdentity } from './training.ts';
import type { JobHooks } from './types.ts';

/** Held-out windows that are measured at most, evenly spread. */
const mostHeldOut = 2000;

/**
 * Learns to predict the next rows of a series of numbers from the rows before, and measures it on the series' end
 * against repeating the last value.
 *
 * @throws UsageError for options, paths or columns to change; BertuneError for data that cannot be used;
 * InterruptedError after saving, when the signal was aborted
 */
export async function pretrainSequence(
  options: SequencePretrainOptions,
  hooks: JobHooks = {},
): Promise<SequencePretrainResult> {
  if (isSentAway(options)) return sentAway(options, hooks, (local) => pretrainSequence(local, hooks));
  const settings = resolve('pretrainSequence', options);
  return runTraining<SequencePretrainResult>(
    {
      ...{ job: 'pretrainSequence', command: 'sequence pretrain', options, settings },
      async read({ engine }) {
        const { window, horizon, batchSize, evalFraction, seed } = settings;
        const table = await readNumbers({
          ...{ file: options.data, columns: options.columns, flag: setting('data') },
          onNote: (line) => note(hooks, line),
          onFetch: fetching(hooks),
        });
        const split = splitOf(table, window, horizon, evalFraction);
        const config = configOf(settings, table, split.end);
        const values = standardize(table, config);
        const stride = Math.max(1, split.heldOut / mostHeldOut);
        const sets = {
          training: windows(values, config, 0, split.training, 1),
          heldOut: windows(values, config, split.end - window, split.heldOut, stride),
        };
        note(
          hooks,
          say`${setting('data')}: ${counted(table.rows, 'row')} of ${table.columns.join(', ')}; the last ${counted(table.rows - split.end, 'row')} held out${leftOut(table)}`,
        );
        const model = forecasterModel(config);
        const startValues = seriesStart(forecasterParameters(config), seed);
        // A head of zeros: the first prediction repeats the last value.
        startValues.get('head.weight')?.fill(0);
        const task = new NumbersTask({ model, startValues, ...sets, batchSize, seed, engine });
        return {
          ...{ task, settings, configuration: config },
          identity: { ...identityOf('pretrainSequence', settings), ...seriesIdentity(config, values) },
          async finish({ parameters, steps, unitsPerSecond }) {
            await saveSeries(options.output, config, parameters);
            const trained = asTensors(parameters, task.parameters);
            const measured = await measure(config, sets.heldOut, (heldOut) =>
              predictions(engine, model, trained, heldOut, hooks.signal),
            );
            const { count } = sets.heldOut;
            return {
              result: {
                ...{ ...measured, heldOut: count, steps, windowsPerSecond: Math.round(unitsPerSecond) },
                output: options.output,
              },
              data: { rows: table.rows, windows: sets.training.count, heldOut: count },
            };
          },
        };
      },
    },
    hooks,
  );
}

interface Split {
  /** First row that is held out. */
  readonly end: number;
  /** Windows of each part. */
  readonly training: number;
  readonly heldOut: number;
}

/** Training windows end before the held-out part begins; held-out windows predict rows of it alone. */
function splitOf({ rows }: NumberTable, window: number, horizon: number, fraction: number): Split {
  const end = rows - Math.max(horizon, Math.round(rows * fraction));
  const training = end - window - horizon + 1;
  const least = Math.ceil((window + 2 * horizon) / (1 - fraction)) + 1;
  if (training < 1) {
    throw new UsageError(
      say`${setting('window')} ${window} and ${setting('horizon')} ${horizon} do not fit a series of ${counted(rows, 'row')}, of which a part is held out; use shorter ones, or at least ${least} rows`,
    );
  }
  return { end, training, heldOut: rows - end - horizon + 1 };
}

function configOf(settings: Resolved<'pretrainSequence'>, table: NumberTable, end: number): ForecasterConfig {
  const { window, horizon, hiddenSize, layers, attentionHeads } = settings;
  if (hiddenSize % attentionHeads !== 0) {
    throw new UsageError(
      say`${setting('hiddenSize')} ${hiddenSize} cannot be shared among ${counted(attentionHeads, 'attention head')}`,
    );
  }
  const { columns } = table;
  return {
    kind: 'forecaster',
    columns,
    ...scalingOf(table, 0, end),
    window,
    horizon,
    hiddenSize,
    layers,
    attentionHeads,
  };
}

/** Windows that begin at row `first` and after it, each `stride` rows further. */
function windows(
  values: Float32Array,
  { columns, window }: ForecasterConfig,
  first: number,
  available: number,
  stride: number,
): NumberExamples {
  const rowAt = (example: number) => first + Math.floor(example * stride);
  return {
    values,
    count: Math.floor(available / stride),
    inputAt: (example) => rowAt(example) * columns.length,
    targetAt: (example) => (rowAt(example) + window) * columns.length,
  };
}

/** The errors of the model and of repeating the last row. */
async function measure(
  config: ForecasterConfig,
  heldOut: NumberExamples,
  predicted: (heldOut: NumberExamples) => AsyncIterable<{ example: number; prediction: Float32Array }>,
): Promise<Pick<SequencePretrainResult, 'error' | 'repeatLastError' | 'columns'>> {
  const width = config.columns.length;
  const sums = { model: new Float64Array(width), repeat: new Float64Array(width) };
  for await (const { example, prediction } of predicted(heldOut)) {
    const at = heldOut.targetAt(example);
    for (let i = 0; i < prediction.length; i++) {
      const truth = heldOut.values[at + i] as number;
      const last = heldOut.values[at - width + (i % width)] as number;
      sums.model[i % width] = (sums.model[i % width] as number) + ((prediction[i] as number) - truth) ** 2;
      sums.repeat[i % width] = (sums.repeat[i % width] as number) + (last - truth) ** 2;
    }
  }
  const count = heldOut.count * config.horizon;
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / (count * width);
  return {
    error: mean(sums.model),
    repeatLastError: mean(sums.repeat),
    columns: config.columns.map((name, c) => {
      const inUnits = (values: Float64Array) =>
        Math.sqrt((values[c] as number) / count) * (config.deviation[c] as number);
      return { name, error: inUnits(sums.model), repeatLastError: inUnits(sums.repeat) };
    }),
  };
}
