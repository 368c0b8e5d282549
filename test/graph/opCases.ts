import type { HostTensor, Shape } from '../../src/core/tensor.ts';
import * as ops from '../../src/graph/functions.ts';
import { Graph, type Value } from '../../src/graph/graph.ts';
import type { Convolution, OpAttributes, OpName, Pooling } from '../../src/graph/ops/attributes.ts';
import { booleans, indices, nonzero, normal, positive } from './draw.ts';

/** An op on given inputs. */
export interface OpCase {
  readonly inputs: readonly HostTensor[];
  /** Adds the op to the graph of its inputs and returns its first output. */
  readonly build: (...inputs: Value[]) => Value;
}

/** Cases of every op: the shapes, broadcasts and attributes that its rules tell apart. */
export const opCases: { readonly [K in OpName]: readonly OpCase[] } = {
  add: [
    ...broadcasts((a, b) => ({ inputs: [normal(a, 1), normal(b, 2)], build: ops.add })),
    { inputs: [indices([2, 3], 9, 3), indices([3], 9, 4)], build: ops.add },
  ],
  subtract: broadcasts((a, b) => ({ inputs: [normal(a, 5), normal(b, 6)], build: ops.subtract })),
  multiply: broadcasts((a, b) => ({ inputs: [normal(a, 7), normal(b, 8)], build: ops.multiply })),
  divide: broadcasts((a, b) => ({ inputs: [normal(a, 9), nonzero(b, 10)], build: ops.divide })),
  negate: unary(normal, ops.negate),
  exp: unary(normal, ops.exp),
  log: unary(positive, ops.log),
  sqrt: unary(positive, ops.sqrt),
  tanh: unary(normal, ops.tanh),
  erf: unary(normal, ops.erf),
  relu: unary(nonzero, ops.relu),
  sigmoid: [...unary(normal, ops.sigmoid), { inputs: [scaled(normal([9], 223), 3)], build: ops.sigmoid }],
  stopGradient: unary(normal, ops.stopGradient),
  gelu: [...unary(normal, ops.gelu), { inputs: [wide()], build: ops.gelu }],
  geluTanh: [...unary(normal, ops.geluTanh), { inputs: [wide()], build: ops.geluTanh }],
  equal: [
    ...broadcasts((a, b) => ({ inputs: [indices(a, 3, 11), indices(b, 3, 12)], build: ops.equal })),
    { inputs: [nonzero([3], 13), nonzero([3], 13)], build: ops.equal },
  ],
  greater: [
    ...broadcasts((a, b) => ({ inputs: [normal(a, 14), normal(b, 15)], build: ops.greater })),
    { inputs: [indices([8], 3, 16), indices([8], 3, 17)], build: ops.greater },
  ],
  select: [
    ...broadcasts(
      (a, b) => ({ inputs: [booleans([3, 4], 18), normal(a, 19), normal(b, 20)], build: ops.select }),
      [
        [
          [3, 4],
          [3, 4],
        ],
        [[4], [3, 4]],
        [[2, 3, 4], []],
        [
          [3, 1],
          [1, 4],
        ],
      ],
    ),
    { inputs: [booleans([2, 1, 4], 21), normal([3, 4], 22), normal([4], 23)], build: ops.select },
    { inputs: [booleans([6], 24), indices([6], 9, 25), indices([], 9, 26)], build: ops.select },
  ],
  cast: [
    { inputs: [scaled(normal([2, 5], 27), 4)], build: (x) => ops.cast(x, 'int32') },
    { inputs: [scaled(normal([2, 5], 28), 4)], build: (x) => ops.cast(x, 'int64') },
    { inputs: [indices([7], 2, 29)], build: (x) => ops.cast(x, 'bool') },
    { inputs: [indices([7], 50, 30)], build: (x) => ops.cast(x, 'float32') },
    { inputs: [indices([7], 50, 31)], build: (x) => ops.cast(x, 'uint32') },
    { inputs: [booleans([2, 3], 32)], build: (x) => ops.cast(x, 'float32') },
  ],
  matmul: [
    ...products([3, 4], [4, 2]),
    ...products([2, 3, 4], [2, 4, 2]),
    ...products([2, 3, 4], [4, 2]),
    ...products([3, 4], [2, 4, 2]),
    ...products([2, 1, 3, 4], [3, 4, 2]),
    ...products([1, 1, 4], [2, 4, 1]),
  ],
  linear: [
    { inputs: [normal([5, 4], 33), normal([3, 4], 34), normal([3], 35)], build: ops.linear },
    { inputs: [normal([1, 2], 36), normal([1, 2], 37), normal([1], 38)], build: ops.linear },
    { inputs: [normal([5, 4], 315), normal([3, 4], 316)], build: (x, weight) => ops.linear(x, weight) },
  ],
  sum: reductions(ops.sum),
  max: reductions(ops.max),
  reshape: [
    { inputs: [normal([2, 6], 39)], build: (x) => ops.reshape(x, [3, 4]) },
    { inputs: [normal([1, 1], 40)], build: (x) => ops.reshape(x, []) },
    { inputs: [normal([], 41)], build: (x) => ops.reshape(x, [1]) },
    { inputs: [indices([4], 9, 42)], build: (x) => ops.reshape(x, [2, 2]) },
  ],
  broadcast: [
    { inputs: [normal([4], 43)], build: (x) => ops.broadcast(x, [3, 4]) },
    { inputs: [normal([2, 1, 3], 44)], build: (x) => ops.broadcast(x, [2, 2, 3]) },
    { inputs: [normal([], 45)], build: (x) => ops.broadcast(x, [2, 2]) },
    { inputs: [normal([1], 46)], build: (x) => ops.broadcast(x, [1, 1]) },
  ],
  transpose: [
    { inputs: [normal([2, 3], 47)], build: (x) => ops.transpose(x, [1, 0]) },
    { inputs: [normal([2, 3, 4], 48)], build: (x) => ops.transpose(x, [2, 0, 1]) },
    { inputs: [normal([2, 3, 2, 2], 49)], build: (x) => ops.transpose(x, [0, 2, 1, 3]) },
  ],
  slice: [
    { inputs: [normal([3, 6], 300)], build: (x) => ops.slice(x, { axis: 1, start: 2, size: 3 }) },
    { inputs: [normal([3, 6], 301)], build: (x) => ops.slice(x, { axis: 1, start: 0, size: 6 }) },
    { inputs: [normal([4, 2, 3], 302)], build: (x) => ops.slice(x, { axis: 0, start: 3, size: 1 }) },
    { inputs: [indices([7], 9, 303)], build: (x) => ops.slice(x, { axis: 0, start: 1, size: 4 }) },
  ],
  concat: [
    { inputs: [normal([3, 2], 304), normal([3, 1], 305), normal([3, 4], 306)], build: (...parts) => joined(parts, 1) },
    { inputs: [normal([1, 2, 3], 307), normal([2, 2, 3], 308)], build: (...parts) => joined(parts, 0) },
    { inputs: [normal([3, 2], 309)], build: (...parts) => joined(parts, 1) },
    { inputs: [indices([2], 9, 310), indices([3], 9, 311)], build: (...parts) => joined(parts, 0) },
  ],
  pad: [
    { inputs: [normal([3, 2], 312)], build: (x) => ops.pad(x, { axis: 1, before: 2, after: 1 }) },
    { inputs: [normal([2, 1, 3], 313)], build: (x) => ops.pad(x, { axis: 0, before: 0, after: 2 }) },
    { inputs: [normal([4], 314)], build: (x) => ops.pad(x, { axis: 0, before: 0, after: 0 }) },
  ],
  gatherRows: [
    { inputs: [normal([4, 3], 50), int32([6], 2, 0, 2, 2, 3, 0)], build: ops.gatherRows },
    { inputs: [normal([3, 2], 51), int32([2, 3], 1, 1, 0, 1, 2, 1)], build: ops.gatherRows },
    { inputs: [normal([3, 2], 52), int32([], 1)], build: ops.gatherRows },
  ],
  scatterRows: [
    { inputs: [int32([5], 1, 3, 1, 1, 0), normal([5, 3], 53)], build: (at, rows) => ops.scatterRows(at, rows, 4) },
    { inputs: [int32([1], 0), normal([1, 1], 54)], build: (at, rows) => ops.scatterRows(at, rows, 1) },
    {
      inputs: [int32([3], 2, 0, 2), normal([3, 2], 80), normal([3, 2], 81)],
      build: (at, rows, table) => ops.scatterRows(at, rows, 3, table),
    },
  ],
  softmax: [
    { inputs: [normal([3, 5], 55)], build: ops.softmax },
    { inputs: [normal([2, 2, 3], 56)], build: ops.softmax },
    { inputs: [normal([4], 57)], build: ops.softmax },
  ],
  layerNorm: [
    { inputs: [normal([3, 5], 58), normal([5], 59), normal([5], 60)], build: layerNorm },
    { inputs: [normal([2, 2, 8], 61), normal([8], 62), normal([8], 63)], build: layerNorm },
    { inputs: [normal([4], 64), normal([4], 65), normal([4], 66)], build: layerNorm },
    { inputs: [normal([3, 5], 317), normal([5], 318)], build: layerNorm },
  ],
  batchNorm: [
    { inputs: [normal([6, 3], 200), normal([3], 201), normal([3], 202)], build: batchNorm },
    { inputs: [normal([3, 2, 2, 3], 203), normal([2], 204), normal([2], 205)], build: batchNorm },
    { inputs: [normal([2, 4, 5], 206), normal([4], 207), normal([4], 208)], build: batchNorm },
    { inputs: [normal([1, 2, 3, 3], 209), normal([2], 210), normal([2], 211)], build: batchNorm },
  ],
  conv2d: [
    ...convolutions((x, weight, window) => ({
      inputs: [normal(x, 212), normal(weight, 213)],
      build: (a, b) => ops.conv2d(a, b, window),
    })),
    {
      inputs: [normal([2, 3, 5, 4], 214), normal([4, 3, 3, 3], 215), normal([4], 216)],
      build: (x, weight, bias) => ops.conv2d(x, weight, { stride: 1, padding: 1 }, bias),
    },
  ],
  conv2dInputGradient: convolutions((x, weight, window) => ({
    inputs: [normal(convolved(x, weight, window), 217), normal(weight, 218)],
    build: (g, w) => ops.conv2dInputGradient(g, w, { ...window, size: planeOf(x) }),
  })),
  conv2dWeightGradient: convolutions((x, weight, window) => ({
    inputs: [normal(x, 219), normal(convolved(x, weight, window), 220)],
    build: (a, g) => ops.conv2dWeightGradient(a, g, { ...window, kernel: planeOf(weight) }),
  })),
  maxPool2d: pools(ops.maxPool2d),
  maxPool2dGradient: [
    {
      inputs: [normal([1, 2, 2, 2], 221), int64([1, 2, 2, 2], 0, 4, 4, 8, 9, 17, 13, 9)],
      build: (gradient, indices) => ops.maxPool2dGradient(gradient, indices, { size: [3, 3] }),
    },
  ],
  averagePool2d: pools(ops.averagePool2d),
  addLayerNorm: [
    { inputs: [normal([3, 8], 82), normal([3, 8], 83), normal([8], 84), normal([8], 85)], build: addLayerNorm },
    { inputs: [normal([1, 4], 86), normal([1, 4], 87), normal([4], 88), normal([4], 89)], build: addLayerNorm },
  ],
  attention: [
    attentionCase({ rows: 2, width: 3, heads: 2 }, 8),
    attentionCase({ rows: 1, width: 5, heads: 1 }, 4),
    attentionCase({ rows: 3, width: 1, heads: 4 }, 16),
  ],
  rotary: [
    { inputs: [normal([5, 8], 319), int32([5], 0, 3, 1, 3, 2)], build: (x, places) => turned(x, places, 4, 2) },
    { inputs: [normal([3, 6], 320), int32([3], 0, 1, 0)], build: (x, places) => turned(x, places, 2, 3) },
    { inputs: [normal([1, 2], 321), int32([1], 6)], build: (x, places) => turned(x, places, 7, 1) },
  ],
  range: [
    { inputs: [int32([1], 0)], build: (x) => ops.range(x.graph, 5, 1) },
    { inputs: [int32([1], 0)], build: (x) => ops.range(x.graph, 4, 7) },
    { inputs: [int32([1], 0)], build: (x) => ops.range(x.graph, 1, 3) },
  ],
  crossEntropy: [
    { inputs: [normal([4, 5], 67), int32([4], 0, 4, 2, 2)], build: ops.crossEntropy },
    { inputs: [scaled(normal([3, 2], 68), 20), int32([3], 0, 1, 1)], build: ops.crossEntropy },
  ],
  crossEntropyGradient: [
    { inputs: [negative([4, 5], 69), int32([4], 0, 4, 2, 2), normal([4], 70)], build: ops.crossEntropyGradient },
  ],
  dropoutMask: [
    { inputs: [uint32([2], 0, 0)], build: (key) => dropoutMask(key, 0.1, 0, [2, 3, 5]) },
    { inputs: [uint32([2], 0xffffffff, 0x80000001)], build: (key) => dropoutMask(key, 0.5, 7, [1000]) },
    { inputs: [uint32([2], 12345, 67890)], build: (key) => dropoutMask(key, 0.3, 100, [40, 30]) },
  ],
  dropout: [
    { inputs: [normal([3, 4], 75), booleans([3, 4], 76)], build: (x, mask) => ops.dropout(x, mask, { rate: 0.1 }) },
    { inputs: [normal([], 77), booleans([], 78)], build: (x, mask) => ops.dropout(x, mask, { rate: 0.5 }) },
  ],
};

/** Adds inputs i0, i1, ... for the tensors of a case and the op on them. */
export function buildCase({ inputs, build }: OpCase): { graph: Graph; inputs: Value[]; output: Value } {
  const graph = new Graph();
  const values = inputs.map(({ dtype, shape }, i) => graph.input(`i${i}`, dtype, shape));
  return { graph, inputs: values, output: build(...values) };
}

/** A case in a few words, as `[3, 4] [4]` and the attributes that tell it from its neighbours. */
export function describeCase(opCase: OpCase): string {
  const shapes = opCase.inputs.map(({ dtype, shape }) => `${dtype === 'float32' ? '' : dtype}[${shape.join(', ')}]`);
  const attributes = Object.entries(buildCase(opCase).output.node?.attributes ?? {});
  return [...shapes, ...attributes.map(([name, value]) => `${name}=${JSON.stringify(value)}`)].join(' ');
}

type Pair = readonly [Shape, Shape];

function broadcasts(
  make: (a: Shape, b: Shape) => OpCase,
  pairs: readonly Pair[] = [
    [
      [3, 4],
      [3, 4],
    ],
    [[3, 4], [4]],
    [[4], [3, 4]],
    [
      [2, 1, 3],
      [4, 1],
    ],
    [
      [4, 1],
      [2, 1, 3],
    ],
    [[2, 3], []],
    [[], [1, 3]],
    [[], []],
    [[48], [48]],
    [[], [32]],
  ],
): OpCase[] {
  return pairs.map(([a, b]) => make(a, b));
}

function unary(draw: (shape: Shape, seed: number) => HostTensor, build: OpCase['build']): OpCase[] {
  const shapes: Shape[] = [[3, 4], [2, 1, 5], [], [48]];
  return shapes.map((shape, i) => ({ inputs: [draw(shape, 100 + i)], build }));
}

/** The product of a and b in every layout that the transpose flags allow, plain and scaled. */
function products(a: Shape, b: Shape): OpCase[] {
  const flags = [false, true];
  const attributes = flags.flatMap((transposeA) =>
    flags.flatMap((transposeB) => [1, -0.3].map((alpha) => ({ transposeA, transposeB, alpha }))),
  );
  return attributes.map((layout) => ({
    inputs: [normal(layout.transposeA ? swapLastTwo(a) : a, 71), normal(layout.transposeB ? swapLastTwo(b) : b, 72)],
    build: (x, y) => ops.matmul(x, y, layout),
  }));
}

function swapLastTwo(shape: Shape): Shape {
  return [...shape.slice(0, -2), ...shape.slice(-2).reverse()];
}

function reductions(reduce: typeof ops.sum): OpCase[] {
  const over = (shape: Shape, axesOfCases: readonly (readonly number[])[]): OpCase[] =>
    axesOfCases.flatMap((axes) =>
      [false, true].map((keep) => ({ inputs: [normal(shape, 73)], build: (x) => reduce(x, axes, keep) })),
    );
  return [
    ...over([2, 3, 4], [[0], [1], [2], [0, 2], [2, 1], [0, 1, 2], []]),
    ...over([2, 1], [[1], [0, 1]]),
    ...over([], [[]]),
    ...over([48], [[0]]),
  ];
}

/** Kernels, strides and paddings that lowerings tell apart, with what is left over at the edges. */
function convolutions(make: (x: Shape, weight: Shape, window: Convolution) => OpCase): OpCase[] {
  return [
    make([2, 3, 5, 4], [4, 3, 3, 3], { stride: 1, padding: 1 }),
    make([1, 2, 4, 5], [3, 2, 3, 2], { stride: 1, padding: 0 }),
    make([2, 2, 3, 3], [3, 2, 1, 1], { stride: 1, padding: 0 }),
    make([2, 2, 6, 5], [3, 2, 3, 3], { stride: 2, padding: 1 }),
    make([2, 3, 4, 4], [2, 3, 1, 1], { stride: 2, padding: 0 }),
    make([1, 1, 7, 7], [2, 1, 4, 4], { stride: 2, padding: 1 }),
    make([1, 2, 8, 8], [2, 2, 3, 3], { stride: 3, padding: 2 }),
  ];
}

function convolved(x: Shape, weight: Shape, { stride, padding }: Convolution): Shape {
  const size = [2, 3].map((axis) => {
    return Math.floor(((x[axis] ?? 0) + 2 * padding - (weight[axis] ?? 0)) / stride) + 1;
  });
  return [x[0] ?? 0, weight[0] ?? 0, ...size];
}

function planeOf([, , height = 0, width = 0]: Shape): [number, number] {
  return [height, width];
}

function pools(pool: (x: Value, attributes: Pooling) => Value): OpCase[] {
  const cases: readonly [Shape, Pooling][] = [
    [[2, 3, 4, 4], { kernel: 2, stride: 2, padding: 0 }],
    [[1, 2, 5, 7], { kernel: 3, stride: 2, padding: 1 }],
    [[2, 1, 5, 5], { kernel: 2, stride: 2, padding: 0 }],
    [[1, 2, 4, 4], { kernel: 3, stride: 1, padding: 1 }],
    [[1, 3, 4, 4], { kernel: 4, stride: 4, padding: 0 }],
  ];
  // Elements far enough apart that a step of the differences changes no order.
  return cases.map(([shape, attributes]) => ({ inputs: [apart(shape, 222)], build: (x) => pool(x, attributes) }));
}

/** Elements in a random order, at least 0.1 from each other. */
function apart(shape: Shape, seed: number): HostTensor {
  const { data } = normal(shape, seed);
  const order = [...data.keys()].sort((a, b) => (data[a] ?? 0) - (data[b] ?? 0));
  const ranks = new Float32Array(data.length);
  order.forEach((index, rank) => {
    ranks[index] = (rank - data.length / 2) / 8;
  });
  return { dtype: 'float32', shape, data: ranks };
}

function batchNorm(x: Value, weight: Value, bias: Value): Value {
  return ops.batchNorm(x, weight, bias, 1e-5);
}

function int64(shape: Shape, ...data: number[]): HostTensor {
  return { dtype: 'int64', shape, data: BigInt64Array.from(data, BigInt) };
}

function joined([first, ...rest]: readonly Value[], axis: number): Value {
  if (!first) throw new Error('a case without inputs');
  return ops.concat([first, ...rest], axis);
}

/** Heads of 2 · half numbers turned by the angles of a table. */
function turned(x: Value, positions: Value, places: number, half: number): Value {
  const { data } = normal([places, half], 322);
  const [cosines, sines] = [Math.cos, Math.sin].map((f) =>
    x.graph.constant({ dtype: 'float32', shape: [places, half], data: data.map((angle) => f(3 * angle)) }),
  );
  if (!cosines || !sines) throw new Error('two tables');
  return ops.rotary(x, positions, cosines, sines);
}

function layerNorm(x: Value, weight: Value, bias?: Value): Value {
  return ops.layerNorm(x, weight, bias, 1e-5);
}

function addLayerNorm(x: Value, residual: Value, weight: Value, bias: Value): Value {
  return ops.addLayerNorm(x, residual, weight, bias, 1e-5);
}

function attentionCase(attributes: Record<'rows' | 'width' | 'heads', number>, columns: number): OpCase {
  const { rows, width } = attributes;
  const inputs = [90, 91, 92].map((seed) => normal([rows * width, columns], seed));
  return {
    inputs: [...inputs, normal([rows, 1, width, width], 93)],
    build: (query, key, value, bias) => ops.attention(query, key, value, bias, attributes),
  };
}

function dropoutMask(key: Value, rate: number, stream: number, shape: Shape): Value {
  const attributes: OpAttributes['dropoutMask'] = { rate, stream, shape };
  return ops.dropoutMask(key, attributes);
}

function scaled({ dtype, shape, data }: HostTensor<'float32'>, factor: number): HostTensor {
  return { dtype, shape, data: data.map((x) => x * factor) };
}

function negative(shape: Shape, seed: number): HostTensor {
  return scaled(positive(shape, seed), -1);
}

/** Both tails of an activation function. */
function wide(): HostTensor {
  return { dtype: 'float32', shape: [17], data: Float32Array.from({ length: 17 }, (_, i) => i - 8) };
}

function int32(shape: Shape, ...data: number[]): HostTensor {
  return { dtype: 'int32', shape, data: Int32Array.from(data) };
}

function uint32(shape: Shape, ...data: number[]): HostTensor {
  return { dtype: 'uint32', shape, data: Uint32Array.from(data) };
}
