import type { ImageStore } from '../data/images/imageStore.ts';
import { checkPicturePath, writeSheet } from '../data/images/sheet.ts';
import { augmentedViews, plainViews } from '../data/images/views.ts';
import { limitedImages, openFor } from './imageData.ts';
import type { PretrainImagesOptions } from './imageTypes.ts';
import type { ShowImagesResult } from './imageUseTypes.ts';
import type { JobHooks } from './types.ts';
import { augmentationFor } from './visionConfigs.ts';

const imagesShown = 8;
const viewsShown = 8;

/**
 * Writes a sheet of the views that a run with these options would learn from: a row an image, itself first.
 *
 * @throws UsageError for options or paths to change; BertuneError for images that cannot be used
 */
export async function previewImages(
  options: Pick<PretrainImagesOptions, 'method' | 'data' | 'imageSize' | 'channels' | 'augment' | 'seed' | 'cache'>,
  path: string,
  hooks: JobHooks = {},
): Promise<ShowImagesResult> {
  checkPicturePath(path, '--preview');
  const { imageSize, channels, seed = 0 } = options;
  const shape = { ...(imageSize && { height: imageSize, width: imageSize }), ...(channels && { channels }) };
  const store = await openFor(options.data, '--data', shape, options, hooks);
  try {
    const chosen = limitedImages(
      Array.from({ length: store.length }, (_, i) => i),
      imagesShown,
      seed,
    );
    const augmentation = augmentationFor(options.method, store.channels, options.augment) ?? {};
    const views = await augmentedViews(store, { augmentation, seed, threads: 1 }).batch(0, chosen, viewsShown);
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
