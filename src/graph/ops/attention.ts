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
  },
};
