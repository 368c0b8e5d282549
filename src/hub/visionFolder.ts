import { join } from 'node:path';
import { z } from 'zod';
import { type DocumentFormat, type JsonObject, parseDocument, writeDocument } from '../core/document.ts';
import { BertuneError, defined, UsageError } from '../core/errors.ts';
import { makeFolder } from '../core/files.ts';
import { sizeOf } from '../core/tensor.ts';
import type { VisionConfig, VisionMethod } from '../models/vision/config.ts';
import { visionSpecs } from '../models/vision/encoder.ts';
import type { ParameterValues } from '../nn/parameters.ts';
import { configFile, readConfigText } from './modelFolder.ts';
import { openSafetensors, writeSafetensors } from './safetensors.ts';
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
  await writeDocument(join(path, configFile), visionFormat, { model_type: modelTypes[method], ...rest });
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

/** What `config.json` calls the models of each method. */
const modelTypes: Readonly<Record<VisionMethod, string>> = {
  autoencoder: 'bertune-autoencoder',
  simsiam: 'bertune-simsiam',
  simclr: 'bertune-simclr',
  mae: 'bertune-mae',
  classifier: 'bertune-image-classifier',
};

function methodOf(modelType: unknown): string | undefined {
  return Object.entries(modelTypes).find(([, name]) => name === modelType)?.[0];
}

/** Whether a `config.json` says that it is of a model of images. */
export function isVisionConfig({ model_type: modelType }: JsonObject): boolean {
  return methodOf(modelType) !== undefined;
}

const positive = z.int().min(1);
const positives = z.array(positive);
const numbers = z.array(z.number());

const dense = z.object({ type: z.literal('dense'), widths: positives, latentSize: positive });
const conv = z.object({ type: z.literal('conv'), channels: positives, latentSize: positive });
const resnet = z.object({ type: z.literal('resnet'), channels: positives, blocks: positive });
const vit = z.object({
  type: z.literal('vit'),
  ...{ patchSize: positive, hiddenSize: positive, layers: positive },
  ...{ attentionHeads: positive, intermediateSize: positive },
});
const decoder = z.object({
  ...{ hiddenSize: positive, layers: positive, attentionHeads: positive, intermediateSize: positive },
  ...{ normalizedTargets: z.boolean(), maskRatio: z.number() },
});
const common = {
  image: z.object({ channels: positive, height: positive, width: positive }),
  ...{ mean: numbers, deviation: numbers },
};
const schema = z.discriminatedUnion('method', [
  z.object({
    method: z.literal('autoencoder'),
    ...common,
    encoder: z.discriminatedUnion('type', [dense, conv]),
  }),
  z.object({
    method: z.literal('simsiam'),
    ...common,
    encoder: resnet,
    projection: z.object({ projectionSize: positive, predictorSize: positive }),
  }),
  z.object({
    method: z.literal('simclr'),
    ...common,
    encoder: resnet,
    projection: z.object({ projectionSize: positive, predictorSize: positive.optional() }),
    temperature: z.number(),
  }),
  z.object({ method: z.literal('mae'), ...common, encoder: vit, decoder }),
  z.object({
    method: z.literal('classifier'),
    ...common,
    encoder: z.discriminatedUnion('type', [dense, conv, resnet, vit]),
    labels: z.array(z.string()),
  }),
]);

/** The `config.json` of a model of images. */
export const visionFormat: DocumentFormat<VisionConfig> = {
  schema: z.preprocess((content) => ({ ...Object(content), method: methodOf(Object(content).model_type) }), schema),
  migrations: [],
  recognize(content, file) {
    if (isVisionConfig(content)) return;
    const { model_type: modelType } = content;
    const known = Object.values(modelTypes).join(', ');
    const found = modelType === undefined ? 'missing' : JSON.stringify(modelType);
    throw new UsageError(`${file}: model_type is ${found}, and models of images have ${known}; choose another --model`);
  },
};
