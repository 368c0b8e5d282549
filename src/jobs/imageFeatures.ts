import type { Origin } from '../core/message.ts';
import type { ImageStore } from '../data/images/imageStore.ts';
import { plainViews } from '../data/images/views.ts';
import type { Engine } from '../engine/engine.ts';
import type { Rows } from '../evaluation/neighbours.ts';
import { loadVision, type VisionModel } from '../hub/visionFolder.ts';
import { pixelsOf, type VisionConfig } from '../models/vision/config.ts';
import { visionSpecs } from '../models/vision/encoder.ts';
import { asTensors } from '../nn/parameters.ts';
import { ImageInference } from '../tasks/vision/inference.ts';
import { readModelFolder } from './findModel.ts';
import { openFor } from './imageData.ts';
import type { ImageUseOptions } from './imageUseTypes.ts';
import type { JobHooks } from './types.ts';

/** Images that are read and embedded together. */
const chunk = 512;

/** A model of images, ready to use. Throws as `loadVision`. */
export async function openInference(
  engine: Engine,
  path: string,
  hooks: JobHooks,
): Promise<{ model: VisionModel; inference: ImageInference }> {
  const model = await readModelFolder(path, hooks, loadVision);
  return { model, inference: inferenceOf(engine, model, hooks.signal) };
}

export function inferenceOf(engine: Engine, { config, values }: VisionModel, signal?: AbortSignal): ImageInference {
  return new ImageInference(engine, config, asTensors(values, visionSpecs(config)), signal);
}

/** Images in the size and colours of a model. */
export function openForModel(
  path: string,
  flag: Origin,
  { image }: VisionConfig,
  options: ImageUseOptions,
  hooks: JobHooks,
): Promise<ImageStore> {
  return openFor(path, flag, image, options, hooks);
}

/** Features of some images of a store, in parts: memory does not grow with their number. */
export async function* featureParts(
  inference: ImageInference,
  store: ImageStore,
  examples: readonly number[],
): AsyncGenerator<{ examples: readonly number[]; images: Float32Array; features: Rows }> {
  const plain = plainViews(store);
  for (let from = 0; from < examples.length; from += chunk) {
    const part = examples.slice(from, from + chunk);
    const [images = new Float32Array()] = await plain.batch(0, part, 1);
    const data = await inference.embed(images);
    yield { examples: part, images, features: { data, size: data.length / part.length } };
  }
}

/** Features of some images of a store, [examples.length, size]. */
export async function featuresOf(
  inference: ImageInference,
  store: ImageStore,
  examples: readonly number[],
): Promise<Rows> {
  const parts: Rows[] = [];
  for await (const { features } of featureParts(inference, store, examples)) parts.push(features);
  const size = parts[0]?.size ?? 1;
  const data = new Float32Array(examples.length * size);
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { data, size };
}

/** Single images [C, H, W] of a batch. */
export function imagesOf(batch: Float32Array, { image }: VisionConfig): Float32Array[] {
  const size = pixelsOf(image);
  return Array.from({ length: batch.length / size }, (_, i) => batch.subarray(i * size, (i + 1) * size));
}
