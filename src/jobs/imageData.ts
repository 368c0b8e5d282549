import { createHash } from 'node:crypto';
import { BertuneError, counted, UsageError } from '../core/errors.ts';
import { type Origin, say } from '../core/message.ts';
import { permutedIndex } from '../core/random.ts';
import type { Augmentation } from '../data/images/augmentation.ts';
import type { ImageStore } from '../data/images/imageStore.ts';
import { openImages } from '../data/images/openImages.ts';
import { augmentedViews, type ViewBatches } from '../data/images/views.ts';
import type { ImageShape } from '../models/vision/config.ts';
import type { ImageTrainingOptions } from './imageTypes.ts';
import { activity, note } from './note.ts';
import { stopBeforeTraining } from './training.ts';
import type { JobHooks } from './types.ts';

/** Images that statistics and digests are taken from, at most. */
const sampled = 2000;
/** The "epoch" whose order tells the held-out images; no run comes that far. */
const splitEpoch = 0xfffffffe;

/** Opens images of one shape, with progress and notes to the hooks. */
export async function openFor(
  path: string,
  flag: Origin,
  { channels, ...size }: Partial<ImageShape>,
  options: Pick<ImageTrainingOptions, 'cache'>,
  hooks: JobHooks,
): Promise<ImageStore> {
  stopBeforeTraining(hooks);
  return openImages(path, {
    flag,
    ...size,
    ...(channels === undefined ? {} : { channels: channels === 3 ? 3 : 1 }),
    cache: options.cache,
    onNote: (line) => note(hooks, line),
    onProgress: (done, total) =>
      hooks.onEvent?.({ type: 'progress', ...activity(say`preparing the images of ${flag}`), done, total }),
    signal: hooks.signal,
  });
}

/** Numbers of the images to train on, ascending, and of those held out. */
export function splitImages(count: number, fraction: number, seed: number): { training: number[]; heldOut: number[] } {
  const held = fraction === 0 ? 0 : Math.max(1, Math.round(count * fraction));
  const [training, heldOut] = [[] as number[], [] as number[]];
  for (let i = 0; i < count; i++) (permutedIndex(i, count, seed, splitEpoch) < held ? heldOut : training).push(i);
  return { training, heldOut };
}

/** Some of the images in a random order, at most `limit`. */
export function limitedImages(examples: readonly number[], limit: number, seed: number): number[] {
  if (examples.length <= limit) return [...examples];
  return Array.from({ length: limit }, (_, i) => {
    return examples[permutedIndex(i, examples.length, seed, splitEpoch)] as number;
  }).sort((a, b) => a - b);
}

/** Mean and deviation of each channel over a sample of the images, in [0, 1]. */
export function channelMoments(
  store: ImageStore,
  examples: readonly number[],
): { mean: number[]; deviation: number[] } {
  const { channels } = store;
  const bytes = new Uint8Array(channels * store.height * store.width);
  const [sums, squares] = [new Array<number>(channels).fill(0), new Array<number>(channels).fill(0)];
  const some = spread(examples);
  for (const example of some) {
    store.read(example, bytes);
    bytes.forEach((byte, i) => {
      const channel = i % channels;
      sums[channel] = (sums[channel] as number) + byte;
      squares[channel] = (squares[channel] as number) + byte * byte;
    });
  }
  const count = some.length * store.height * store.width;
  const mean = sums.map((sum) => sum / count / 255);
  const deviation = squares.map((square, channel) => {
    const variance = square / count / 255 ** 2 - (mean[channel] as number) ** 2;
    return Math.max(1e-3, Math.sqrt(Math.max(0, variance))); // one colour alone has none
  });
  return { mean: mean.map(rounded), deviation: deviation.map(rounded) };
}

/** Changes when the images, their number, order or labels do; from a sample of them. */
export function digestOfImages(store: ImageStore, examples: readonly number[]): string {
  const hash = createHash('sha256').update(`${examples.length}`);
  const bytes = new Uint8Array(store.channels * store.height * store.width);
  for (const example of spread(examples)) {
    store.read(example, bytes);
    hash.update(bytes).update(` ${example} ${store.labelOf(example)} `);
  }
  return hash.digest('hex').slice(0, 16);
}

/** Views of images, made in threads while a step runs, also where nothing is changed about them. */
export function viewsFor(
  store: ImageStore,
  augmentation: Augmentation | undefined,
  seed: number,
  threads?: number,
): ViewBatches {
  return augmentedViews(store, { augmentation: augmentation ?? {}, seed, threads });
}

/** @throws UsageError when there are too few images to learn from */
export function requireImages(count: number, least: number, flag: Origin): void {
  if (count < least)
    throw new UsageError(say`${flag} leaves ${counted(count, 'image')} to train on; give at least ${least}`);
}

/** Class numbers of labeled images under the model's class names. @throws BertuneError when an image has none */
export function labelsOf(store: ImageStore, classes: readonly string[], flag: Origin): (example: number) => number {
  const { classes: own } = store;
  if (!own) {
    throw new BertuneError(
      say`${flag}: the images have no labels; give a folder with a subfolder for each class, or an IDX file with its labels beside it`,
    );
  }
  const numbers = own.map((name) => classes.indexOf(name));
  const unknown = own.find((_, i) => numbers[i] === -1);
  if (unknown !== undefined) {
    throw new BertuneError(say`${flag}: class "${unknown}" was not seen in training; known are ${classes.join(', ')}`);
  }
  return (example) => {
    const label = store.labelOf(example);
    if (label === undefined) throw new BertuneError(say`${flag}: image ${example + 1} has no label`);
    return numbers[label] as number;
  };
}

function spread(examples: readonly number[]): number[] {
  const count = Math.min(sampled, examples.length);
  return Array.from({ length: count }, (_, i) => examples[Math.floor((i * examples.length) / count)] as number);
}

/** Six digits: what the configuration says is what the model computes with. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
