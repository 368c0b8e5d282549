import * as ops from '../functions.ts';
import { isFree, knownSize, type Size } from '../sizes.ts';
import { at, type OpRecords } from './record.ts';
import { allFloat, expectShapes, sameShape } from './shapes.ts';

/** Parts of a tensor, and tensors of parts. */
export const slicing: OpRecords<'slice' | 'concat' | 'pad'> = {
  // The gradient stands where the part stood, zeros elsewhere. The reverse walk joins those of parts that touch.
  slice: {
    infer: (inputs, { axis, start, size }) => {
      const { dtype, shape } = at(inputs, 0);
      const whole = shape[axis];
      const fits = whole !== undefined && !isFree(whole) && start >= 0 && size >= 1 && start + size <= whole;
      expectShapes('slice', fits, `${start + size} places or more along axis ${axis}`, inputs);
      return [{ dtype, shape: shape.with(axis, size) }];
    },
    gradient: ({ inputs, attributes: { axis, start, size }, gradient }) => {
      const whole = knownSize(at(at(inputs, 0).shape, axis), 'gradient of slice: the size');
      return [ops.pad(gradient, { axis, before: start, after: whole - start - size })];
    },
    lower: ({ emit, inputs, outputs, attributes: { axis, start, size } }) => {
      const borders = [[start], [start + size], [axis]].map((values) => emit.integers(values));
      emit.into(outputs, 'Slice', [at(inputs, 0), ...borders]);
    },
    lowerTfjs: ({ tf, inputs, attributes: { axis, start, size } }) => {
      const { shape } = at(inputs, 0);
      const begin = shape.map((_, i) => (i === axis ? start : 0));
      return [tf.slice(at(inputs, 0), begin, shape.with(axis, size))];
    },
  },

  // Each part gets the part of the gradient that stands in its place.
  concat: {
    infer: (inputs, { axis }) => {
      const { dtype, shape } = at(inputs, 0);
      const sizes = inputs.map((input) => input.shape[axis]);
      const fits = inputs.every((input) => {
        const isAlike = input.dtype === dtype && input.shape.length === shape.length && axis < shape.length;
        return isAlike && sameShape(input.shape.with(axis, 1), shape.with(axis, 1));
      });
      expectShapes('concat', fits && sizes.every(isNumber), `tensors that differ in axis ${axis} alone`, inputs);
      return [
        {
          dtype,
          shape: shape.with(
            axis,
            sizes.filter(isNumber).reduce((sum, size) => sum + size, 0),
          ),
        },
      ];
    },
    gradient: ({ inputs, attributes: { axis }, gradient }) => {
      let end = 0;
      return inputs.map(({ shape }) => {
        const size = knownSize(at(shape, axis), 'gradient of concat: the size');
        end += size;
        return ops.slice(gradient, { axis, start: end - size, size });
      });
    },
    lower: ({ emit, inputs, outputs, attributes: { axis } }) => emit.into(outputs, 'Concat', inputs, { axis }),
    // TensorFlow.js hands a single tensor back.
    lowerTfjs: ({ tf, inputs, attributes: { axis } }) => [
      inputs.length === 1 ? tf.clone(at(inputs, 0)) : tf.concat([...inputs], axis),
    ],
  },

  pad: {
    infer: (inputs, { axis, before, after }) => {
      const { dtype, shape } = at(inputs, 0);
      const size = shape[axis];
      const fits = allFloat(inputs) && size !== undefined && !isFree(size) && before >= 0 && after >= 0;
      expectShapes('pad', fits, `float32 with a known size along axis ${axis}`, inputs);
      return [{ dtype, shape: shape.with(axis, before + Number(size) + after) }];
    },
    gradient: ({ inputs, attributes: { axis, before }, gradient }) => {
      const size = knownSize(at(at(inputs, 0).shape, axis), 'gradient of pad: the size');
      return [ops.slice(gradient, { axis, start: before, size })];
    },
    lower: ({ emit, inputs, outputs, inputTypes, attributes: { axis, before, after } }) => {
      const { shape } = at(inputTypes, 0);
      const around = [before, after].flatMap((count) => shape.map((_, i) => (i === axis ? count : 0)));
      emit.into(outputs, 'Pad', [at(inputs, 0), emit.integers(around)]);
    },
    lowerTfjs: ({ tf, inputs, attributes: { axis, before, after } }) => {
      const { shape } = at(inputs, 0);
      return [
        tf.pad(
          at(inputs, 0),
          shape.map((_, i) => (i === axis ? [before, after] : [0, 0])),
        ),
      ];
    },
  },
};

function isNumber(size: Size | undefined): size is number {
  return typeof size === 'number';
}
