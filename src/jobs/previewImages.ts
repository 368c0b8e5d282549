import { setting } from '../core/message.ts';
import type { ImageStore } from '../data/images/imageStore.ts';
import { checkPicturePath, writeSheet } from '../data/images/sheet.ts';
import { augmentedViews, plainViews } from '../data/images/views.ts';
import { resolve } from '../settings/resolve.ts';
import { noisyImages, viewsOf } from '../tasks/vision/inputs.ts';
import { limitedImages, openFor } from './imageData.ts';
import type { PretrainImagesOptions } from './imageTypes.ts';
import type { ShowImagesResult } from './imageUseTypes.ts';
import type { JobHooks } from './types.ts';
import { augmentationFor } from './visionConfigs.ts';

const imagesShown = 8;
const viewsShown = 8;

/**
 * Writes a sheet of the views that a run with these options would learn from: a row an image, itself first, then its
 * views in the first epochs.
 *
 * @throws UsageError for options or paths to change; BertuneError for images that cannot be used
 */
export async function previewImages(
  options: Omit<PretrainImagesOptions, 'output'>,
  path: string,
  hooks: JobHooks = {},
): Promise<ShowImagesResult> {
  const settings = resolve('pretrainImages', { output: path, ...options });
  await checkPicturePath(path, setting('preview'));
  const { imageSize, channels, noise, seed } = settings;
  const shape = { ...(imageSize && { height: imageSize, width: imageSize }), ...(channels && { channels }) };
  const store = await openFor(options.data, setting('data'), shape, options, hooks);
  try {
    const chosen = limitedImages(
      Array.from({ length: store.length }, (_, i) => i),
      imagesShown,
      seed,
    );
    const augmentation = augmentationFor(options.method, store.channels, options.augment) ?? {};
    const maker = augmentedViews(store, { augmentation, seed, threads: 1 });
    const perEpoch = viewsOf(options);
    const views: Float32Array[] = [];
    for (let epoch = 0; epoch < viewsShown / perEpoch; epoch++) {
      const plain = await maker.batch(epoch, chosen, perEpoch);
      views.push(...plain.map((batch) => noisyImages({ seed, noise }, epoch, chosen, batch)));
    }
    const originals = await plainViews(store).batch(0, chosen, 1);
    const images = chosen.map((_, i) => [...originals, ...views].map((batch) => imageAt(batch, i, store)));
    await writeSheet(path, images, store);
    return { rows: chosen.map((example) => `image ${example + 1} and its views`), output: path };
  } finally {
    store.close();
  }
}

function imageAt(batch: Float32Array, i: number, { channels, height, width }: ImageStore): Float32Array {
  const size = channels * height * width;
  return batch.subarray(i * size, (i + 1) * size);
}
