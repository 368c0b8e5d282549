import { z } from 'zod';
import type { DocumentFormat, JsonObject } from '../core/document.ts';
import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { VisionConfig, VisionMethod } from '../models/vision/config.ts';

/** What `config.json` calls the models of each method. */
export const visionTypes: Readonly<Record<VisionMethod, string>> = {
  autoencoder: 'bertune-autoencoder',
  simsiam: 'bertune-simsiam',
  simclr: 'bertune-simclr',
  mae: 'bertune-mae',
  classifier: 'bertune-image-classifier',
};

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
    const known = Object.values(visionTypes).join(', ');
    const found = modelType === undefined ? 'missing' : JSON.stringify(modelType);
    throw new UsageError(
      say`${file}: model_type is ${found}, and models of images have ${known}; choose another ${setting('model')}`,
    );
  },
};

function methodOf(modelType: unknown): string | undefined {
  return Object.entries(visionTypes).find(([, name]) => name === modelType)?.[0];
}

/** Whether a `config.json` says that it is of a model of images. */
export function isVisionConfig({ model_type: modelType }: JsonObject): boolean {
  return methodOf(modelType) !== undefined;
}
