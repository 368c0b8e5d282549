import * as ops from '../functions.ts';
import { type Emitter, microsoft } from '../onnx.ts';
import { knownSize, type SymbolicShape } from '../sizes.ts';
import type { TfOps, TfTensor } from '../tfjs.ts';
import type { Convolution } from './attributes.ts';
import { at, type OpRecords } from './record.ts';
import { allFloat, expectShapes, sameShape } from './shapes.ts';

/** Convolutions over [N, C, H, W] and what their gradients are made of. */
export const convolution: OpRecords<'conv2d' | 'conv2dInputGradient' | 'conv2dWeightGradient'> = {
  // Linear in x and in the filters W; db = Σ dy
  conv2d: {
    infer: (inputs, attributes) => {
      const [x, weight, bias] = [at(inputs, 0).shape, at(inputs, 1).shape, inputs[2]?.shape];
      const fits =
        x.length === 4 && weight.length === 4 && x[1] === weight[1] && fitsWindow('conv2d', x, weight, attributes);
      const fitsBias = bias === undefined || sameShape(bias, weight.slice(0, 1));
      const expected = `float32 [N, C, H, W], filters [O, C, h, w] over the padding${inputs[2] ? ' and [O]' : ''}`;
      expectShapes('conv2d', fits && fitsBias && allFloat(inputs), expected, inputs);
      const kernel = planeOf(weight);
      const size = planeOf(x).map((length, i) => windowCount(length, at(kernel, i), attributes));
      return [{ dtype: 'float32', shape: [at(x, 0), at(weight, 0), ...size] }];
    },
    gradient: ({ inputs, attributes: { stride, padding }, gradient }) => {
      const [x, weight] = [at(inputs, 0), at(inputs, 1)];
      const byX = ops.conv2dInputGradient(gradient, weight, { stride, padding, size: planeOf(x.shape) });
      const byWeight = ops.conv2dWeightGradient(x, gradient, { stride, padding, kernel: planeOf(weight.shape) });
      return inputs.length > 2 ? [byX, byWeight, ops.sum(ops.sum(gradient, [2, 3]), [0])] : [byX, byWeight];
    },
    lower: ({ emit, inputs, outputs, attributes }) => emit.into(outputs, 'Conv', inputs, onnxWindow(attributes)),
    lowerTfjs: ({ tf, inputs, attributes: { stride, padding } }) => {
      const [x, filters, bias] = [at(inputs, 0), at(inputs, 1), inputs[2]];
      const images = tf.transpose(paddedTfjs(tf, x, padding), channelsLast);
      const result = tf.conv2d(images, tf.transpose(filters, filtersLast), stride, 'valid');
      return [tf.transpose(bias ? tf.add(result, bias) : result, channelsFirst)];
    },
  },

  // The adjoint of conv2d in x: its gradient by g is conv2d itself.
  conv2dInputGradient: {
    infer: (inputs, { size, ...attributes }) => {
      const [gradient, weight] = [at(inputs, 0).shape, at(inputs, 1).shape];
      const x = [at(gradient, 0), weight[1] ?? 0, ...size];
      const ranks = gradient.length === 4 && weight.length === 4 && gradient[1] === weight[0];
      const fits =
        ranks &&
        fitsWindow('conv2dInputGradient', x, weight, attributes) &&
        fitsOutput('conv2dInputGradient', gradient, x, weight, attributes);
      const expected = `float32 [N, O, H', W'] of an input of [${size.join(', ')}] and filters [O, C, h, w]`;
      expectShapes('conv2dInputGradient', fits && allFloat(inputs), expected, inputs);
      return [{ dtype: 'float32', shape: x }];
    },
    gradient: ({ inputs, attributes: { stride, padding }, gradient }) => {
      const [g, weight] = [at(inputs, 0), at(inputs, 1)];
      const kernel = planeOf(weight.shape);
      return [
        ops.conv2d(gradient, weight, { stride, padding }),
        ops.conv2dWeightGradient(gradient, g, { stride, padding, kernel }),
      ];
    },
    // With a stride of 1 a convolution with turned filters, which runs twice as fast as ConvTranspose.
    lower: ({ emit, inputs, outputs, inputTypes, attributes: { stride, padding, size } }) => {
      const [gradient, weight] = [at(inputTypes, 0).shape, at(inputTypes, 1).shape];
      const kernel = planeOf(weight);
      if (stride === 1) {
        const turned = emit.node('Transpose', [reversedPlanes(emit, at(inputs, 1), kernel)], { perm: [1, 0, 2, 3] });
        const pads = kernel.map((length) => length - 1 - padding);
        return emit.into(outputs, 'Conv', [at(inputs, 0), turned], { pads: [...pads, ...pads] });
      }
      const windows = planeOf(gradient);
      const rest = size.map((length, i) => length - ((at(windows, i) - 1) * stride - 2 * padding + at(kernel, i)));
      emit.into(outputs, 'ConvTranspose', inputs, { ...onnxWindow({ stride, padding }), output_padding: rest });
    },
    // By the padded x, whose padding goes.
    lowerTfjs: ({ tf, inputs, attributes: { stride, padding, size } }) => {
      const [gradient, filters] = [at(inputs, 0), at(inputs, 1)];
      const [images, channels] = [at(gradient.shape, 0), at(filters.shape, 1)];
      const [height, width] = size;
      const padded = tf.conv2dTranspose(
        tf.transpose(gradient, channelsLast),
        tf.transpose(filters, filtersLast),
        [images, height + 2 * padding, width + 2 * padding, channels],
        stride,
        'valid',
      );
      const inside =
        padding > 0 ? tf.slice(padded, [0, padding, padding, 0], [images, height, width, channels]) : padded;
      return [tf.transpose(inside, channelsFirst)];
    },
  },

  // dW[o, c, i, j] = Σ over images and places of dy[o] · x[c], shifted by (i, j)
  conv2dWeightGradient: {
    infer: (inputs, { kernel, ...attributes }) => {
      const [x, gradient] = [at(inputs, 0).shape, at(inputs, 1).shape];
      const weight = [gradient[1] ?? 0, x[1] ?? 0, ...kernel];
      const ranks = x.length === 4 && gradient.length === 4 && x[0] === gradient[0];
      const fits =
        ranks &&
        fitsWindow('conv2dWeightGradient', x, weight, attributes) &&
        fitsOutput('conv2dWeightGradient', gradient, x, weight, attributes);
      const expected = `float32 [N, C, H, W] and the gradient of a convolution with a kernel of [${kernel.join(', ')}]`;
      expectShapes('conv2dWeightGradient', fits && allFloat(inputs), expected, inputs);
      return [{ dtype: 'float32', shape: weight }];
    },
    gradient: 'not differentiable',
    // One product an image and shift: a convolution over transposed tensors takes several times as long.
    lower: ({ emit, inputs, outputs, inputTypes, attributes: { stride, padding, kernel } }) => {
      const [x, gradient] = [at(inputTypes, 0).shape, at(inputTypes, 1).shape];
      const [images, channels, filters] = [at(x, 0), at(x, 1), at(gradient, 1)];
      const [height, width] = planeOf(gradient);
      const rows = emit.reshape(at(inputs, 1), [images, filters, height * width]);
      const padded = padding > 0 ? paddedPlanes(emit, at(inputs, 0), padding) : at(inputs, 0);
      const whole = padding === 0 && stride === 1 && sameShape(planeOf(x), planeOf(gradient));
      const shifts = Array.from({ length: kernel[0] * kernel[1] }, (_, k) => {
        const [top, left] = [Math.floor(k / kernel[1]), k % kernel[1]];
        const starts = emit.integers([top, left]);
        const ends = emit.integers([top + (height - 1) * stride + 1, left + (width - 1) * stride + 1]);
        const steps = emit.integers([stride, stride]);
        const window = whole ? padded : emit.node('Slice', [padded, starts, ends, emit.integers([2, 3]), steps]);
        const columns = emit.reshape(window, [images, channels, height * width]);
        const products = emit.node('FusedMatMul', [rows, columns], { transB: 1 }, microsoft);
        const sum = emit.node('ReduceSum', [products, emit.integers([0])], { keepdims: 0 });
        return emit.reshape(sum, [filters, channels, 1]);
      });
      const stacked = shifts.length > 1 ? emit.node('Concat', shifts, { axis: 2 }) : at(shifts, 0);
      emit.reshape(stacked, [filters, channels, ...kernel], outputs);
    },
    // One product a shift here, too: not every backend has a kernel for it.
    lowerTfjs: ({ tf, inputs, attributes: { stride, padding, kernel } }) => {
      const [x, gradient] = [at(inputs, 0), at(inputs, 1)];
      const [images, filters, height, width] = [0, 1, 2, 3].map((axis) => at(gradient.shape, axis)) as Plane;
      const channels = at(x.shape, 1);
      const places = images * height * width;
      const last = (planes: TfTensor, count: number) => tf.reshape(tf.transpose(planes, channelsLast), [places, count]);
      const rows = last(gradient, filters);
      const padded = paddedTfjs(tf, x, padding);
      const shifts = Array.from({ length: kernel[0] * kernel[1] }, (_, k) => {
        const start = [Math.floor(k / kernel[1]), k % kernel[1]] as const;
        const window = windowTfjs(tf, padded, start, [height, width], stride);
        return tf.matMul(rows, last(window, channels), true, false);
      });
      return [tf.reshape(tf.stack(shifts, 2), [filters, channels, ...kernel])];
    },
  },
};

/** How many windows fit into a padded length. */
export function windowCount(length: number, kernel: number, { stride, padding }: Convolution): number {
  return Math.floor((length + 2 * padding - kernel) / stride) + 1;
}

/** ONNX's attributes of a window. */
export function onnxWindow({ stride, padding }: Convolution): { strides: number[]; pads: number[] } {
  return { strides: [stride, stride], pads: [padding, padding, padding, padding] };
}

/** Height and width of [..., ..., H, W]. @throws when a run is to tell them: windows are counted before */
export function planeOf(shape: SymbolicShape, op = 'windows'): [number, number] {
  return [knownSize(at(shape, 2), `${op}: the height`), knownSize(at(shape, 3), `${op}: the width`)];
}

function fitsWindow(op: string, x: SymbolicShape, weight: SymbolicShape, { padding }: Convolution): boolean {
  const lengths = planeOf(x, op);
  return planeOf(weight, op).every((kernel, i) => padding < kernel && kernel <= at(lengths, i) + 2 * padding);
}

function fitsOutput(
  op: string,
  gradient: SymbolicShape,
  x: SymbolicShape,
  weight: SymbolicShape,
  attributes: Convolution,
): boolean {
  const [lengths, kernel] = [planeOf(x), planeOf(weight)];
  return planeOf(gradient, op).every((count, i) => count === windowCount(at(lengths, i), at(kernel, i), attributes));
}

/** The filters upside down and back to front. */
function reversedPlanes(emit: Emitter, weight: string, kernel: readonly number[]): string {
  if (kernel.every((length) => length === 1)) return weight;
  const [starts, ends] = [emit.integers([-1, -1]), emit.integers([-(2 ** 31), -(2 ** 31)])];
  return emit.node('Slice', [weight, starts, ends, emit.integers([2, 3]), emit.integers([-1, -1])]);
}

function paddedPlanes(emit: Emitter, x: string, padding: number): string {
  return emit.node('Pad', [x, emit.integers([0, 0, padding, padding, 0, 0, padding, padding])]);
}

/** Sizes of [N, C, H, W]. */
export type Plane = [images: number, channels: number, height: number, width: number];

/** Permutations: [N, C, H, W] to [N, H, W, C] and back, and filters [O, C, h, w] to [h, w, C, O]. */
const channelsLast = [0, 2, 3, 1];
const channelsFirst = [0, 3, 1, 2];
const filtersLast = [2, 3, 1, 0];

/** [N, C, H, W] with the same number all around each plane. */
export function paddedTfjs(tf: TfOps, x: TfTensor, padding: number, value = 0): TfTensor {
  const around: [number, number] = [padding, padding];
  return padding > 0 ? tf.pad(x, [[0, 0], [0, 0], around, around], value) : x;
}

/** One element of each window of [N, C, H, W]: that at `start` of it -> [N, C, H', W']. */
export function windowTfjs(
  tf: TfOps,
  x: TfTensor,
  start: readonly [number, number],
  counts: readonly [number, number],
  stride: number,
): TfTensor {
  const [images, channels] = [at(x.shape, 0), at(x.shape, 1)];
  const begin = [0, 0, ...start];
  if (stride === 1) return tf.slice(x, begin, [images, channels, ...counts]);
  const end = counts.map((count, i) => at(start, i) + (count - 1) * stride + 1);
  return tf.stridedSlice(x, begin, [images, channels, ...end], [1, 1, stride, stride]);
}
