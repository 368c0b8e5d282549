import { unitOf } from '../../core/random.ts';

/** Of an image, in pixels. */
export interface Shape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Where a crop lies, in pixels. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * A part of an image, resized to all of it by bilinear interpolation between the centres of pixels.
 *
 * @param pixels bytes [H, W, C]
 * @param into [C, H, W], filled with values in [0, 1]
 */
export function resizedCrop(pixels: Uint8Array, shape: Shape, box: Box, into: Float32Array): void {
  const { height, width, channels } = shape;
  const columns = weightsOf(box.left, box.width, width);
  const rows = weightsOf(box.top, box.height, height);
  for (let y = 0; y < height; y++) {
    const upper = (rows.first[y] as number) * width;
    const lower = (rows.second[y] as number) * width;
    const down = rows.weight[y] as number;
    for (let x = 0; x < width; x++) {
      const a = columns.first[x] as number;
      const b = columns.second[x] as number;
      const right = columns.weight[x] as number;
      for (let c = 0; c < channels; c++) {
        const topLeft = pixels[(upper + a) * channels + c] as number;
        const topRight = pixels[(upper + b) * channels + c] as number;
        const bottomLeft = pixels[(lower + a) * channels + c] as number;
        const bottomRight = pixels[(lower + b) * channels + c] as number;
        const top = topLeft + (topRight - topLeft) * right;
        const bottom = bottomLeft + (bottomRight - bottomLeft) * right;
        into[(c * height + y) * width + x] = (top + (bottom - top) * down) / 255;
      }
    }
  }
}

/** Bytes as numbers in [0, 1]. */
const unit = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/** All of an image as it is, each channel a plane of its own. */
export function planes(pixels: Uint8Array, channels: number, into: Float32Array): void {
  const size = pixels.length / channels;
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < size; i++) into[c * size + i] = unit[pixels[i * channels + c] as number] as number;
  }
}

/** For each place of the result the two source places it lies between and the second one's weight. */
function weightsOf(from: number, size: number, results: number) {
  const first = new Int32Array(results);
  const second = new Int32Array(results);
  const weight = new Float64Array(results);
  for (let i = 0; i < results; i++) {
    const place = Math.max(0, ((i + 0.5) * size) / results - 0.5);
    const whole = Math.min(size - 1, Math.floor(place));
    first[i] = from + whole;
    second[i] = from + Math.min(size - 1, whole + 1);
    weight[i] = place - whole;
  }
  return { first, second, weight };
}

/** Mirrors every row in place. @param image [C, H, W] */
export function flip(image: Float32Array, width: number): void {
  for (let row = 0; row < image.length; row += width) image.subarray(row, row + width).reverse();
}

/**
 * Convolves an image with a Gaussian in place, the image mirrored beyond its edges (the edge itself not repeated). The
 * filter reaches three deviations far.
 *
 * @param image [C, H, W]
 * @param scratch [H · W]
 */
export function blur(
  image: Float32Array,
  { height, width, channels }: Shape,
  deviation: number,
  scratch: Float32Array,
) {
  const plane = height * width;
  const across = kernelOf(deviation, width);
  const down = kernelOf(deviation, height);
  for (let c = 0; c < channels; c++) {
    const values = image.subarray(c * plane, (c + 1) * plane);
    for (let y = 0; y < height; y++) convolve(values, y * width, 1, width, across, scratch);
    for (let x = 0; x < width; x++) convolve(scratch, x, width, height, down, values);
  }
}

/** Weights from the middle outwards; the sum over both sides is 1. */
function kernelOf(deviation: number, size: number): Float64Array {
  const reach = Math.min(Math.ceil(3 * deviation), size - 1);
  const kernel = Float64Array.from({ length: reach + 1 }, (_, i) => Math.exp(-0.5 * (i / deviation) ** 2));
  const total = kernel.reduce((sum, weight) => sum + 2 * weight, -(kernel[0] as number));
  return kernel.map((weight) => weight / total);
}

function convolve(
  from: Float32Array,
  start: number,
  stride: number,
  size: number,
  kernel: Float64Array,
  into: Float32Array,
): void {
  const last = size - 1;
  for (let i = 0; i < size; i++) {
    let sum = (from[start + i * stride] as number) * (kernel[0] as number);
    for (let k = 1; k < kernel.length; k++) {
      const before = Math.abs(i - k);
      const after = last - Math.abs(last - (i + k));
      const pair = (from[start + before * stride] as number) + (from[start + after * stride] as number);
      sum += pair * (kernel[k] as number);
    }
    into[start + i * stride] = sum;
  }
}

/**
 * Adds normal noise in place and cuts to [0, 1].
 *
 * @param bits four random words for every two values
 */
export function addNoise(image: Float32Array, deviation: number, bits: (pair: number) => Uint32Array): void {
  for (let i = 0; i < image.length; i += 2) {
    const words = bits(i / 2);
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - unitOf(words[0] as number, words[1] as number)));
    const angle = 2 * Math.PI * unitOf(words[2] as number, words[3] as number);
    image[i] = clamp((image[i] as number) + radius * Math.cos(angle));
    if (i + 1 < image.length) image[i + 1] = clamp((image[i + 1] as number) + radius * Math.sin(angle));
  }
}

function clamp(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}
