import { sizeOf } from '../../core/tensor.ts';
import * as ops from '../functions.ts';
import { microsoft } from '../onnx.ts';
import { elementsOf, knownSize, quotient } from '../sizes.ts';
import type { TfOps, TfTensor } from '../tfjs.ts';
import type { Value } from '../value.ts';
import { at, type OpRecords } from './record.ts';
import { allFloat, expectShapes, sameShape } from './shapes.ts';

/** Normalizations over the last dimension, and over all but the channels. */
export const normalization: OpRecords<'softmax' | 'layerNorm' | 'addLayerNorm' | 'batchNorm'> = {
  // s = softmax(x): dx = s (ds - Σ s ds)
  softmax: {
    infer: (inputs) => {
      const fits = at(inputs, 0).shape.length > 0 && allFloat(inputs);
      expectShapes('softmax', fits, 'float32 of at least one dimension', inputs);
      return [at(inputs, 0)].map(({ dtype, shape }) => ({ dtype, shape }));
    },
    gradient: ({ outputs, gradient }) => {
      const s = at(outputs, 0);
      const product = ops.multiply(gradient, s);
      const total = ops.sum(product, [s.shape.length - 1], true);
      return [ops.subtract(product, ops.multiply(s, total))];
    },
    lower: ({ emit, inputs, outputs }) => emit.into(outputs, 'Softmax', inputs, { axis: -1 }),
    lowerTfjs: ({ tf, inputs }) => [tf.softmax(at(inputs, 0))],
  },

  // x̂ = (x - mean) / deviation, y = γ x̂ + β. With h = γ dy:
  // dx = (h - mean(h) - x̂ mean(h x̂)) / deviation, dγ = Σ dy x̂, dβ = Σ dy (Ba et al. 2016)
  layerNorm: {
    infer: (inputs) => {
      const [x, scale, shift = scale] = [at(inputs, 0), at(inputs, 1), inputs[2]];
      const width = x.shape.slice(-1);
      const fits = x.shape.length > 0 && sameShape(scale.shape, width) && sameShape(shift.shape, width);
      expectShapes('layerNorm', fits && allFloat(inputs), 'float32 [..., width], [width] and [width]', inputs);
      const statistics = { dtype: 'float32', shape: [...x.shape.slice(0, -1), 1] } as const;
      return [{ dtype: 'float32', shape: x.shape }, statistics, statistics];
    },
    gradient: ({ inputs, outputs, gradient }) => {
      const [x, scale] = [at(inputs, 0), at(inputs, 1)];
      const [mean, inverseDeviation] = [at(outputs, 1), at(outputs, 2)];
      const last = x.shape.length - 1;
      const share = 1 / knownSize(at(x.shape, last), 'gradient of layerNorm: the width');
      const average = (value: typeof x) => ops.scale(ops.sum(value, [last], true), share);
      const normalized = ops.multiply(ops.subtract(x, mean), inverseDeviation);
      const h = ops.multiply(gradient, scale);
      const along = ops.multiply(normalized, average(ops.multiply(h, normalized)));
      const byX = ops.multiply(ops.subtract(ops.subtract(h, average(h)), along), inverseDeviation);
      return [byX, ops.multiply(gradient, normalized), ...inputs.slice(2).map(() => gradient)];
    },
    lower: ({ emit, inputs, outputs, attributes: { epsilon } }) =>
      emit.into(outputs, 'LayerNormalization', inputs, { axis: -1, epsilon: { float: epsilon } }),
    lowerTfjs: ({ tf, inputs, attributes: { epsilon } }) =>
      layerNormTfjs(tf, at(inputs, 0), at(inputs, 1), inputs[2], epsilon),
  },

  // With the means m₁ = mean(dy), m₂ = mean(dy x̂) over a channel: dγ = Σ dy x̂, dβ = Σ dy and
  // dx = γ (dy - m₁ - x̂ m₂) / deviation (Ioffe & Szegedy 2015)
  batchNorm: {
    infer: (inputs) => {
      const [x, scale, shift] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
      const channels = x.shape.slice(1, 2);
      const fits = x.shape.length > 1 && sameShape(scale.shape, channels) && sameShape(shift.shape, channels);
      expectShapes('batchNorm', fits && allFloat(inputs), 'float32 [N, C, ...], [C] and [C]', inputs);
      const statistics = { dtype: 'float32', shape: channels } as const;
      return [{ dtype: 'float32', shape: x.shape }, statistics, statistics];
    },
    gradient: ({ inputs, outputs, attributes: { epsilon }, gradient }) => {
      const [x, scale] = [at(inputs, 0), at(inputs, 1)];
      const { graph, shape } = x;
      const across = (value: typeof x) => ops.reshape(value, [at(shape, 1), ...shape.slice(2).map(() => 1)]);
      const deviation = ops.sqrt(ops.add(at(outputs, 2), graph.scalar(epsilon)));
      const inverse = ops.divide(graph.scalar(1), deviation);
      const centered = ops.subtract(x, across(at(outputs, 1)));
      const byShift = channelSums(gradient);
      const byScale = ops.multiply(channelSums(ops.multiply(gradient, centered)), inverse);
      const share =
        1 / knownSize(quotient(elementsOf(shape), at(shape, 1)), 'gradient of batchNorm: the places of a channel');
      const slope = ops.multiply(scale, inverse);
      const along = ops.scale(ops.multiply(slope, ops.multiply(byScale, inverse)), -share);
      const offset = ops.scale(ops.multiply(slope, byShift), -share);
      const bent = ops.add(ops.multiply(centered, across(along)), across(offset));
      return [ops.add(ops.multiply(gradient, across(slope)), bent), byScale, byShift];
    },
    // Without momentum the running statistics that come out are those of the batch. ONNX Runtime writes them over the
    // ones that come in, so those are made for each node, of something that no other node has: the first of x.
    lower: ({ emit, inputs, outputs, inputTypes, attributes: { epsilon } }) => {
      const { shape } = at(inputTypes, 0);
      const starts = emit.integers(shape.map(() => 0));
      const ends = emit.shape(shape.map((size, axis) => (axis === 1 ? size : 1)));
      const first = emit.node('Slice', [at(inputs, 0), starts, ends]);
      const some = emit.reshape(first, [at(shape, 1)]);
      const statistics = [emit.node('Neg', [some]), emit.node('Abs', [some])];
      const attributes = { epsilon: { float: epsilon }, momentum: { float: 0 }, training_mode: 1 };
      emit.into(outputs, 'BatchNormalization', [...inputs, ...statistics], attributes);
    },
    lowerTfjs: ({ tf, inputs, attributes: { epsilon } }) => {
      const [x, scale, shift] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
      const [images, channels] = [at(x.shape, 0), at(x.shape, 1)];
      const places = sizeOf(x.shape) / channels;
      // First over what lies within a channel: TensorFlow.js adds up in float32, one after the other.
      const average = (value: TfTensor) => tf.mul(tf.sum(tf.sum(value, [2], true), [0], true), tf.scalar(1 / places));
      const planes = tf.reshape(x, [images, channels, places / images]);
      // What the first mean is off by is small, so that its own mean is exact enough.
      const rough = average(planes);
      const around = tf.sub(planes, rough);
      const rest = average(around);
      const centered = tf.sub(around, rest);
      const variance = average(tf.mul(centered, centered));
      const across = (value: TfTensor) => tf.reshape(value, [1, channels, 1]);
      const deviation = tf.sqrt(tf.add(variance, tf.scalar(epsilon)));
      const normalized = tf.add(tf.mul(tf.div(centered, deviation), across(scale)), across(shift));
      const statistics = [tf.add(rough, rest), variance].map((value) => tf.reshape(value, [channels]));
      return [tf.reshape(normalized, x.shape), ...statistics];
    },
  },

  addLayerNorm: {
    infer: (inputs) => {
      const [x, residual, scale, shift] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), at(inputs, 3)];
      const width = x.shape.slice(-1);
      const fits = x.shape.length === 2 && sameShape(residual.shape, x.shape);
      expectShapes(
        'addLayerNorm',
        fits && sameShape(scale.shape, width) && sameShape(shift.shape, width) && allFloat(inputs),
        'float32 [N, width] twice and [width] twice',
        inputs,
      );
      return [{ dtype: 'float32', shape: x.shape }];
    },
    gradient: 'not differentiable',
    lower: ({ emit, inputs, outputs, attributes: { epsilon } }) =>
      emit.into(outputs, 'SkipLayerNormalization', inputs, { epsilon: { float: epsilon } }, microsoft),
    lowerTfjs: ({ tf, inputs, attributes: { epsilon } }) => {
      const summed = tf.add(at(inputs, 0), at(inputs, 1));
      return layerNormTfjs(tf, summed, at(inputs, 2), at(inputs, 3), epsilon).slice(0, 1);
    },
  },
};

/** [N, C, ...] -> [C]; first over what lies within a channel, which is contiguous. */
function channelSums(x: Value): Value {
  const { shape } = x;
  if (shape.length === 2) return ops.sum(x, [0]);
  const within = ops.reshape(x, [at(shape, 0), at(shape, 1), elementsOf(shape.slice(2))]);
  return ops.sum(ops.sum(within, [2]), [0]);
}

/** Normalized, mean and inverse deviation over the last dimension. */
function layerNormTfjs(
  tf: TfOps,
  x: TfTensor,
  scale: TfTensor,
  shift: TfTensor | undefined,
  epsilon: number,
): TfTensor[] {
  const last = x.shape.length - 1;
  const average = (value: TfTensor) => tf.mul(tf.sum(value, [last], true), tf.scalar(1 / at(x.shape, last)));
  const mean = average(x);
  const centered = tf.sub(x, mean);
  const variance = average(tf.mul(centered, centered));
  const inverse = tf.div(tf.scalar(1), tf.sqrt(tf.add(variance, tf.scalar(epsilon))));
  const scaled = tf.mul(tf.mul(centered, inverse), scale);
  return [shift ? tf.add(scaled, shift) : scaled, mean, inverse];
}
