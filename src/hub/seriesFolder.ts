import { join } from 'node:path';
import { z } from 'zod';
import { BertuneError, defined, UsageError } from '../core/errors.ts';
import { makeFolder, writeFileAtomic } from '../core/files.ts';
import { say, setting } from '../core/message.ts';
import { sizeOf } from '../core/tensor.ts';
import type { SeriesConfig } from '../models/series/config.ts';
import { forecasterParameters } from '../models/series/forecaster.ts';
import { tableParameters } from '../models/series/tableAutoencoder.ts';
import type { ParameterSpec, ParameterValues } from '../nn/parameters.ts';
import { readConfigText } from './modelFolder.ts';
import { openSafetensors, writeSafetensors } from './safetensors.ts';
import { weightFile } from './weightFiles.ts';

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
  const content = { model_type: modelTypes[config.kind], ...config };
  await writeFileAtomic(join(path, 'config.json'), `${JSON.stringify(content, null, 2)}\n`);
}

/** A model over numbers of a folder. @throws UsageError when it holds none of this kind; BertuneError when it is damaged */
export async function loadSeries(path: string): Promise<{ config: SeriesConfig; values: ParameterValues }> {
  const file = join(path, 'config.json');
  const text = await readConfigText(path, 'sequence pretrain or table pretrain');
  const config = parseConfig(text, file);
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

function parseConfig(text: string, file: string): SeriesConfig {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw new BertuneError(`${file} is not JSON; get it again`);
  }
  const type = typeof raw === 'object' && raw !== null && 'model_type' in raw ? String(raw.model_type) : 'missing';
  const known = Object.values(modelTypes);
  if (!known.some((name) => name === type)) {
    throw new UsageError(
      say`${file}: model_type is ${type}, not ${known.join(' or ')}; choose another ${setting('model')}`,
    );
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new BertuneError(`${file}: ${issue?.path.join('.') ?? ''} cannot be used: ${issue?.message ?? ''}`);
}
