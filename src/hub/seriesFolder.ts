import { join } from 'node:path';
import { z } from 'zod';
import { type DocumentFormat, type JsonObject, parseDocument, writeDocument } from '../core/document.ts';
import { BertuneError, defined, UsageError } from '../core/errors.ts';
import { makeFolder } from '../core/files.ts';
import { sizeOf } from '../core/tensor.ts';
import type { SeriesConfig } from '../models/series/config.ts';
import { forecasterParameters } from '../models/series/forecaster.ts';
import { tableParameters } from '../models/series/tableAutoencoder.ts';
import type { ParameterSpec, ParameterValues } from '../nn/parameters.ts';
import { configFile, readConfigText } from './modelFolder.ts';
import { openSafetensors, writeSafetensors } from './safetensors.ts';
import { weightFile } from './weightFiles.ts';

/** Every parameter of a model over numbers. */
export function seriesParameters(config: SeriesConfig): ParameterSpec[] {
  return config.kind === 'forecaster' ? forecasterParameters(config) : tableParameters(config);
}

/**
 * Saves a model over numbers: `model.safetensors` and `config.json`, each written atomically, the configuration last.
 *
 * @throws BertuneError when the disk is full; UsageError when the folder cannot be written to
 */
export async function saveSeries(path: string, config: SeriesConfig, values: ReadonlyMap<string, Float32Array>) {
  await makeFolder(path);
  const entries = seriesParameters(config)
    .map(({ name, shape }) => ({ name, shape, data: defined(values.get(name), name) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  await writeSafetensors(join(path, weightFile), entries);
  await writeDocument(join(path, configFile), seriesFormat, { model_type: modelTypes[config.kind], ...config });
}

/** A model over numbers of a folder. @throws UsageError when it holds none of this kind or one of a newer version; BertuneError when it is damaged */
export async function loadSeries(path: string): Promise<{ config: SeriesConfig; values: ParameterValues }> {
  const text = await readConfigText(path, 'sequence pretrain or table pretrain');
  const config = parseDocument(text, join(path, configFile), seriesFormat);
  const weights = await openSafetensors(join(path, weightFile));
  try {
    const values: ParameterValues = new Map();
    for (const { name, shape } of seriesParameters(config)) {
      const stored = weights.tensors.get(name);
      if (!stored || sizeOf(stored.shape) !== sizeOf(shape)) {
        throw new BertuneError(
          `${weights.path} has no ${name} [${shape.join(', ')}]: it does not belong to its config.json`,
        );
      }
      values.set(name, await weights.read(name));
    }
    return { config, values };
  } finally {
    await weights.close();
  }
}

/** Whether a `config.json` says that it is of a model over numbers. */
export function isSeriesConfig({ model_type: modelType }: JsonObject): boolean {
  return Object.values(modelTypes).some((name) => name === modelType);
}

const modelTypes = { forecaster: 'bertune-forecaster', 'table-autoencoder': 'bertune-table-autoencoder' } as const;

const positive = z.int().min(1);
const shared = { columns: z.array(z.string()).min(1), mean: z.array(z.number()), deviation: z.array(z.number()) };
const schema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('forecaster'),
    ...shared,
    ...{ window: positive, horizon: positive, hiddenSize: positive, layers: positive, attentionHeads: positive },
  }),
  z.object({
    kind: z.literal('table-autoencoder'),
    ...shared,
    ...{ hiddenSizes: z.array(positive), latentSize: positive },
  }),
]);

/** The `config.json` of a model over numbers. */
export const seriesFormat: DocumentFormat<SeriesConfig> = {
  schema,
  migrations: [],
  recognize(content, file) {
    if (isSeriesConfig(content)) return;
    const { model_type: found = 'missing' } = content;
    const known = Object.values(modelTypes).join(' or ');
    throw new UsageError(`${file}: model_type is ${found}, not ${known}; choose another --model`);
  },
};
