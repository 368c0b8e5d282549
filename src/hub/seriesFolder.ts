import { join } from 'node:path';
import { parseDocument, writeDocument } from '../core/document.ts';
import { BertuneError, defined } from '../core/errors.ts';
import { makeFolder } from '../core/files.ts';
import { sizeOf } from '../core/tensor.ts';
import type { SeriesConfig } from '../models/series/config.ts';
import { forecasterParameters } from '../models/series/forecaster.ts';
import { tableParameters } from '../models/series/tableAutoencoder.ts';
import type { ParameterSpec, ParameterValues } from '../nn/parameters.ts';
import { configFile, readConfigText } from './modelFolder.ts';
import { openSafetensors, writeSafetensors } from './safetensors.ts';
import { seriesFormat, seriesTypes } from './seriesFormat.ts';
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
  await writeDocument(join(path, configFile), seriesFormat, { model_type: seriesTypes[config.kind], ...config });
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
