import type { HostTensor } from '../../core/tensor.ts';
import * as ops from '../functions.ts';
import { elementsOf, isKnownShape, type SymbolicShape, type SymbolicType } from '../sizes.ts';
import type { TfLowering } from '../tfjs.ts';
import type { Reduction } from './attributes.ts';
import { at, noGradient, type OpRecords } from './record.ts';
import { broadcastShapes, expectShapes, sameShape } from './shapes.ts';

/** Reductions, and ops that move elements without changing them. */
export const layout: OpRecords<'sum' | 'max' | 'reshape' | 'broadcast' | 'transpose' | 'stopGradient'> = {
  // d Σx = every dx
  sum: {
    infer: (inputs, reduction) => [reduced('sum', inputs, reduction)],
    gradient: ({ inputs, attributes: { axes }, gradient }) => {
      const { shape } = at(inputs, 0);
      return [ops.broadcast(ops.reshape(gradient, keptShape(shape, axes)), shape)];
    },
    lower: ({ emit, inputs, outputs, inputTypes, outputTypes, attributes: { axes, keepDimensions } }) => {
      const { shape, dtype } = at(inputTypes, 0);
      if (shape.length === 2 && axes.length === 1 && axes[0] === 0 && dtype === 'float32' && isKnownShape(shape)) {
        // A row of ones times the matrix: three times as fast as ReduceSum.
        const count = at(shape, 0);
        const ones = emit.shared(`%ones ${count}`, () => onesRow(count));
        const row = emit.node('MatMul', [ones, at(inputs, 0)]);
        emit.reshape(row, at(outputTypes, 0).shape, outputs);
        return;
      }
      emit.into(outputs, 'ReduceSum', [...inputs, emit.integers(axes)], {
        keepdims: Number(keepDimensions),
        noop_with_empty_axes: 1,
      });
    },
    lowerTfjs: reduceTfjs('sum'),
  },

  // d max x = Σ dx over the largest x / their number
  max: {
    infer: (inputs, reduction) => [reduced('max', inputs, reduction)],
    gradient: ({ inputs, outputs, attributes: { axes }, gradient }) => {
      const x = at(inputs, 0);
      const kept = keptShape(x.shape, axes);
      const isLargest = ops.cast(ops.equal(x, ops.reshape(at(outputs, 0), kept)), 'float32');
      const share = ops.divide(ops.reshape(gradient, kept), ops.sum(isLargest, axes, true));
      return [ops.multiply(isLargest, share)];
    },
    lower: ({ emit, inputs, outputs, attributes: { axes, keepDimensions } }) =>
      emit.into(outputs, 'ReduceMax', [...inputs, emit.integers(axes)], {
        keepdims: Number(keepDimensions),
        noop_with_empty_axes: 1,
      }),
    lowerTfjs: reduceTfjs('max'),
  },

  reshape: {
    infer: (inputs, { shape }) => {
      const input = at(inputs, 0);
      expectShapes(
        'reshape',
        elementsOf(input.shape) === elementsOf(shape),
        `as many elements as [${shape.join(', ')}]`,
        inputs,
      );
      return [{ dtype: input.dtype, shape }];
    },
    gradient: ({ inputs, gradient }) => [ops.reshape(gradient, at(inputs, 0).shape)],
    lower: ({ emit, inputs, outputs, attributes: { shape } }) => {
      emit.reshape(at(inputs, 0), shape, outputs);
    },
    lowerTfjs: ({ tf, inputs, shapeOf, attributes: { shape } }) => [tf.reshape(at(inputs, 0), shapeOf(shape))],
  },

  // The reverse walk sums the gradient down to the input's shape.
  broadcast: {
    infer: (inputs, { shape }) => {
      const input = at(inputs, 0);
      const result = broadcastShapes(input.shape, shape);
      expectShapes(
        'broadcast',
        result !== undefined && sameShape(result, shape),
        `a shape that broadcasts to [${shape.join(', ')}]`,
        inputs,
      );
      return [{ dtype: input.dtype, shape }];
    },
    gradient: ({ gradient }) => [gradient],
    lower: ({ emit, inputs, outputs, attributes: { shape } }) =>
      emit.into(outputs, 'Expand', [...inputs, emit.shape(shape)]),
    lowerTfjs: ({ tf, inputs, shapeOf, attributes: { shape } }) => [tf.broadcastTo(at(inputs, 0), shapeOf(shape))],
  },

  // The inverse permutation takes the gradient back.
  transpose: {
    infer: (inputs, { permutation }) => {
      const { dtype, shape } = at(inputs, 0);
      const fits = sameShape(
        [...permutation].sort((a, b) => a - b),
        shape.map((_, i) => i),
      );
      expectShapes('transpose', fits, `a rank that permutation [${permutation.join(', ')}] fits`, inputs);
      return [{ dtype, shape: permutation.map((axis) => at(shape, axis)) }];
    },
    gradient: ({ attributes: { permutation }, gradient }) => [
      ops.transpose(
        gradient,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      ),
    ],
    lower: ({ emit, inputs, outputs, attributes: { permutation } }) =>
      emit.into(outputs, 'Transpose', inputs, { perm: permutation }),
    lowerTfjs: ({ tf, inputs, attributes: { permutation } }) => [tf.transpose(at(inputs, 0), [...permutation])],
  },

  stopGradient: {
    infer: (inputs) => [{ dtype: at(inputs, 0).dtype, shape: at(inputs, 0).shape }],
    gradient: () => [noGradient],
    lower: ({ emit, inputs, outputs }) => emit.into(outputs, 'Identity', inputs),
    lowerTfjs: ({ tf, inputs }) => [tf.clone(at(inputs, 0))],
  },
};

/** Over no axes it changes nothing; TensorFlow.js would take none for all. */
function reduceTfjs(op: 'sum' | 'max'): TfLowering<Reduction> {
  return ({ tf, inputs, attributes: { axes, keepDimensions } }) => {
    const x = at(inputs, 0);
    return [axes.length === 0 ? tf.clone(x) : tf[op](x, [...axes], keepDimensions)];
  };
}

/** The type of what a reduction gives. */
function reduced(
  op: 'sum' | 'max',
  inputs: readonly SymbolicType[],
  { axes, keepDimensions }: Reduction,
): SymbolicType {
  const { dtype, shape } = at(inputs, 0);
  const fits = axes.every((axis) => axis >= 0 && axis < shape.length);
  expectShapes(op, fits, `axes [${axes}] inside the rank`, inputs);
  const kept = keptShape(shape, axes);
  return { dtype, shape: keepDimensions ? kept : kept.filter((_, axis) => !axes.includes(axis)) };
}

/** The shape with 1 for what is reduced. */
function keptShape(shape: SymbolicShape, axes: readonly number[]): SymbolicShape {
  return shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
}

/** Ones [1, count]. */
function onesRow(count: number): HostTensor<'float32'> {
  return { dtype: 'float32', shape: [1, count], data: new Float32Array(count).fill(1) };
}
