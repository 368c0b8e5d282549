import { join } from 'node:path';
import { BertuneError, defined, UsageError } from '../core/errors.ts';
import { makeFolder, writeFileAtomic } from '../core/files.ts';
import { say, setting } from '../core/message.ts';
import { sizeOf } from '../core/tensor.ts';
import type { VisionConfig, VisionMethod } from '../models/vision/config.ts';
import { visionSpecs } from '../models/vision/encoder.ts';
import type { ParameterValues } from '../nn/parameters.ts';
import { readConfigText } from './modelFolder.ts';
import { openSafetensors, writeSafetensors } from './safetensors.ts';
import { weightFile } from './weightFiles.ts';

export interface VisionModel {
  readonly config: VisionConfig;
  /** Parameters and running statistics by name. */
  readonly values: ParameterValues;
}

const modelTypes: Readonly<Record<VisionMethod, string>> = {
  autoencoder: 'bertune-autoencoder',
  simsiam: 'bertune-simsiam',
  simclr: 'bertune-simclr',
  mae: 'bertune-mae',
  classifier: 'bertune-image-classifier',
};

/**
 * Saves a model of images: `model.safetensors` and, written last, `config.json`.
 *
 * @throws BertuneError when the disk is full; UsageError when the folder cannot be written to.
 */
export async function saveVision(path: string, { config, values }: VisionModel): Promise<void> {
  await makeFolder(path);
  const entries = visionSpecs(config).map(({ name, shape }) => ({
    name,
    shape,
    data: defined(values.get(name), name),
  }));
  await writeSafetensors(
    join(path, weightFile),
    entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );
  const { method, ...rest } = config;
  const written = { model_type: modelTypes[method], ...rest };
  await writeFileAtomic(join(path, 'config.json'), `${JSON.stringify(written, null, 2)}\n`);
}

/**
 * Loads a model of images.
 *
 * @throws UsageError when there is no such folder or it holds another kind of model; BertuneError when its files cannot be used
 */
export async function loadVision(path: string): Promise<VisionModel> {
  const config = await readVisionConfig(path);
  const file = await openSafetensors(join(path, weightFile));
  const values: ParameterValues = new Map();
  try {
    for (const { name, shape } of visionSpecs(config)) {
      const stored = file.tensors.get(name);
      if (!stored) throw new BertuneError(`${file.path} has no ${name}, which its config.json asks for`);
      if (sizeOf(stored.shape) !== sizeOf(shape)) {
        throw new BertuneError(
          `${file.path}: ${name} is [${stored.shape.join(', ')}], but config.json asks for [${shape.join(', ')}]`,
        );
      }
      values.set(name, await file.read(name));
    }
  } finally {
    await file.close();
  }
  return { config, values };
}

/** The configuration alone. Throws as `loadVision`. */
export async function readVisionConfig(path: string): Promise<VisionConfig> {
  const file = join(path, 'config.json');
  const text = await readConfigText(path, 'image pretrain or finetune');
  const { model_type: modelType, ...rest } = parsed(text, file);
  const method = Object.entries(modelTypes).find(([, name]) => name === modelType)?.[0];
  if (method === undefined) {
    const known = Object.values(modelTypes).join(', ');
    const found = modelType === undefined ? 'missing' : JSON.stringify(modelType);
    throw new UsageError(
      say`${file}: model_type is ${found}, and models of images have ${known}; choose another ${setting('model')}`,
    );
  }
  return checked({ ...rest, method }, file);
}

function parsed(text: string, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (value instanceof Object) return { ...value };
  } catch {}
  throw new BertuneError(`${file} is damaged: it is no JSON object`);
}

/** A first look at what a program wrote: whoever edits the file by hand is on their own. */
function checked(value: object, file: string): VisionConfig {
  const missing = ['image', 'mean', 'deviation', 'encoder'].find((key) => !(key in value));
  if (missing !== undefined) throw new BertuneError(`${file} is damaged: ${missing} is missing`);
  return value as VisionConfig;
}
