import * as ops from '../functions.ts';
import type { Emitter } from '../onnx.ts';
import { elementsOf, isFree, type Size } from '../sizes.ts';
import { onnxType } from './elementwise.ts';
import { at, noGradient, type OpRecords } from './record.ts';
import { expectShapes, sameShape } from './shapes.ts';

/** Random values as pure functions of a key, so that a resumed run draws the same ones. */
export const random: OpRecords<'dropoutMask' | 'dropout'> = {
  dropoutMask: {
    infer: (inputs, { rate, shape }) => {
      const key = at(inputs, 0);
      const fits = key.dtype === 'uint32' && key.shape.length === 1 && key.shape[0] === 2 && rate > 0 && rate < 1;
      expectShapes('dropoutMask', fits, 'a uint32 key [2] and a rate between 0 and 1', inputs);
      return [{ dtype: 'bool', shape }];
    },
    gradient: 'not differentiable',
    // Three rounds of x (2x + k) with k odd, a permutation modulo 2^32 (as in RC6, Rivest et al. 1998), with the halves
    // swapped between them. A permutation of the counter keeps its share without bias, which squares alone do not.
    // Built from uint32 Mul, Add and Div, which CPU, CUDA and WebGPU compute to the same bits.
    lower: ({ emit, inputs, outputs, attributes: { rate, stream, shape } }) => {
      const word = (value: number) =>
        emit.shared(`%uint32 ${value}`, () => ({ dtype: 'uint32', shape: [], data: Uint32Array.of(value) }));
      const counter = counterOf(emit, elementsOf(shape), word);
      const part = (index: number) =>
        emit.node('Gather', [
          at(inputs, 0),
          emit.shared(`%index ${index}`, () => ({ dtype: 'int64', shape: [1], data: BigInt64Array.of(BigInt(index)) })),
        ]);
      const sum = (a: string, b: string) => emit.node('Add', [a, b]);
      const first = sum(part(0), word(Math.imul(stream, dropoutHash.streamStep) >>> 0));
      const second = sum(part(1), word(Math.imul(stream, dropoutHash.secondStep) >>> 0));
      const high = (a: string) => emit.node('Div', [a, word(65536)]);
      const factors = [second, sum(first, high(second)), first].map((k) => sum(sum(k, k), word(1)));
      let x = sum(counter, first);
      factors.forEach((factor, round) => {
        if (round > 0) x = sum(high(x), emit.node('Mul', [x, word(65536)]));
        x = emit.node('Mul', [x, sum(sum(x, x), factor)]);
      });
      const kept = emit.node('Less', [x, word(keepThreshold(rate))]);
      emit.reshape(kept, shape, outputs);
    },
    lowerTfjs: ({ inputs, shapeOf, drawMask, attributes }) => [
      drawMask(at(inputs, 0), attributes, shapeOf(attributes.shape)),
    ],
  },

  // dx = the same of the gradient. The mask is one byte an element; the factor that it stands for is not kept.
  dropout: {
    infer: (inputs) => {
      const [x, mask] = [at(inputs, 0), at(inputs, 1)];
      const fits = x.dtype === 'float32' && mask.dtype === 'bool' && sameShape(x.shape, mask.shape);
      expectShapes('dropout', fits, 'float32 and a bool mask of its shape', inputs);
      return [{ dtype: 'float32', shape: x.shape }];
    },
    gradient: ({ inputs, attributes, gradient }) => [ops.dropout(gradient, at(inputs, 1), attributes), noGradient],
    rebuild: ({ inputs, attributes }) => ops.dropout(at(inputs, 0), at(inputs, 1), attributes),
    lower: ({ emit, inputs, outputs, attributes: { rate } }) => {
      const kept = emit.node('Cast', [at(inputs, 1)], { to: onnxType.float32 });
      const factor = emit.node('Mul', [kept, emit.scalar(1 / (1 - rate))]);
      emit.into(outputs, 'Mul', [at(inputs, 0), factor]);
    },
    lowerTfjs: ({ tf, inputs, attributes: { rate } }) => {
      const factor = tf.mul(tf.cast(at(inputs, 1), 'float32'), tf.scalar(1 / (1 - rate)));
      return [tf.mul(at(inputs, 0), factor)];
    },
  },
};

/** i · weyl for every element i, uint32 [size]. */
function counterOf(emit: Emitter, size: Size, word: (value: number) => string): string {
  if (isFree(size)) {
    const numbers = emit.node('Range', [emit.size(0), emit.size(size), emit.size(1)]);
    return emit.node('Mul', [emit.node('Cast', [numbers], { to: onnxType.uint32 }), word(dropoutHash.weyl)]);
  }
  return emit.shared(`%counter ${size}`, () => ({
    dtype: 'uint32',
    shape: [size],
    data: Uint32Array.from({ length: size }, (_, i) => Math.imul(i, dropoutHash.weyl)),
  }));
}

/** Odd constants of the dropout hash: fractional digits of the golden ratio, √2 and √3. */
export const dropoutHash = { weyl: 0x9e3779b1, streamStep: 0x6a09e667, secondStep: 0xbb67ae85 } as const;

/** Hashes below this 32-bit threshold keep their element. */
export function keepThreshold(rate: number): number {
  return Math.min(Math.round((1 - rate) * 2 ** 32), 2 ** 32 - 1);
}
