import { randomBits, unitOf } from '../../core/random.ts';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation, toGrayscale } from './colors.ts';
import { addNoise, type Box, blur, flip, planes, resizedCrop, type Shape } from './spatial.ts';

/**
 * What may happen to an image, in this order; what is left out does not. Semantics and names are those of torchvision's
 * transforms of the same names.
 */
export interface Augmentation {
  /** A part of the image, resized to all of it: its share of the area and its proportions, width over height. */
  readonly crop?: { readonly area: readonly [number, number]; readonly ratio: readonly [number, number] };
  /** Probability of mirroring left and right. */
  readonly flip?: number;
  /** Factors drawn from 1 ± x, and for the hue a shift from ± x of the colour circle, in a random order. */
  readonly jitter?: {
    readonly probability: number;
    readonly brightness: number;
    readonly contrast: number;
    readonly saturation: number;
    readonly hue: number;
  };
  /** Probability of losing the colours. */
  readonly grayscale?: number;
  /** A Gaussian filter of a deviation in pixels from this range. */
  readonly blur?: { readonly probability: number; readonly deviation: readonly [number, number] };
  /** Normal noise of this deviation on every value, cut to [0, 1]. */
  readonly noise?: { readonly probability: number; readonly deviation: number };
}

const proportions = [3 / 4, 4 / 3] as const;

/** Sets of augmentations by what they are for. */
export const augmentations = {
  /** Two views that share no more than what is in them (Chen et al. 2020, Chen & He 2021 for small images). */
  contrastive(channels: number): Augmentation {
    const crop = { area: [0.2, 1], ratio: proportions } as const;
    // Digits and other signs change their meaning when mirrored; their tint says nothing.
    if (channels === 1)
      return { crop, jitter: { probability: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0, hue: 0 } };
    const jitter = { probability: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 };
    return { crop, flip: 0.5, jitter, grayscale: 0.2 };
  },
  /** Crop and flip alone, all that masked autoencoders need (He et al. 2022). */
  masked(channels: number): Augmentation {
    const crop = { area: [0.2, 1], ratio: proportions } as const;
    return channels === 1 ? { crop: { ...crop, area: [0.5, 1] } } : { crop, flip: 0.5 };
  },
  /** Light changes for training a classifier. */
  supervised(channels: number): Augmentation {
    const crop = { area: [0.6, 1], ratio: proportions } as const;
    return channels === 1 ? { crop } : { crop, flip: 0.5 };
  },
  none(): Augmentation {
    return {};
  },
} as const;

/** Draws of one view; noise has the numbers from `noiseDraws` on. Append only: the numbers are part of a run. */
const draws = {
  flip: 0,
  jitter: 1,
  jitterOrder: 2,
  brightness: 3,
  contrast: 4,
  saturation: 5,
  hue: 6,
  grayscale: 7,
  blur: 8,
  blurDeviation: 9,
  noise: 10,
  crop: 16,
} as const;
const noiseDraws = 256;
/** Draws that a view has room for. */
const drawsPerView = 2 ** 24;
const cropAttempts = 10;

/** Makes views: each a pure function of (seed, epoch, image, view). */
export class Augmenter {
  readonly #shape: Shape;
  readonly #augmentation: Augmentation;
  readonly #seed: number;
  readonly #bits = new Uint32Array(4);
  readonly #scratch: Float32Array;
  #epoch = 0;
  #image = 0;
  #view = 0;

  constructor(shape: Shape, augmentation: Augmentation, seed: number) {
    this.#shape = shape;
    this.#augmentation = augmentation;
    this.#seed = seed;
    this.#scratch = new Float32Array(shape.height * shape.width);
  }

  /**
   * @param pixels bytes [H, W, C]
   * @param into [C, H, W], filled with values in [0, 1]
   */
  view(pixels: Uint8Array, epoch: number, image: number, view: number, into: Float32Array): void {
    this.#epoch = epoch;
    this.#image = image;
    this.#view = view;
    const { width, channels } = this.#shape;
    const { crop, flip: flips = 0, grayscale = 0, blur: blurs, noise } = this.#augmentation;
    if (crop) resizedCrop(pixels, this.#shape, this.#box(crop), into);
    else planes(pixels, channels, into);
    if (this.#happens('flip', flips)) flip(into, width);
    this.#jitter(into);
    if (channels === 3 && this.#happens('grayscale', grayscale)) toGrayscale(into);
    if (blurs && this.#happens('blur', blurs.probability)) {
      blur(into, this.#shape, this.#between('blurDeviation', ...blurs.deviation), this.#scratch);
    }
    if (noise && this.#happens('noise', noise.probability)) {
      const bits = (i: number) => this.#draw(noiseDraws + i);
      addNoise(into, noise.deviation, bits);
    }
  }

  /** Changes brightness, contrast, saturation and hue, in one of 24 orders. */
  #jitter(image: Float32Array): void {
    const { jitter } = this.#augmentation;
    if (!jitter || !this.#happens('jitter', jitter.probability)) return;
    const steps = [
      () => this.#scale('brightness', jitter.brightness, (factor) => adjustBrightness(image, factor)),
      () => this.#scale('contrast', jitter.contrast, (factor) => adjustContrast(image, this.#shape.channels, factor)),
    ];
    if (this.#shape.channels === 3) {
      steps.push(
        () => this.#scale('saturation', jitter.saturation, (factor) => adjustSaturation(image, factor)),
        () => {
          if (jitter.hue > 0) adjustHue(image, this.#between('hue', -jitter.hue, jitter.hue));
        },
      );
    }
    let order = Math.floor(this.#unit(draws.jitterOrder) * 24);
    for (let left = steps.length; left > 0; left--) {
      steps.splice(order % left, 1)[0]?.();
      order = Math.floor(order / left);
    }
  }

  #scale(draw: keyof typeof draws, strength: number, apply: (factor: number) => void): void {
    if (strength > 0) apply(this.#between(draw, Math.max(0, 1 - strength), 1 + strength));
  }

  /** A box of a random area and random proportions; after ten that do not fit, the largest in the middle. */
  #box({ area: [least, most], ratio: [narrow, wide] }: NonNullable<Augmentation['crop']>): Box {
    const { height, width } = this.#shape;
    for (let attempt = 0; attempt < cropAttempts; attempt++) {
      const bits = this.#draw(draws.crop + 2 * attempt);
      const area = height * width * (least + (most - least) * unitOf(bits[0] as number, bits[1] as number));
      const position = unitOf(bits[2] as number, bits[3] as number);
      const ratio = Math.exp(Math.log(narrow) + (Math.log(wide) - Math.log(narrow)) * position);
      const [h, w] = [Math.round(Math.sqrt(area / ratio)), Math.round(Math.sqrt(area * ratio))];
      if (h < 1 || w < 1 || h > height || w > width) continue;
      const place = this.#draw(draws.crop + 2 * attempt + 1);
      const top = Math.floor(unitOf(place[0] as number, place[1] as number) * (height - h + 1));
      const left = Math.floor(unitOf(place[2] as number, place[3] as number) * (width - w + 1));
      return { top, left, height: h, width: w };
    }
    return middle(this.#shape, narrow, wide);
  }

  #happens(draw: keyof typeof draws, probability: number): boolean {
    return probability > 0 && this.#unit(draws[draw]) < probability;
  }

  #between(draw: keyof typeof draws, low: number, high: number): number {
    return low + (high - low) * this.#unit(draws[draw]);
  }

  #unit(draw: number): number {
    const bits = this.#draw(draw);
    return unitOf(bits[0] as number, bits[1] as number);
  }

  #draw(draw: number): Uint32Array {
    const place = this.#view * drawsPerView + draw;
    return randomBits(this.#seed, 'augment', this.#epoch, this.#image, place, this.#bits);
  }
}

/** The largest box in the middle whose proportions lie in the range. */
function middle({ height, width }: Shape, narrow: number, wide: number): Box {
  const ratio = width / height;
  const w = ratio > wide ? Math.round(height * wide) : width;
  const h = ratio < narrow ? Math.round(width / narrow) : height;
  return { top: Math.floor((height - h) / 2), left: Math.floor((width - w) / 2), height: h, width: w };
}
