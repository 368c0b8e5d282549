import { sizeOf } from '../../core/tensor.ts';
import * as ops from '../functions.ts';
import { elementsOf, product, type SymbolicShape, type SymbolicType } from '../sizes.ts';
import type { TfOps, TfTensor } from '../tfjs.ts';
import type { Convolution, Pooling } from './attributes.ts';
import { onnxWindow, type Plane, paddedTfjs, planeOf, windowCount, windowTfjs } from './convolution.ts';
import { rangeTfjs } from './indexing.ts';
import { at, type OpRecords } from './record.ts';
import { expectShapes, sameShape } from './shapes.ts';

/** One element for each square window of [N, C, H, W]. */
export const pooling: OpRecords<'maxPool2d' | 'maxPool2dGradient' | 'averagePool2d'> = {
  // The gradient goes to the element that was the largest, the first of equal ones.
  maxPool2d: {
    infer: (inputs, attributes) => {
      const shape = pooledShape('maxPool2d', inputs, attributes);
      return [
        { dtype: 'float32', shape },
        { dtype: 'int64', shape },
      ];
    },
    gradient: ({ inputs, outputs, gradient }) => {
      return [ops.maxPool2dGradient(gradient, at(outputs, 1), { size: planeOf(at(inputs, 0).shape) })];
    },
    lower: ({ emit, inputs, outputs, attributes: { kernel, ...window } }) =>
      emit.into(outputs, 'MaxPool', inputs, { kernel_shape: [kernel, kernel], ...onnxWindow(window) }),
    // The largest of the windows' elements, one place in them after the other, and where it was.
    lowerTfjs: ({ tf, inputs, attributes: { kernel, stride, padding } }) => {
      const x = at(inputs, 0);
      const [, , height, width] = x.shape as Plane;
      const counts = [height, width].map((length) => windowCount(length, kernel, { stride, padding }));
      const [rows, columns] = [at(counts, 0), at(counts, 1)];
      const padded = paddedTfjs(tf, x, padding, Number.NEGATIVE_INFINITY);
      const first = firstIndices(tf, x.shape as Plane, [rows, columns], { stride, padding });
      const elementAt = (top: number, left: number) => windowTfjs(tf, padded, [top, left], [rows, columns], stride);
      let [largest, indices] = [elementAt(0, 0), first];
      for (let k = 1; k < kernel ** 2; k++) {
        const [top, left] = [Math.floor(k / kernel), k % kernel];
        const element = elementAt(top, left);
        const isLarger = tf.greater(element, largest);
        largest = tf.where(isLarger, element, largest);
        indices = tf.where(isLarger, tf.add(first, tf.scalar(top * width + left, 'int32')), indices);
      }
      return [largest, indices];
    },
  },

  maxPool2dGradient: {
    infer: (inputs, { size }) => {
      const [gradient, indices] = [at(inputs, 0), at(inputs, 1)];
      const fits = gradient.shape.length === 4 && sameShape(gradient.shape, indices.shape);
      const types = gradient.dtype === 'float32' && indices.dtype === 'int64';
      expectShapes('maxPool2dGradient', fits && types, "float32 [N, C, H', W'] and int64 indices of its shape", inputs);
      return [{ dtype: 'float32', shape: [...gradient.shape.slice(0, 2), ...size] }];
    },
    gradient: 'not differentiable',
    lower: ({ emit, inputs, outputs, inputTypes, outputTypes }) => {
      const { shape } = at(outputTypes, 0);
      const flat = (i: number) => emit.reshape(at(inputs, i), [elementsOf(at(inputTypes, i).shape)]);
      const gradients = flat(0);
      // Zeros that the engine makes, not the model's file.
      const zeros = emit.node('ConstantOfShape', [emit.shape([elementsOf(shape)])]);
      const added = emit.node('ScatterElements', [zeros, flat(1), gradients], {
        axis: 0,
        reduction: 'add',
      });
      emit.reshape(added, shape, outputs);
    },
    lowerTfjs: ({ tf, inputs, attributes: { size } }) => {
      const [gradient, indices] = [at(inputs, 0), at(inputs, 1)];
      const [count, shape] = [sizeOf(gradient.shape), [...gradient.shape.slice(0, 2), ...size]];
      const added = tf.scatterND(tf.reshape(indices, [count, 1]), tf.reshape(gradient, [count]), [sizeOf(shape)]);
      return [tf.reshape(added, shape)];
    },
  },

  // Every element of a window gets 1 / kernel² of its gradient: the adjoint of a convolution with such a filter.
  averagePool2d: {
    infer: (inputs, attributes) => [{ dtype: 'float32', shape: pooledShape('averagePool2d', inputs, attributes) }],
    gradient: ({ inputs, attributes: { kernel, ...window }, gradient }) => {
      const { shape } = at(inputs, 0);
      const filter = gradient.graph.constant({
        dtype: 'float32',
        shape: [1, 1, kernel, kernel],
        data: new Float32Array(kernel ** 2).fill(1 / kernel ** 2),
      });
      const planes = ops.reshape(gradient, [product(at(shape, 0), at(shape, 1)), 1, ...gradient.shape.slice(2)]);
      const spread = ops.conv2dInputGradient(planes, filter, { ...window, size: planeOf(shape) });
      return [ops.reshape(spread, shape)];
    },
    lower: ({ emit, inputs, outputs, attributes: { kernel, ...window } }) =>
      emit.into(outputs, 'AveragePool', inputs, {
        kernel_shape: [kernel, kernel],
        count_include_pad: 1,
        ...onnxWindow(window),
      }),
    lowerTfjs: ({ tf, inputs, attributes: { kernel, stride, padding } }) => {
      const x = paddedTfjs(tf, at(inputs, 0), padding);
      const [images, channels, height, width] = x.shape as Plane;
      const pooled = tf.avgPool(tf.reshape(x, [images * channels, height, width, 1]), kernel, stride, 'valid');
      return [tf.reshape(pooled, [images, channels, ...pooled.shape.slice(1, 3)])];
    },
  },
};

function pooledShape(op: string, inputs: readonly SymbolicType[], attributes: Pooling): SymbolicShape {
  const { dtype, shape } = at(inputs, 0);
  const { kernel, padding } = attributes;
  const isImage = dtype === 'float32' && shape.length === 4;
  const fits = isImage && planeOf(shape, op).every((length) => kernel <= length + 2 * padding);
  const expected = `float32 [N, C, H, W] that a window of ${kernel} fits, with at most half of it over the edge`;
  expectShapes(op, fits && padding <= kernel / 2, expected, inputs);
  return [...shape.slice(0, 2), ...planeOf(shape).map((length) => windowCount(length, kernel, attributes))];
}

/** Flat index in [N, C, H, W] of where each window begins, int32 [N, C, H', W']; with padding, that may be before it. */
function firstIndices(
  tf: TfOps,
  [images, channels, height, width]: Plane,
  [rows, columns]: readonly [number, number],
  { stride, padding }: Convolution,
): TfTensor {
  const planes = rangeTfjs(tf, images * channels, height * width);
  const places = Int32Array.from({ length: rows * columns }, (_, place) => {
    const [row, column] = [Math.floor(place / columns), place % columns];
    return (row * stride - padding) * width + column * stride - padding;
  });
  const plane = tf.tensor(places, [1, 1, rows, columns], 'int32');
  return tf.add(tf.reshape(planes, [images, channels, 1, 1]), plane);
}
