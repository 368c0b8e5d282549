import { microsoft } from '../onnx.ts';
import { isFree, product } from '../sizes.ts';
import { at, type OpRecords } from './record.ts';
import { allFloat, expectShapes, sameShape } from './shapes.ts';

/** Attention as one op, for graphs that are used and not trained. */
export const attention: OpRecords<'attention'> = {
  attention: {
    infer: (inputs, { rows, width, heads }) => {
      const { shape } = at(inputs, 0);
      const [count, size = 0] = shape;
      const fitsHeads = !isFree(size) && size % heads === 0;
      const fits = shape.length === 2 && count === product(rows, width) && fitsHeads;
      const alike = inputs.slice(0, 3).every((input) => sameShape(input.shape, shape));
      expectShapes(
        'attention',
        fits && alike && sameShape(at(inputs, 3).shape, [rows, 1, width, width]) && allFloat(inputs),
        `three float32 [${product(rows, width)}, heads · size] for ${heads} heads and [${rows}, 1, ${width}, ${width}]`,
        inputs,
      );
      return [{ dtype: 'float32', shape }];
    },
    gradient: 'not differentiable',
    lower: ({ emit, inputs, outputs, inputTypes, attributes: { rows, width, heads } }) => {
      const { shape } = at(inputTypes, 0);
      const blocks = emit.shape([rows, width, at(shape, 1)]);
      const [query, key, value, bias] = inputs.map((name, i) => (i < 3 ? emit.node('Reshape', [name, blocks]) : name));
      const operands = [query ?? '', key ?? '', value ?? '', '', '', bias ?? ''];
      const context = emit.node('MultiHeadAttention', operands, { num_heads: heads }, microsoft);
      emit.reshape(context, shape, outputs);
    },
    lowerTfjs: ({ tf, inputs, shapeOf, attributes: { rows, width, heads } }) => {
      const [blocks = 0, length = 0] = shapeOf([rows, width]);
      const { shape } = at(inputs, 0);
      const size = at(shape, 1) / heads;
      const headsOf = (i: number) => {
        const split = tf.reshape(at(inputs, i), [blocks, length, heads, size]);
        return tf.reshape(tf.transpose(split, [0, 2, 1, 3]), [blocks * heads, length, size]);
      };
      const products = tf.reshape(tf.matMul(headsOf(0), headsOf(1), false, true), [blocks, heads, length, length]);
      const scores = tf.add(tf.mul(products, tf.scalar(1 / Math.sqrt(size))), at(inputs, 3));
      const weights = tf.reshape(tf.softmax(scores), [blocks * heads, length, length]);
      const context = tf.reshape(tf.matMul(weights, headsOf(2)), [blocks, heads, length, size]);
      return [tf.reshape(tf.transpose(context, [0, 2, 1, 3]), shape)];
    },
  },
};
