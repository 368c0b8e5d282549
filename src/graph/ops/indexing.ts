import type { HostTensor } from '../../core/tensor.ts';
import * as ops from '../functions.ts';
import type { Emitter } from '../onnx.ts';
import { elementsOf, isFree, product, type SymbolicShape } from '../sizes.ts';
import type { TfOps, TfTensor } from '../tfjs.ts';
import { onnxType } from './elementwise.ts';
import { at, noGradient, type OpRecords } from './record.ts';
import { expectShapes, sameShape } from './shapes.ts';

/** Reading and adding rows by index. */
export const indexing: OpRecords<'range' | 'gatherRows' | 'scatterRows'> = {
  range: {
    infer: (_, { count, step }) => {
      const fits = isFree(step) || (step >= 1 && (isFree(count) || count * step < 2 ** 31));
      if (!fits) throw new Error(`range: expected steps of at least 1 to an int32, got ${count} of ${step}`);
      return [{ dtype: 'int32', shape: [count] }];
    },
    gradient: 'not differentiable',
    lower: ({ emit, outputs, attributes: { count, step } }) =>
      emit.into(outputs, 'Range', [emit.size(0), emit.size(product(count, step)), emit.size(step)]),
    lowerTfjs: ({ tf, shapeOf, attributes }) => {
      const [count = 0, step = 0] = shapeOf([attributes.count, attributes.step]);
      return [rangeTfjs(tf, count, step)];
    },
  },

  // Row r of the table gets the sum of the gradients of all places that read it.
  gatherRows: {
    infer: (inputs) => {
      const [table, indices] = [at(inputs, 0), at(inputs, 1)];
      const fits = table.shape.length === 2 && indices.dtype === 'int32';
      expectShapes('gatherRows', fits, 'a table [rows, width] and int32 indices', inputs);
      return [{ dtype: table.dtype, shape: [...indices.shape, at(table.shape, 1)] }];
    },
    gradient: ({ inputs, gradient }) => {
      const [rows, width] = [at(at(inputs, 0).shape, 0), at(at(inputs, 0).shape, 1)];
      const indices = at(inputs, 1);
      const count = elementsOf(indices.shape);
      const flat = ops.reshape(gradient, [count, width]);
      return [ops.scatterRows(ops.reshape(indices, [count]), flat, rows), noGradient];
    },
    lower: ({ emit, inputs, outputs }) => emit.into(outputs, 'Gather', inputs, { axis: 0 }),
    lowerTfjs: ({ tf, inputs }) => [tf.gather(at(inputs, 0), at(inputs, 1))],
    weightInput: 0,
    lowerQuantized: ({ emit, inputs, outputs, scales }) => {
      const codes = emit.node('Gather', inputs, { axis: 0 });
      const factors = emit.node('Gather', [scales, at(inputs, 1)], { axis: 0 });
      emit.into(outputs, 'Mul', [emit.node('Cast', [codes], { to: onnxType.float32 }), factors]);
    },
  },

  // d update[i] = gradient of the row it was added to
  scatterRows: {
    infer: (inputs, { rows }) => {
      const [indices, updates, table] = [at(inputs, 0), at(inputs, 1), inputs[2]];
      const fits = indices.shape.length === 1 && updates.shape.length === 2 && indices.shape[0] === updates.shape[0];
      const shape = [rows, updates.shape[1] ?? 0];
      const fitsTable = !table || (table.dtype === 'float32' && sameShape(table.shape, shape));
      expectShapes(
        'scatterRows',
        fits && fitsTable && indices.dtype === 'int32' && updates.dtype === 'float32',
        `int32 indices [n] and float32 updates [n, width]${table ? ` for a float32 table [${rows}, width]` : ''}`,
        inputs,
      );
      return [{ dtype: 'float32', shape }];
    },
    gradient: ({ inputs, gradient }) => {
      const byUpdates = ops.gatherRows(gradient, at(inputs, 0));
      return inputs.length > 2 ? [noGradient, byUpdates, gradient] : [noGradient, byUpdates];
    },
    // A small table is a product with a matrix of zeros and ones, which is several times as fast. Else ScatterElements,
    // not ScatterND: the latter races in ONNX Runtime when indices repeat.
    lower: ({ emit, inputs, outputs, inputTypes, outputTypes }) => {
      const count = at(at(inputTypes, 0).shape, 0);
      const { shape } = at(outputTypes, 0);
      const rows = at(shape, 0);
      if (!isFree(rows) && rows <= smallTableRows) {
        const numbers = emit.shared(`%rows ${rows}`, () => rowNumbers(rows));
        const wanted = emit.reshape(at(inputs, 0), [1, count]);
        const chosen = emit.node('Cast', [emit.node('Equal', [numbers, wanted])], { to: onnxType.float32 });
        emit.into(outputs, 'Gemm', [chosen, at(inputs, 1), ...inputs.slice(2)]);
        return;
      }
      const column = emit.reshape(at(inputs, 0), [count, 1]);
      const indices = emit.node('Expand', [column, emit.shape([count, at(shape, 1)])]);
      const table = inputs[2] ?? zeroTable(emit, at(inputs, 0), shape);
      emit.into(outputs, 'ScatterElements', [table, indices, at(inputs, 1)], { axis: 0, reduction: 'add' });
    },
    lowerTfjs: ({ tf, inputs, shapeOf, attributes: { rows } }) => {
      const [indices, updates, table] = [at(inputs, 0), at(inputs, 1), inputs[2]];
      const [count = 0, width = 0] = updates.shape;
      const sums = tf.scatterND(tf.reshape(indices, [count, 1]), updates, [...shapeOf([rows]), width]);
      return [table ? tf.add(table, sums) : sums];
    },
  },
};

/** 0, step, 2 step, ...: int32 [count], made on the host: products of int32 lose their low bits in TensorFlow.js. */
export function rangeTfjs(tf: TfOps, count: number, step = 1): TfTensor {
  return tf.tensor(
    Int32Array.from({ length: count }, (_, i) => i * step),
    [count],
    'int32',
  );
}

/** Zeros made from an input: constant ones would be stored with the model and copied at every run. */
function zeroTable(emit: Emitter, indices: string, shape: SymbolicShape): string {
  const first = emit.node('Gather', [indices, emit.integers([0])]);
  const zero = emit.node('Cast', [emit.node('Sub', [first, first])], { to: onnxType.float32 });
  return emit.node('Expand', [zero, emit.shape(shape)]);
}

/** Rows of a table up to which a product is faster than ScatterElements; it takes memory for rows times updates. */
const smallTableRows = 512;

/** 0, 1, ... as a column. */
function rowNumbers(rows: number): HostTensor<'int32'> {
  return { dtype: 'int32', shape: [rows, 1], data: Int32Array.from({ length: rows }, (_, row) => row) };
}
