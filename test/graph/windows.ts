import { type Shape, sizeOf } from '../../src/core/tensor.ts';
import type { Convolution, OpAttributes } from '../../src/graph/ops/attributes.ts';
import type { NumberTensor } from './evaluator.ts';

/** Convolutions, pools and batch normalization by plain loops over what they mean; part of the evaluator. */

export function conv2d(x: NumberTensor, weight: NumberTensor, window: Convolution, bias?: NumberTensor): NumberTensor {
  const [images = 0, , height = 0, width = 0] = x.shape;
  const [filters = 0, , kernelHeight = 0, kernelWidth = 0] = weight.shape;
  const shape = [images, filters, count(height, kernelHeight, window), count(width, kernelWidth, window)];
  const y = zeros(shape);
  if (bias) forEach(shape, ([n = 0, o = 0, i = 0, j = 0]) => add(y, [n, o, i, j], bias.data[o] ?? Number.NaN));
  forEachTerm(x.shape, weight.shape, shape, window, (at, filter, output) => {
    add(y, output, get(x, at) * get(weight, filter));
  });
  return y;
}

export function conv2dInputGradient(
  gradient: NumberTensor,
  weight: NumberTensor,
  { size, ...window }: OpAttributes['conv2dInputGradient'],
): NumberTensor {
  const x = zeros([gradient.shape[0] ?? 0, weight.shape[1] ?? 0, ...size]);
  forEachTerm(x.shape, weight.shape, gradient.shape, window, (at, filter, output) => {
    add(x, at, get(gradient, output) * get(weight, filter));
  });
  return x;
}

export function conv2dWeightGradient(
  x: NumberTensor,
  gradient: NumberTensor,
  { kernel, ...window }: OpAttributes['conv2dWeightGradient'],
): NumberTensor {
  const weight = zeros([gradient.shape[1] ?? 0, x.shape[1] ?? 0, ...kernel]);
  forEachTerm(x.shape, weight.shape, gradient.shape, window, (at, filter, output) => {
    add(weight, filter, get(x, at) * get(gradient, output));
  });
  return weight;
}

export function maxPool2d(x: NumberTensor, { kernel, ...window }: OpAttributes['maxPool2d']): NumberTensor[] {
  const shape = pooled(x.shape, kernel, window);
  const largest = { shape, data: new Float64Array(sizeOf(shape)).fill(Number.NEGATIVE_INFINITY) };
  const indices = zeros(shape);
  forEachInWindow(x.shape, shape, kernel, window, (at, output) => {
    if (get(x, at) <= get(largest, output)) return;
    largest.data[offset(shape, output)] = get(x, at);
    indices.data[offset(shape, output)] = offset(x.shape, at);
  });
  return [largest, indices];
}

export function maxPool2dGradient(gradient: NumberTensor, indices: NumberTensor, size: Shape): NumberTensor {
  const x = zeros([...gradient.shape.slice(0, 2), ...size]);
  indices.data.forEach((index, i) => {
    x.data[index] = (x.data[index] ?? Number.NaN) + (gradient.data[i] ?? Number.NaN);
  });
  return x;
}

export function averagePool2d(x: NumberTensor, { kernel, ...window }: OpAttributes['averagePool2d']): NumberTensor {
  const y = zeros(pooled(x.shape, kernel, window));
  forEachInWindow(x.shape, y.shape, kernel, window, (at, output) => add(y, output, get(x, at) / kernel ** 2));
  return y;
}

export function batchNorm(x: NumberTensor, weight: NumberTensor, bias: NumberTensor, epsilon: number): NumberTensor[] {
  const channels = x.shape[1] ?? 0;
  const inside = sizeOf(x.shape.slice(2));
  const channelOf = (i: number) => Math.floor(i / inside) % channels;
  const share = channels / x.data.length;
  const [mean, variance] = [zeros([channels]), zeros([channels])];
  x.data.forEach((value, i) => {
    add(mean, [channelOf(i)], value * share);
  });
  x.data.forEach((value, i) => {
    add(variance, [channelOf(i)], (value - get(mean, [channelOf(i)])) ** 2 * share);
  });
  const data = x.data.map((value, i) => {
    const c = [channelOf(i)];
    const normalized = (value - get(mean, c)) / Math.sqrt(get(variance, c) + epsilon);
    return normalized * get(weight, c) + get(bias, c);
  });
  return [{ shape: x.shape, data }, mean, variance];
}

type Place = readonly number[];

/** Every product of a convolution: an element of x, one of the filters, and the output element they add to. */
function forEachTerm(
  x: Shape,
  weight: Shape,
  output: Shape,
  { stride, padding }: Convolution,
  visit: (at: Place, filter: Place, output: Place) => void,
): void {
  const [filters = 0, channels = 0, kernelHeight = 0, kernelWidth = 0] = weight;
  forEach([...output, channels, kernelHeight, kernelWidth], ([n = 0, o = 0, i = 0, j = 0, c = 0, k = 0, l = 0]) => {
    if (o >= filters) return;
    const [row, column] = [i * stride - padding + k, j * stride - padding + l];
    if (isInside(x, row, column)) visit([n, c, row, column], [o, c, k, l], [n, o, i, j]);
  });
}

function forEachInWindow(
  x: Shape,
  output: Shape,
  kernel: number,
  { stride, padding }: Convolution,
  visit: (at: Place, output: Place) => void,
): void {
  forEach([...output, kernel, kernel], ([n = 0, c = 0, i = 0, j = 0, k = 0, l = 0]) => {
    const [row, column] = [i * stride - padding + k, j * stride - padding + l];
    if (isInside(x, row, column)) visit([n, c, row, column], [n, c, i, j]);
  });
}

function isInside([, , height = 0, width = 0]: Shape, row: number, column: number): boolean {
  return row >= 0 && row < height && column >= 0 && column < width;
}

function pooled([images = 0, channels = 0, height = 0, width = 0]: Shape, kernel: number, window: Convolution): Shape {
  return [images, channels, count(height, kernel, window), count(width, kernel, window)];
}

/** Windows that fit, counted one by one. */
function count(length: number, kernel: number, { stride, padding }: Convolution): number {
  let windows = 0;
  for (let start = -padding; start + kernel <= length + padding; start += stride) windows++;
  return windows;
}

function zeros(shape: Shape): NumberTensor {
  return { shape, data: new Float64Array(sizeOf(shape)) };
}

function get({ shape, data }: NumberTensor, at: Place): number {
  return data[offset(shape, at)] ?? Number.NaN;
}

function add({ shape, data }: NumberTensor, at: Place, value: number): void {
  const index = offset(shape, at);
  data[index] = (data[index] ?? Number.NaN) + value;
}

function offset(shape: Shape, at: Place): number {
  return shape.reduce((sum, size, axis) => sum * size + (at[axis] ?? Number.NaN), 0);
}

function forEach(shape: Shape, visit: (at: Place) => void): void {
  for (let i = 0; i < sizeOf(shape); i++) {
    const at = new Array<number>(shape.length);
    let rest = i;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const size = shape[axis] ?? 1;
      at[axis] = rest % size;
      rest = Math.floor(rest / size);
    }
    visit(at);
  }
}
