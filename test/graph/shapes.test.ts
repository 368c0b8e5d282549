import { describe, expect, test } from 'vitest';
import type { DType } from '../../src/core/tensor.ts';
import * as ops from '../../src/graph/functions.ts';
import { Graph, type Value } from '../../src/graph/graph.ts';
import type { OpName } from '../../src/graph/ops/attributes.ts';

type Refusal = readonly [build: () => Value, message: string];

const pair = 'two tensors of one dtype that broadcast';

/** What each op answers to inputs that do not fit it; `cast` and `stopGradient` take everything, `range` nothing. */
const refusals: { readonly [K in Exclude<OpName, 'cast' | 'stopGradient' | 'range'>]: readonly Refusal[] } = {
  add: [
    [() => ops.add(...of([2, 3], [2])), `add: expected ${pair}, got float32[2, 3], float32[2]`],
    [() => ops.add(of([2])[0], ints(2)), `add: expected ${pair}, got float32[2], int32[2]`],
  ],
  subtract: [[() => ops.subtract(...of([3], [4])), `subtract: expected ${pair}, got float32[3], float32[4]`]],
  multiply: [[() => ops.multiply(...of([3], [4])), `multiply: expected ${pair}, got float32[3], float32[4]`]],
  divide: [[() => ops.divide(...of([3], [4])), `divide: expected ${pair}, got float32[3], float32[4]`]],
  equal: [[() => ops.equal(...of([3], [4])), `equal: expected ${pair}, got float32[3], float32[4]`]],
  greater: [[() => ops.greater(of([2])[0], ints(2)), `greater: expected ${pair}, got float32[2], int32[2]`]],
  negate: [[() => ops.negate(ints(2)), 'negate: expected float32, got int32[2]']],
  exp: [[() => ops.exp(ints(2)), 'exp: expected float32, got int32[2]']],
  log: [[() => ops.log(ints(2)), 'log: expected float32, got int32[2]']],
  sqrt: [[() => ops.sqrt(ints(2)), 'sqrt: expected float32, got int32[2]']],
  tanh: [[() => ops.tanh(ints(2)), 'tanh: expected float32, got int32[2]']],
  erf: [[() => ops.erf(ints(2)), 'erf: expected float32, got int32[2]']],
  relu: [[() => ops.relu(ints(2)), 'relu: expected float32, got int32[2]']],
  sigmoid: [[() => ops.sigmoid(ints(2)), 'sigmoid: expected float32, got int32[2]']],
  batchNorm: [
    [
      () => ops.batchNorm(of([2, 3])[0], ...of([3], [2]), 1e-5),
      'batchNorm: expected float32 [N, C, ...], [C] and [C], got float32[2, 3], float32[3], float32[2]',
    ],
  ],
  conv2d: [
    [
      () => ops.conv2d(...of([1, 2, 4, 4], [3, 1, 3, 3]), { stride: 1, padding: 1 }),
      'conv2d: expected float32 [N, C, H, W], filters [O, C, h, w] over the padding, got float32[1, 2, 4, 4], float32[3, 1, 3, 3]',
    ],
    [
      () => ops.conv2d(...of([1, 2, 4, 4], [3, 2, 3, 3]), { stride: 1, padding: 1 }, input('float32', 2)),
      'conv2d: expected float32 [N, C, H, W], filters [O, C, h, w] over the padding and [O], got float32[1, 2, 4, 4], float32[3, 2, 3, 3], float32[2]',
    ],
    [
      () => ops.conv2d(...of([1, 2, 4, 4], [3, 2, 3, 3]), { stride: 1, padding: 3 }),
      'conv2d: expected float32 [N, C, H, W], filters [O, C, h, w] over the padding, got float32[1, 2, 4, 4], float32[3, 2, 3, 3]',
    ],
  ],
  conv2dInputGradient: [
    [
      () => ops.conv2dInputGradient(...of([1, 3, 4, 4], [3, 2, 3, 3]), { stride: 1, padding: 0, size: [4, 4] }),
      "conv2dInputGradient: expected float32 [N, O, H', W'] of an input of [4, 4] and filters [O, C, h, w], got float32[1, 3, 4, 4], float32[3, 2, 3, 3]",
    ],
  ],
  conv2dWeightGradient: [
    [
      () => ops.conv2dWeightGradient(...of([1, 2, 4, 4], [1, 3, 4, 4]), { stride: 1, padding: 0, kernel: [3, 3] }),
      'conv2dWeightGradient: expected float32 [N, C, H, W] and the gradient of a convolution with a kernel of [3, 3], got float32[1, 2, 4, 4], float32[1, 3, 4, 4]',
    ],
  ],
  maxPool2d: [
    [
      () => ops.maxPool2d(of([1, 2, 3, 3])[0], { kernel: 4, stride: 1, padding: 0 }),
      'maxPool2d: expected float32 [N, C, H, W] that a window of 4 fits, with at most half of it over the edge, got float32[1, 2, 3, 3]',
    ],
  ],
  maxPool2dGradient: [
    [
      () => ops.maxPool2dGradient(of([1, 2, 2, 2])[0], ints(8), { size: [4, 4] }),
      "maxPool2dGradient: expected float32 [N, C, H', W'] and int64 indices of its shape, got float32[1, 2, 2, 2], int32[8]",
    ],
  ],
  averagePool2d: [
    [
      () => ops.averagePool2d(of([2, 3, 3])[0], { kernel: 2, stride: 1, padding: 0 }),
      'averagePool2d: expected float32 [N, C, H, W] that a window of 2 fits, with at most half of it over the edge, got float32[2, 3, 3]',
    ],
  ],
  gelu: [[() => ops.gelu(ints(2)), 'gelu: expected float32, got int32[2]']],
  geluTanh: [[() => ops.geluTanh(ints(2)), 'geluTanh: expected float32, got int32[2]']],
  select: [
    [
      () => ops.select(...of([2], [2], [2])),
      'select: expected bool and two tensors of one dtype that broadcast together, got float32[2], float32[2], float32[2]',
    ],
    [
      () => ops.select(input('bool', 3), ...of([2], [2])),
      'select: expected bool and two tensors of one dtype that broadcast together, got bool[3], float32[2], float32[2]',
    ],
  ],
  matmul: [
    [
      () => ops.matmul(...of([2, 3], [4, 2])),
      'matmul: expected float32 [..., m, k] and [..., k, n], got float32[2, 3], float32[4, 2]',
    ],
    [
      () => ops.matmul(...of([2, 3], [3, 2]), { transposeB: true }),
      'matmul: expected float32 [..., m, k] and [..., k, n], got float32[2, 3], float32[3, 2]',
    ],
    [
      () => ops.matmul(...of([2, 2, 3], [3, 3, 2])),
      'matmul: expected float32 [..., m, k] and [..., k, n], got float32[2, 2, 3], float32[3, 3, 2]',
    ],
    [
      () => ops.matmul(...of([3], [3, 2])),
      'matmul: expected float32 [..., m, k] and [..., k, n], got float32[3], float32[3, 2]',
    ],
  ],
  linear: [
    [
      () => ops.linear(...of([2, 3], [4, 5], [4])),
      'linear: expected float32 [N, inputs], [outputs, inputs] and [outputs], got float32[2, 3], float32[4, 5], float32[4]',
    ],
    [
      () => ops.linear(...of([2, 3], [4, 3], [1, 4])),
      'linear: expected float32 [N, inputs], [outputs, inputs] and [outputs], got float32[2, 3], float32[4, 3], float32[1, 4]',
    ],
  ],
  sum: [[() => ops.sum(of([2, 3])[0], [2]), 'sum: expected axes [2] inside the rank, got float32[2, 3]']],
  max: [[() => ops.max(of([2, 3])[0], [2]), 'max: expected axes [2] inside the rank, got float32[2, 3]']],
  reshape: [
    [() => ops.reshape(of([2, 3])[0], [4, 2]), 'reshape: expected as many elements as [4, 2], got float32[2, 3]'],
  ],
  broadcast: [
    [
      () => ops.broadcast(of([2, 3])[0], [4, 3]),
      'broadcast: expected a shape that broadcasts to [4, 3], got float32[2, 3]',
    ],
    [
      () => ops.broadcast(of([2, 3])[0], [1, 3]),
      'broadcast: expected a shape that broadcasts to [1, 3], got float32[2, 3]',
    ],
  ],
  transpose: [
    [
      () => ops.transpose(of([2, 3])[0], [0, 0]),
      'transpose: expected a rank that permutation [0, 0] fits, got float32[2, 3]',
    ],
    [
      () => ops.transpose(of([2, 3])[0], [1, 0, 2]),
      'transpose: expected a rank that permutation [1, 0, 2] fits, got float32[2, 3]',
    ],
  ],
  gatherRows: [
    [
      () => ops.gatherRows(...of([4, 3], [2])),
      'gatherRows: expected a table [rows, width] and int32 indices, got float32[4, 3], float32[2]',
    ],
    [
      () => ops.gatherRows(of([4])[0], ints(2)),
      'gatherRows: expected a table [rows, width] and int32 indices, got float32[4], int32[2]',
    ],
  ],
  scatterRows: [
    [
      () => ops.scatterRows(ints(3), of([2, 4])[0], 5),
      'scatterRows: expected int32 indices [n] and float32 updates [n, width], got int32[3], float32[2, 4]',
    ],
    [
      () => ops.scatterRows(ints(2), ints(2, 4), 5),
      'scatterRows: expected int32 indices [n] and float32 updates [n, width], got int32[2], int32[2, 4]',
    ],
  ],
  slice: [
    [
      () => ops.slice(of([2, 3])[0], { axis: 1, start: 2, size: 2 }),
      'slice: expected 4 places or more along axis 1, got float32[2, 3]',
    ],
    [
      () => ops.slice(of([2, 3])[0], { axis: 2, start: 0, size: 1 }),
      'slice: expected 1 places or more along axis 2, got float32[2, 3]',
    ],
  ],
  concat: [
    [
      () => ops.concat(of([2, 3], [2, 4]), 0),
      'concat: expected tensors that differ in axis 0 alone, got float32[2, 3], float32[2, 4]',
    ],
    [
      () => ops.concat([of([2])[0], ints(2)], 0),
      'concat: expected tensors that differ in axis 0 alone, got float32[2], int32[2]',
    ],
  ],
  pad: [
    [
      () => ops.pad(ints(3), { axis: 0, before: 1, after: 0 }),
      'pad: expected float32 with a known size along axis 0, got int32[3]',
    ],
  ],
  rotary: [
    [
      () => ops.rotary(of([2, 6])[0], ints(2), ...of([5, 2], [5, 2])),
      'rotary: expected float32 [N, heads · size], int32 [N] and float32 [places, size / 2] twice, got float32[2, 6], int32[2], float32[5, 2], float32[5, 2]',
    ],
    [
      () => ops.rotary(of([2, 4])[0], ints(3), ...of([5, 2], [5, 2])),
      'rotary: expected float32 [N, heads · size], int32 [N] and float32 [places, size / 2] twice, got float32[2, 4], int32[3], float32[5, 2], float32[5, 2]',
    ],
  ],
  softmax: [
    [() => ops.softmax(of([])[0]), 'softmax: expected float32 of at least one dimension, got float32[]'],
    [() => ops.softmax(ints(3)), 'softmax: expected float32 of at least one dimension, got int32[3]'],
  ],
  layerNorm: [
    [
      () => ops.layerNorm(...of([2, 4], [4], [3]), 1e-5),
      'layerNorm: expected float32 [..., width], [width] and [width], got float32[2, 4], float32[4], float32[3]',
    ],
  ],
  crossEntropy: [
    [
      () => ops.crossEntropy(of([2, 4])[0], ints(3)),
      'crossEntropy: expected float32 logits [N, C] and int32 labels [N], got float32[2, 4], int32[3]',
    ],
    [
      () => ops.crossEntropy(...of([2, 4], [2])),
      'crossEntropy: expected float32 logits [N, C] and int32 labels [N], got float32[2, 4], float32[2]',
    ],
  ],
  crossEntropyGradient: [
    [
      () => ops.crossEntropyGradient(of([2, 4])[0], ints(2), of([3])[0]),
      'crossEntropyGradient: expected float32 log probabilities [N, C], int32 labels [N] and float32 weights [N], got float32[2, 4], int32[2], float32[3]',
    ],
  ],
  dropout: [
    [
      () => ops.dropout(of([2, 3])[0], input('bool', 3), { rate: 0.1 }),
      'dropout: expected float32 and a bool mask of its shape, got float32[2, 3], bool[3]',
    ],
  ],
  addLayerNorm: [
    [
      () => ops.addLayerNorm(...of([3, 4], [4], [4], [4]), 1e-5),
      'addLayerNorm: expected float32 [N, width] twice and [width] twice, got float32[3, 4], float32[4], float32[4], float32[4]',
    ],
  ],
  attention: [
    [
      () => ops.attention(...of([6, 8], [6, 8], [6, 8], [2, 1, 3, 3]), { rows: 2, width: 3, heads: 3 }),
      'attention: expected three float32 [6, heads · size] for 3 heads and [2, 1, 3, 3], got float32[6, 8], float32[6, 8], float32[6, 8], float32[2, 1, 3, 3]',
    ],
    [
      () => ops.attention(...of([6, 8], [6, 8], [6, 8], [2, 1, 1, 3]), { rows: 2, width: 3, heads: 2 }),
      'attention: expected three float32 [6, heads · size] for 2 heads and [2, 1, 3, 3], got float32[6, 8], float32[6, 8], float32[6, 8], float32[2, 1, 1, 3]',
    ],
  ],
  dropoutMask: [
    [
      () => ops.dropoutMask(ints(2), { rate: 0.1, stream: 0, shape: [4] }),
      'dropoutMask: expected a uint32 key [2] and a rate between 0 and 1, got int32[2]',
    ],
    [
      () => ops.dropoutMask(input('uint32', 2), { rate: 1, stream: 0, shape: [4] }),
      'dropoutMask: expected a uint32 key [2] and a rate between 0 and 1, got uint32[2]',
    ],
  ],
};

describe.each(Object.entries(refusals))('%s refuses', (_, ofOp) => {
  test.each(ofOp.map(([build, message]) => [message, build] as const))('%s', (message, build) => {
    expect(build).toThrow(new Error(message));
  });
});

test('a graph refuses names that are taken', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [1]);
  graph.output('y', x);
  expect(() => graph.input('x', 'int32', [])).toThrow('graph: the name x is taken');
  expect(() => graph.input('y', 'int32', [])).toThrow('graph: the name y is taken');
  expect(() => graph.output('x', x)).toThrow('graph: output x has the name of an input');
  expect(() => graph.output('y', x)).toThrow('graph: output y exists already');
});

/** Float32 inputs of the given shapes in one graph. */
function of<S extends (readonly number[])[]>(...shapes: S): { [I in keyof S]: Value } {
  const graph = new Graph();
  return shapes.map((shape, i) => graph.input(`x${i}`, 'float32', shape)) as { [I in keyof S]: Value };
}

function ints(...shape: number[]): Value {
  return input('int32', ...shape);
}

function input(dtype: DType, ...shape: number[]): Value {
  return new Graph().input('x', dtype, shape);
}
