import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadSeries } from '../../src/hub/seriesFolder.ts';
import { pretrainSequence } from '../../src/jobs/pretrainSequence.ts';
import { embedTable, pretrainTable } from '../../src/jobs/pretrainTable.ts';
import { runSql } from '../data/files.ts';
import { curvedRows, sines, writeCsv } from '../data/numberFiles.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening } from './runs.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const threads = 1;

function moments(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

test('a forecaster is well below the error of repeating the last value on a sum of sines', async () => {
  const rows = sines(400);
  const data = writeCsv(at('series.csv'), ['x', 'y'], rows);
  const [window, horizon] = [24, 4];
  const output = at('forecaster');
  const hooks = listening();
  const result = await pretrainSequence(
    {
      ...{ data, output, window, horizon, hiddenSize: 16, layers: 1, attentionHeads: 2, threads },
      ...{ evalFraction: 0.25, maxSteps: 250, batchSize: 32, learningRate: 5e-3 },
    },
    hooks,
  );
  expect(hooks.notes()).toContain('data: 400 rows of x, y; the last 100 rows held out');
  expect(result.heldOut).toBe(100 - horizon + 1);
  expect(result.error).toBeLessThan(0.3 * result.repeatLastError);

  // The baseline again, from the rows themselves.
  const scales = [0, 1].map((c) => moments(rows.slice(0, 300).map((row) => row[c] as number)));
  const squares = [0, 0];
  for (let first = 300; first + horizon <= 400; first++) {
    for (let row = first; row < first + horizon; row++) {
      for (const c of [0, 1]) {
        squares[c] = (squares[c] as number) + ((rows[row]?.[c] as number) - (rows[first - 1]?.[c] as number)) ** 2;
      }
    }
  }
  const perColumn = squares.map((sum) => sum / (97 * horizon));
  const standardized = perColumn.map((square, c) => square / (scales[c]?.deviation as number) ** 2);
  expect(result.repeatLastError / (((standardized[0] as number) + (standardized[1] as number)) / 2)).toBeCloseTo(1, 4);
  for (const [c, { name, error, repeatLastError }] of result.columns.entries()) {
    expect(name).toBe(['x', 'y'][c]);
    expect(repeatLastError / Math.sqrt(perColumn[c] as number)).toBeCloseTo(1, 4);
    expect(error).toBeLessThan(0.7 * repeatLastError);
  }
  const inUnits = result.columns.map(({ error }, c) => (error / (scales[c]?.deviation as number)) ** 2);
  expect(result.error).toBeCloseTo(((inUnits[0] as number) + (inUnits[1] as number)) / 2, 6);
});

test('before the first step, a forecaster repeats the last value', async () => {
  const data = writeCsv(at('short.csv'), ['x', 'y'], sines(60));
  const result = await pretrainSequence({
    ...{ data, output: at('barely'), window: 6, horizon: 2, hiddenSize: 8, attentionHeads: 2, threads },
    ...{ maxSteps: 1, learningRate: 1e-12 },
  });
  expect(result.error).toBeCloseTo(result.repeatLastError, 6);
});

test('a table autoencoder beats principal components where columns bend, and embeds what its layers make', async () => {
  const rows = curvedRows(500);
  const names = ['a', 'b', 'c', 'd', 'e'];
  const data = writeCsv(at('table.csv'), names, rows);
  const output = at('table');
  const result = await pretrainTable({
    ...{ data, output, latentSize: 2, hiddenSizes: [24, 12], threads },
    ...{ maxSteps: 700, batchSize: 64, learningRate: 5e-3 },
  });
  expect(result).toMatchObject({ latentSize: 2, heldOut: 50, steps: 700 });
  expect(result.error).toBeLessThan(0.5 * result.pcaError);
  expect(result.pcaError).toBeLessThan(result.meanError);

  const { config, values } = await loadSeries(output);
  expect(config.columns).toEqual(names);
  const vectors = at('new/vectors.parquet');
  expect(await embedTable({ model: output, data, output: vectors, threads })).toMatchObject({
    count: 500,
    dimensions: 2,
  });
  const written = await runSql(`SELECT id, list_transform(vector, lambda x: x::DOUBLE) FROM '${vectors}' ORDER BY id`);
  expect(written.map(([id]) => Number(id))).toEqual(rows.map((_, row) => row + 1));
  for (const [row, [, vector]] of written.entries()) {
    let hidden = (rows[row] as number[]).map(
      (value, c) => (value - (config.mean[c] as number)) / (config.deviation[c] as number),
    );
    for (const layer of [0, 1, 2]) {
      const weight = values.get(`encoder.${layer}.weight`) as Float32Array;
      const from = layer > 0 ? hidden.map((value) => Math.max(0, value)) : hidden;
      hidden = Array.from(values.get(`encoder.${layer}.bias`) as Float32Array, (bias, i) =>
        from.reduce((sum, value, j) => sum + value * (weight[i * from.length + j] as number), bias),
      );
    }
    for (const [i, value] of hidden.entries()) expect((vector as number[])[i]).toBeCloseTo(value, 4);
  }
});
