import * as ops from '../functions.ts';
import { microsoft } from '../onnx.ts';
import { isFree } from '../sizes.ts';
import { onnxType } from './elementwise.ts';
import { at, noGradient, type OpRecords } from './record.ts';
import { allFloat, expectShapes, sameShape } from './shapes.ts';

/** Rotary positions. */
export const rotary: OpRecords<'rotary'> = {
  // Turning is orthogonal: the gradient is turned back, by the angles with the other sign.
  rotary: {
    infer: (inputs) => {
      const [x, positions, cosines, sines] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), at(inputs, 3)];
      const [count, width = 0] = x.shape;
      const half = cosines.shape[1] ?? 0;
      const isWhole = !isFree(width) && !isFree(half) && half > 0 && width % (2 * half) === 0;
      const fits = isWhole && x.shape.length === 2 && cosines.shape.length === 2 && positions.dtype === 'int32';
      const isAlike = sameShape(positions.shape, [count ?? 0]) && sameShape(cosines.shape, sines.shape);
      expectShapes(
        'rotary',
        fits && isAlike && allFloat([x, cosines, sines]),
        'float32 [N, heads · size], int32 [N] and float32 [places, size / 2] twice',
        inputs,
      );
      return [{ dtype: 'float32', shape: x.shape }];
    },
    gradient: ({ inputs, gradient }) => {
      const [positions, cosines, sines] = [at(inputs, 1), at(inputs, 2), at(inputs, 3)];
      const back = ops.rotary(gradient, positions, cosines, ops.negate(sines));
      return [back, noGradient, noGradient, noGradient];
    },
    // A row is a sequence of one token: sequences may be no longer than the tables.
    lower: ({ emit, inputs, outputs, inputTypes }) => {
      const { shape } = at(inputTypes, 0);
      const [count, width] = [at(shape, 0), at(shape, 1)];
      const tokens = emit.reshape(at(inputs, 0), [count, 1, width]);
      const positions = emit.reshape(emit.node('Cast', [at(inputs, 1)], { to: onnxType.int64 }), [count, 1]);
      const operands = [tokens, positions, at(inputs, 2), at(inputs, 3)];
      emit.reshape(emit.node('RotaryEmbedding', operands, {}, microsoft), shape, outputs);
    },
    lowerTfjs: ({ tf, inputs }) => {
      const [x, positions, cosines, sines] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), at(inputs, 3)];
      const [count, half] = [at(x.shape, 0), at(cosines.shape, 1)];
      const heads = at(x.shape, 1) / (2 * half);
      const pairs = tf.reshape(x, [count, heads, 2, half]);
      const part = (i: number) => tf.slice(pairs, [0, 0, i, 0], [count, heads, 1, half]);
      const angle = (table: typeof x) => tf.reshape(tf.gather(table, positions), [count, 1, 1, half]);
      const [cosine, sine, first, second] = [angle(cosines), angle(sines), part(0), part(1)];
      const turned = [
        tf.sub(tf.mul(first, cosine), tf.mul(second, sine)),
        tf.add(tf.mul(second, cosine), tf.mul(first, sine)),
      ];
      return [tf.reshape(tf.concat(turned, 2), x.shape)];
    },
  },
};
