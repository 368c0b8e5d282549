import { join } from 'node:path';
import { parseDocument, writeDocument } from '../core/document.ts';
import { BertuneError, defined } from '../core/errors.ts';
import { makeFolder } from '../core/files.ts';
import { sizeOf } from '../core/tensor.ts';
import type { VisionConfig } from '../models/vision/config.ts';
import { visionSpecs } from '../models/vision/encoder.ts';
import type { ParameterValues } from '../nn/parameters.ts';
import { configFile, readConfigText } from './modelFolder.ts';
import { openSafetensors, writeSafetensors } from './safetensors.ts';
import { visionFormat, visionTypes } from './visionFormat.ts';
import { weightFile } from './weightFiles.ts';

export interface VisionModel {
  readonly config: VisionConfig;
  /** Parameters and running statistics by name. */
  readonly values: ParameterValues;
}

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
  await writeDocument(join(path, configFile), visionFormat, { model_type: visionTypes[method], ...rest });
}

/**
 * Loads a model of images.
 *
 * @throws UsageError when there is no such folder, it holds another kind of model or one of a newer version
 * (NewerFormatError); BertuneError when its files cannot be used
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
  const text = await readConfigText(path, 'image pretrain or finetune');
  return parseDocument(text, join(path, configFile), visionFormat);
}
