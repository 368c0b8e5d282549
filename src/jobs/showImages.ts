import { setting } from '../core/message.ts';
import type { ImageStore } from '../data/images/imageStore.ts';
import { checkPicturePath, writeSheet } from '../data/images/sheet.ts';
import { plainViews } from '../data/images/views.ts';
import { nearest } from '../evaluation/neighbours.ts';
import type { ConfigOf } from '../models/vision/config.ts';
import { resolve } from '../settings/resolve.ts';
import type { ImageInference } from '../tasks/vision/inference.ts';
import { evaluationEpoch, patchMasks } from '../tasks/vision/inputs.ts';
import { limitedImages } from './imageData.ts';
import { featuresOf, imagesOf, openForModel, openInference } from './imageFeatures.ts';
import type { ShowImagesOptions, ShowImagesResult } from './imageUseTypes.ts';
import { openEngine } from './openEngine.ts';
import type { JobHooks } from './types.ts';

/** Images among which neighbours are looked for, at most. */
const mostSearched = 5000;
const neighboursShown = 7;
const masked = 0.5;

/**
 * Draws what a model makes of images: an autoencoder's reconstructions below the originals; what a masked autoencoder
 * sees and rebuilds; for the others, the nearest neighbours of images by their features.
 *
 * @throws UsageError for options or paths to change; BertuneError for images or weights that cannot be used
 */
export async function showImages(options: ShowImagesOptions, hooks: JobHooks = {}): Promise<ShowImagesResult> {
  const settings = resolve('showImages', options);
  const { count, seed } = settings;
  await checkPicturePath(options.output, setting('output'));
  const { engine } = await openEngine(settings, hooks);
  const { model, inference } = await openInference(engine, options.model, hooks);
  try {
    const store = await openForModel(options.data, setting('data'), model.config, options, hooks);
    try {
      const chosen = limitedImages(allOf(store), count, seed);
      const picture = await pictureOf(inference, store, chosen, seed);
      await writeSheet(options.output, picture.images, store);
      return { rows: picture.rows, output: options.output };
    } finally {
      store.close();
    }
  } finally {
    await inference.dispose();
  }
}

interface Picture {
  readonly rows: readonly string[];
  readonly images: readonly (readonly Float32Array[])[];
}

async function pictureOf(
  inference: ImageInference,
  store: ImageStore,
  chosen: readonly number[],
  seed: number,
): Promise<Picture> {
  const { config } = inference;
  const [batch = new Float32Array()] = await plainViews(store).batch(0, chosen, 1);
  const originals = imagesOf(batch, config);
  switch (config.method) {
    case 'autoencoder': {
      const rebuilt = imagesOf(await inference.reconstruct(batch), config);
      return { rows: ['originals', 'reconstructions'], images: [originals, rebuilt] };
    }
    case 'mae': {
      const visible = patchMasks(config, seed, evaluationEpoch, chosen);
      const rebuilt = imagesOf(await inference.fillIn(batch, visible), config);
      const seen = originals.map((image, i) => onlyVisible(image, config, visible[i] ?? new Int32Array()));
      return { rows: ['originals', 'visible patches', 'rebuilt'], images: [originals, seen, rebuilt] };
    }
    default:
      return neighbourPicture(inference, store, chosen, originals, seed);
  }
}

/** An image with its masked patches in gray. */
function onlyVisible(image: Float32Array, config: ConfigOf<'mae'>, visible: Int32Array): Float32Array {
  const { height, width } = config.image;
  const { patchSize } = config.encoder;
  const seen = new Set(visible);
  const result = new Float32Array(image.length).fill(masked);
  for (let i = 0; i < image.length; i++) {
    const place = i % (height * width);
    const patch =
      Math.floor(Math.floor(place / width) / patchSize) * (width / patchSize) + Math.floor((place % width) / patchSize);
    if (seen.has(patch)) result[i] = image[i] as number;
  }
  return result;
}

/** A row for each image: itself, then its nearest neighbours among the others. */
async function neighbourPicture(
  inference: ImageInference,
  store: ImageStore,
  chosen: readonly number[],
  originals: readonly Float32Array[],
  seed: number,
): Promise<Picture> {
  const searched = limitedImages(allOf(store), mostSearched, seed);
  const pool = await featuresOf(inference, store, searched);
  const queries = await featuresOf(inference, store, chosen);
  const plain = plainViews(store);
  const images: Float32Array[][] = [];
  for (const { indices } of nearest(pool, queries, neighboursShown + 1)) {
    const query = chosen[images.length] as number;
    const others = Array.from(indices, (i) => searched[i] as number).filter((example) => example !== query);
    const [batch = new Float32Array()] = await plain.batch(0, others.slice(0, neighboursShown), 1);
    images.push([originals[images.length] as Float32Array, ...imagesOf(batch, inference.config)]);
  }
  return { rows: chosen.map((example) => `image ${example + 1} and its nearest neighbours`), images };
}

function allOf(store: ImageStore): number[] {
  return Array.from({ length: store.length }, (_, i) => i);
}
