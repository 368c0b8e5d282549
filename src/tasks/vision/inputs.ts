import { fillNormal, randomBelow } from '../../core/random.ts';
import type { HostTensor } from '../../core/tensor.ts';
import type { NamedTensors } from '../../engine/engine.ts';
import { type ConfigOf, patchCount, pixelsOf, type VisionConfig } from '../../models/vision/config.ts';
import { visiblePatches } from './losses.ts';

/** The epoch whose masks, noise and views evaluations use: they never move. */
export const evaluationEpoch = 0xffffffff;

/** What turns images into a loss's inputs. */
export interface InputOptions {
  readonly config: VisionConfig;
  readonly seed: number;
  /** Deviation of the noise that a denoising autoencoder's inputs get; 0 for none. */
  readonly noise: number;
  /** Class number of an image. */
  readonly labelOf?: (example: number) => number;
}

/** Views of each image that a method takes. */
export function viewsOf({ method }: Pick<VisionConfig, 'method'>): 1 | 2 {
  return method === 'simsiam' || method === 'simclr' ? 2 : 1;
}

/** Inputs of `visionLoss` from views [N · C · H · W] of images: a pure function of the seed, the epoch and the images. */
export function lossInputs(
  options: InputOptions,
  epoch: number,
  examples: readonly number[],
  views: readonly Float32Array[],
): NamedTensors {
  const { config } = options;
  const [first = new Float32Array(), second = first] = views;
  const images = imageTensor(config, first);
  switch (config.method) {
    case 'autoencoder':
      return { images: imageTensor(config, noisyImages(options, epoch, examples, first)), targets: images };
    case 'simsiam':
      return { images, otherImages: imageTensor(config, second) };
    case 'simclr':
      return { images: imageTensor(config, joined(first, second)) };
    case 'mae':
      return { images, ...maskInputs(config, patchMasks(config, options.seed, epoch, examples)) };
    case 'classifier':
      return { images, labels: vector(Int32Array.from(examples, (example) => options.labelOf?.(example) ?? 0)) };
  }
}

/** For each image the places of its visible patches, ascending; the others are masked. */
export function patchMasks(
  config: ConfigOf<'mae'>,
  seed: number,
  epoch: number,
  examples: readonly number[],
): Int32Array[] {
  const patches = patchCount(config.image, config.encoder);
  const visible = visiblePatches(config);
  return examples.map((example) => {
    const order = Int32Array.from({ length: patches }, (_, place) => place);
    // The first steps of a Fisher-Yates shuffle draw the visible ones.
    for (let i = 0; i < visible; i++) {
      const j = i + randomBelow(patches - i, seed, 'patchMask', epoch, example, i);
      [order[i], order[j]] = [order[j] as number, order[i] as number];
    }
    return order.slice(0, visible).sort();
  });
}

/** The masks as inputs of the loss. */
export function maskInputs({ image, encoder }: ConfigOf<'mae'>, masks: readonly Int32Array[]): NamedTensors {
  const patches = patchCount(image, encoder);
  const visible = masks[0]?.length ?? 0;
  const rows = new Int32Array(masks.length * visible);
  const places = new Int32Array(masks.length * visible);
  const masked = new Float32Array(masks.length * patches).fill(1);
  masks.forEach((mask, n) => {
    mask.forEach((place, i) => {
      places[n * visible + i] = place;
      rows[n * visible + i] = n * patches + place;
      masked[n * patches + place] = 0;
    });
  });
  return {
    visibleRows: vector(rows),
    visiblePlaces: vector(places),
    masked: { dtype: 'float32', shape: [masked.length, 1], data: masked },
  };
}

/** Images [N, C, H, W] over their numbers. */
export function imageTensor({ image }: VisionConfig, data: Float32Array): HostTensor<'float32'> {
  const { channels, height, width } = image;
  return { dtype: 'float32', shape: [data.length / pixelsOf(image), channels, height, width], data };
}

/** Images as a denoising autoencoder gets them: with normal noise, cut to [0, 1]. */
export function noisyImages(
  { seed, noise }: Pick<InputOptions, 'seed' | 'noise'>,
  epoch: number,
  examples: readonly number[],
  clean: Float32Array,
): Float32Array {
  if (noise === 0) return clean;
  const size = clean.length / examples.length;
  const result = new Float32Array(clean.length);
  examples.forEach((example, n) => {
    fillNormal(result.subarray(n * size, (n + 1) * size), noise, seed, 'noise', example, epoch);
  });
  for (let i = 0; i < result.length; i++) {
    result[i] = Math.min(1, Math.max(0, (clean[i] as number) + (result[i] as number)));
  }
  return result;
}

function joined(a: Float32Array, b: Float32Array): Float32Array {
  const both = new Float32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function vector(data: Int32Array): HostTensor<'int32'> {
  return { dtype: 'int32', shape: [data.length], data };
}
