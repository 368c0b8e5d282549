import { type DType, type HostTensor, type Shape, sizeOf, zeros } from '../../src/core/tensor.ts';
import type { Engine, NamedTensors } from '../../src/engine/engine.ts';
import type { Graph, Node, Value } from '../../src/graph/graph.ts';
import type { OpAttributes, OpName } from '../../src/graph/ops/attributes.ts';
import { isFree, type Size, type SymbolicShape, SymbolicSize, type SymbolicType } from '../../src/graph/sizes.ts';
import { erf, erfc } from './erf.ts';
import * as windows from './windows.ts';

/** A tensor of any element type, its elements as float64. */
export interface NumberTensor {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/**
 * Computes values of a graph in float64 by plain loops. Written from what the ops mean, apart from their gradient
 * rules and lowerings, and so a reference for both.
 *
 * @param inputs a tensor for every input of the graph that the values depend on
 * @throws when an input is missing or a result does not have the shape that the op's record inferred
 */
export function evaluate(values: readonly Value[], inputs: Readonly<Record<string, NumberTensor>>): NumberTensor[] {
  const known = new Map<Value, NumberTensor>();
  const sizes = new Map<string, number>();
  const graph = values[0]?.graph;
  for (const [name, value] of graph?.inputs ?? []) {
    if (inputs[name]) known.set(value, inputs[name]);
    value.shape.forEach((size, axis) => {
      if (isFree(size) && size.symbols.length === 1 && inputs[name]) {
        sizes.set(item(size.symbols, 0), item(inputs[name].shape, axis) / size.factor);
      }
    });
  }
  for (const [value, constant] of graph?.constants ?? []) known.set(value, toNumbers(constant));
  return values.map((value) => evaluateValue(value, known, sizes));
}

/** An engine that runs graphs on the evaluator and rounds the results to the outputs' types. */
export const referenceEngine: Engine = {
  name: 'reference',
  async compile(graph) {
    return {
      run: async (inputs, into = {}) => runGraph(graph, inputs, into),
      dispose: async () => {},
    };
  },
};

export function toNumbers({ shape, data }: HostTensor): NumberTensor {
  return { shape, data: Float64Array.from(data, Number) };
}

function runGraph(graph: Graph, inputs: NamedTensors, into: NamedTensors): NamedTensors {
  const numbers = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toNumbers(tensor)]));
  const results = evaluate([...graph.outputs.values()], numbers);
  const outputs = [...graph.outputs].map(([name, type], i) => [name, fromNumbers(item(results, i), type, into[name])]);
  return Object.fromEntries(outputs);
}

function fromNumbers({ data, shape }: NumberTensor, { dtype }: SymbolicType, target = zeros(dtype, shape)): HostTensor {
  if (target.data instanceof BigInt64Array) target.data.set(BigInt64Array.from(data, BigInt));
  else target.data.set(data);
  return target;
}

function evaluateValue(value: Value, known: Map<Value, NumberTensor>, sizes: Sizes): NumberTensor {
  if (value.node && !known.has(value)) {
    const inputs = value.node.inputs.map((input) => evaluateValue(input, known, sizes));
    const results = apply(value.node, inputs, sizes);
    value.node.outputs.forEach((output, i) => {
      expectShape(value.node?.op, inNumbers(output.shape, sizes), item(results, i).shape);
      known.set(output, item(results, i));
    });
  }
  const result = known.get(value);
  if (!result) throw new Error(`evaluator: an input ${value.dtype}[${value.shape}] is missing`);
  return result;
}

function apply<K extends OpName>(node: Node<K>, inputs: readonly NumberTensor[], sizes: Sizes) {
  const rule: Rule<InNumbers<OpAttributes[K]>> = rules[node.op];
  const attributes = Object.entries<unknown>({ ...node.attributes }).map(([key, value]) => {
    if (value instanceof SymbolicSize) return [key, item(inNumbers([value], sizes), 0)];
    return [key, key === 'shape' ? inNumbers(value as SymbolicShape, sizes) : value];
  });
  return rule(inputs, Object.fromEntries(attributes) as InNumbers<OpAttributes[K]>);
}

/** What the symbols stand for. */
type Sizes = ReadonlyMap<string, number>;

function inNumbers(shape: SymbolicShape, sizes: Sizes): number[] {
  return shape.map((size) => {
    let number = isFree(size) ? size.factor : size;
    if (isFree(size)) for (const symbol of size.symbols) number *= sizes.get(symbol) ?? Number.NaN;
    return number;
  });
}

/** Attributes with numbers in place of symbols. */
type InNumbers<A> = {
  readonly [K in keyof A]: SymbolicShape extends A[K] ? Shape : Size extends A[K] ? number : A[K];
};

function expectShape(op: string | undefined, inferred: Shape, computed: Shape): void {
  if (inferred.join() !== computed.join()) throw new Error(`${op}: inferred [${inferred}], computed [${computed}]`);
}

type Rule<A> = (inputs: readonly NumberTensor[], attributes: A) => readonly NumberTensor[];

const rules: { readonly [K in OpName]: Rule<InNumbers<OpAttributes[K]>> } = {
  add: pointwise((a, b) => a + b),
  subtract: pointwise((a, b) => a - b),
  multiply: pointwise((a, b) => a * b),
  divide: pointwise((a, b) => a / b),
  negate: pointwise((x) => -x),
  exp: pointwise(Math.exp),
  log: pointwise(Math.log),
  sqrt: pointwise(Math.sqrt),
  tanh: pointwise(Math.tanh),
  erf: pointwise(erf),
  relu: pointwise((x) => Math.max(x, 0)),
  sigmoid: pointwise((x) => 1 / (1 + Math.exp(-x))),
  stopGradient: (inputs) => [item(inputs, 0)],
  gelu: pointwise((x) => (x / 2) * erfc(-x / Math.SQRT2)),
  geluTanh: pointwise((x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))),
  equal: pointwise((a, b) => Number(a === b)),
  greater: pointwise((a, b) => Number(a > b)),
  select: pointwise((condition, a, b) => (condition === 0 ? b : a)),
  cast: (inputs, { to }) => pointwise(casts[to])(inputs, {}),
  matmul: (inputs, attributes) => [matmul(item(inputs, 0), item(inputs, 1), attributes)],
  linear: (inputs) => [linear(item(inputs, 0), item(inputs, 1), inputs[2])],
  sum: (inputs, reduction) => [reduce(item(inputs, 0), reduction, 0, (a, b) => a + b)],
  max: (inputs, reduction) => [reduce(item(inputs, 0), reduction, Number.NEGATIVE_INFINITY, Math.max)],
  reshape: (inputs, { shape }) => [{ shape, data: item(inputs, 0).data }],
  broadcast: (inputs, { shape }) => [fill(shape, (at) => read(item(inputs, 0), at))],
  transpose: (inputs, { permutation }) => [transpose(item(inputs, 0), permutation)],
  gatherRows: (inputs) => [gatherRows(item(inputs, 0), item(inputs, 1))],
  scatterRows: (inputs, { rows }) => [scatterRows(item(inputs, 0), item(inputs, 1), rows, inputs[2])],
  softmax: (inputs) => [map(logSoftmax(item(inputs, 0)), Math.exp)],
  slice: (inputs, { axis, start, size }) => [
    fill(item(inputs, 0).shape.with(axis, size), (at) => read(item(inputs, 0), at.with(axis, start + item(at, axis)))),
  ],
  concat: (inputs, { axis }) => [concat(inputs, axis)],
  pad: (inputs, attributes) => [pad(item(inputs, 0), attributes)],
  layerNorm: (inputs, { epsilon }) => layerNorm(item(inputs, 0), item(inputs, 1), inputs[2], epsilon),
  batchNorm: (inputs, { epsilon }) => windows.batchNorm(item(inputs, 0), item(inputs, 1), item(inputs, 2), epsilon),
  conv2d: (inputs, attributes) => [windows.conv2d(item(inputs, 0), item(inputs, 1), attributes, inputs[2])],
  conv2dInputGradient: (inputs, attributes) => [
    windows.conv2dInputGradient(item(inputs, 0), item(inputs, 1), attributes),
  ],
  conv2dWeightGradient: (inputs, attributes) => [
    windows.conv2dWeightGradient(item(inputs, 0), item(inputs, 1), attributes),
  ],
  maxPool2d: (inputs, attributes) => windows.maxPool2d(item(inputs, 0), attributes),
  maxPool2dGradient: (inputs, { size }) => [windows.maxPool2dGradient(item(inputs, 0), item(inputs, 1), size)],
  averagePool2d: (inputs, attributes) => [windows.averagePool2d(item(inputs, 0), attributes)],
  addLayerNorm: (inputs, { epsilon }) => {
    const summed = pointwise((a, b) => a + b)(inputs.slice(0, 2), {});
    return layerNorm(item(summed, 0), item(inputs, 2), item(inputs, 3), epsilon).slice(0, 1);
  },
  attention: (inputs, attributes) => [attention(inputs, attributes)],
  rotary: (inputs) => [rotary(item(inputs, 0), item(inputs, 1), item(inputs, 2), item(inputs, 3))],
  range: (_, { count, step }) => [{ shape: [count], data: new Float64Array(count).map((_zero, i) => i * step) }],
  crossEntropy: (inputs) => crossEntropy(item(inputs, 0), item(inputs, 1)),
  crossEntropyGradient: (inputs) => [crossEntropyGradient(item(inputs, 0), item(inputs, 1), item(inputs, 2))],
  dropoutMask: (inputs, attributes) => [dropoutMask(item(inputs, 0), attributes)],
  dropout: (inputs, attributes) => dropout(attributes.rate)(inputs, attributes),
};

const casts: { readonly [D in DType]: (x: number) => number } = {
  float32: (x) => x,
  int32: Math.trunc,
  int64: Math.trunc,
  uint32: Math.trunc,
  bool: (x) => Number(x !== 0),
};

/** A function of the elements that stand at the same place after broadcasting. */
function pointwise(f: (...elements: number[]) => number): Rule<unknown> {
  return (inputs) => [
    fill(broadcastShape(inputs.map((input) => input.shape)), (at) => f(...inputs.map((input) => read(input, at)))),
  ];
}

function map({ shape, data }: NumberTensor, f: (x: number) => number): NumberTensor {
  return { shape, data: data.map(f) };
}

function broadcastShape(shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const sizesAt = (fromEnd: number) => shapes.map((shape) => shape[shape.length - fromEnd] ?? 1);
  return Array.from({ length: rank }, (_, axis) => sizesAt(rank - axis).reduce((a, b) => (a === 1 ? b : a)));
}

function matmul(a: NumberTensor, b: NumberTensor, attributes: OpAttributes['matmul']): NumberTensor {
  const left = attributes.transposeA ? swapLastTwo(a) : a;
  const right = attributes.transposeB ? swapLastTwo(b) : b;
  const inner = item(left.shape, left.shape.length - 1);
  const batch = broadcastShape([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  return fill([...batch, item(left.shape, left.shape.length - 2), item(right.shape, right.shape.length - 1)], (at) => {
    const [row, column] = [item(at, at.length - 2), item(at, at.length - 1)];
    let total = 0;
    for (let k = 0; k < inner; k++) {
      total += read(left, [...at.slice(0, -2), row, k]) * read(right, [...at.slice(0, -2), k, column]);
    }
    return attributes.alpha * total;
  });
}

function swapLastTwo(x: NumberTensor): NumberTensor {
  const axes = x.shape.map((_, axis) => axis);
  return transpose(x, [...axes.slice(0, -2), ...axes.slice(-2).reverse()]);
}

function linear(x: NumberTensor, weight: NumberTensor, bias?: NumberTensor): NumberTensor {
  const [count, width, outputs] = [item(x.shape, 0), item(x.shape, 1), item(weight.shape, 0)];
  return fill([count, outputs], ([n = 0, o = 0]) => {
    let total = bias ? read(bias, [o]) : 0;
    for (let i = 0; i < width; i++) total += read(x, [n, i]) * read(weight, [o, i]);
    return total;
  });
}

function reduce(
  x: NumberTensor,
  { axes, keepDimensions }: OpAttributes['sum'],
  start: number,
  joined: (a: number, b: number) => number,
): NumberTensor {
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const total = { shape: kept, data: new Float64Array(sizeOf(kept)).fill(start) };
  for (let i = 0; i < x.data.length; i++) {
    const offset = offsetOf(kept, coordinates(x.shape, i));
    total.data[offset] = joined(item(total.data, offset), item(x.data, i));
  }
  return keepDimensions ? total : { shape: kept.filter((_, axis) => !axes.includes(axis)), data: total.data };
}

function transpose(x: NumberTensor, permutation: readonly number[]): NumberTensor {
  return fill(
    permutation.map((axis) => item(x.shape, axis)),
    (at) => {
      const source = new Array<number>(at.length);
      permutation.forEach((axis, i) => {
        source[axis] = item(at, i);
      });
      return read(x, source);
    },
  );
}

function gatherRows(table: NumberTensor, indices: NumberTensor): NumberTensor {
  return fill([...indices.shape, item(table.shape, 1)], (at) =>
    read(table, [read(indices, at.slice(0, -1)), item(at, at.length - 1)]),
  );
}

function scatterRows(indices: NumberTensor, updates: NumberTensor, rows: number, table?: NumberTensor): NumberTensor {
  const width = item(updates.shape, 1);
  const data = table ? Float64Array.from(table.data) : new Float64Array(rows * width);
  indices.data.forEach((row, n) => {
    for (let c = 0; c < width; c++) data[row * width + c] = item(data, row * width + c) + read(updates, [n, c]);
  });
  return { shape: [rows, width], data };
}

function logSoftmax(x: NumberTensor): NumberTensor {
  return mapRows(x, (row) => {
    const largest = row.reduce((a, b) => Math.max(a, b));
    const total = row.reduce((sumOfRow, element) => sumOfRow + Math.exp(element - largest), 0);
    return row.map((element) => element - largest - Math.log(total));
  });
}

function layerNorm(
  x: NumberTensor,
  weight: NumberTensor,
  bias: NumberTensor | undefined,
  epsilon: number,
): NumberTensor[] {
  const mean = mapRows(x, (row) => Float64Array.of(average(row)));
  const inverseDeviation = mapRows(x, (row) => {
    const center = average(row);
    return Float64Array.of(1 / Math.sqrt(average(row.map((element) => (element - center) ** 2)) + epsilon));
  });
  const normalized = fill(
    x.shape,
    (at) =>
      (read(x, at) - read(mean, at)) * read(inverseDeviation, at) * read(weight, at.slice(-1)) +
      (bias ? read(bias, at.slice(-1)) : 0),
  );
  return [normalized, mean, inverseDeviation];
}

function attention(
  inputs: readonly NumberTensor[],
  { width, heads }: InNumbers<OpAttributes['attention']>,
): NumberTensor {
  const [query, key, value, bias] = [item(inputs, 0), item(inputs, 1), item(inputs, 2), item(inputs, 3)];
  const size = item(query.shape, 1) / heads;
  return fill(query.shape, ([at = 0, column = 0]) => {
    const [row, from, first] = [Math.floor(at / width), at % width, column - (column % size)];
    const weights = Array.from({ length: width }, (_, to) => {
      let score = 0;
      for (let i = first; i < first + size; i++) score += read(query, [at, i]) * read(key, [row * width + to, i]);
      return Math.exp(score / Math.sqrt(size) + read(bias, [row, 0, from, to]));
    });
    const total = weights.reduce((a, b) => a + b, 0);
    return weights.reduce(
      (product, weight, to) => product + (weight / total) * read(value, [row * width + to, column]),
      0,
    );
  });
}

function concat(parts: readonly NumberTensor[], axis: number): NumberTensor {
  const sources = parts.flatMap((part) =>
    Array.from({ length: item(part.shape, axis) }, (_, place) => ({ part, place })),
  );
  return fill(item(parts, 0).shape.with(axis, sources.length), (at) => {
    const { part, place } = item(sources, item(at, axis));
    return read(part, at.with(axis, place));
  });
}

function pad(x: NumberTensor, { axis, before, after }: OpAttributes['pad']): NumberTensor {
  const size = item(x.shape, axis);
  return fill(x.shape.with(axis, before + size + after), (at) => {
    const place = item(at, axis) - before;
    return place < 0 || place >= size ? 0 : read(x, at.with(axis, place));
  });
}

/** Pairs of numbers as points of a plane, turned about its origin. */
function rotary(x: NumberTensor, positions: NumberTensor, cosines: NumberTensor, sines: NumberTensor): NumberTensor {
  const half = item(cosines.shape, 1);
  return fill(x.shape, ([row = 0, column = 0]) => {
    const pair = column % half;
    const first = column - (column % (2 * half)) + pair;
    const angle = [read(positions, [row]), pair];
    const [a, b] = [read(x, [row, first]), read(x, [row, first + half])];
    const [cosine, sine] = [read(cosines, angle), read(sines, angle)];
    return column === first ? a * cosine - b * sine : a * sine + b * cosine;
  });
}

function crossEntropy(logits: NumberTensor, labels: NumberTensor): NumberTensor[] {
  const logProbabilities = logSoftmax(logits);
  const loss = fill(labels.shape, ([n = 0]) => -read(logProbabilities, [n, item(labels.data, n)]));
  return [loss, logProbabilities];
}

function crossEntropyGradient(logProbabilities: NumberTensor, labels: NumberTensor, weights: NumberTensor) {
  return fill(logProbabilities.shape, ([n = 0, c = 0]) => {
    const target = Number(c === item(labels.data, n));
    return (Math.exp(read(logProbabilities, [n, c])) - target) * item(weights.data, n);
  });
}

const dropout = (rate: number) => pointwise((x, kept) => (kept ? x / (1 - rate) : 0));

function dropoutMask(key: NumberTensor, { rate, stream, shape }: InNumbers<OpAttributes['dropoutMask']>): NumberTensor {
  const first = (item(key.data, 0) + Math.imul(stream, 0x6a09e667)) | 0;
  const second = (item(key.data, 1) + Math.imul(stream, 0xbb67ae85)) | 0;
  const factors = [second, first + (second >>> 16), first].map((k) => 2 * k + 1);
  const threshold = Math.min(Math.round((1 - rate) * 2 ** 32), 2 ** 32 - 1);
  const data = new Float64Array(sizeOf(shape)).map((_, i) => {
    let x = (Math.imul(i, 0x9e3779b1) + first) | 0;
    factors.forEach((factor, round) => {
      if (round > 0) x = (x >>> 16) | (x << 16);
      x = Math.imul(x, 2 * x + factor);
    });
    return Number(x >>> 0 < threshold);
  });
  return { shape, data };
}

function average(row: Float64Array): number {
  return row.reduce((a, b) => a + b, 0) / row.length;
}

/** Replaces every row along the last dimension. */
function mapRows({ shape, data }: NumberTensor, f: (row: Float64Array) => Float64Array): NumberTensor {
  const width = item(shape, shape.length - 1);
  const rows = Array.from({ length: data.length / width }, (_, n) => f(data.slice(n * width, (n + 1) * width)));
  const flat = Float64Array.from(rows.flatMap((row) => [...row]));
  return { shape: [...shape.slice(0, -1), rows[0]?.length ?? width], data: flat };
}

function fill(shape: Shape, f: (at: readonly number[]) => number): NumberTensor {
  return { shape, data: Float64Array.from({ length: sizeOf(shape) }, (_, i) => f(coordinates(shape, i))) };
}

/** The element at a place of a shape that the tensor broadcasts to. */
function read({ shape, data }: NumberTensor, at: readonly number[]): number {
  return item(data, offsetOf(shape, at));
}

function offsetOf(shape: Shape, at: readonly number[]): number {
  const skipped = at.length - shape.length;
  return shape.reduce((offset, size, axis) => offset * size + (size === 1 ? 0 : item(at, axis + skipped)), 0);
}

function coordinates(shape: Shape, index: number): number[] {
  const at: number[] = [];
  for (const size of [...shape].reverse()) {
    at.unshift(index % size);
    index = Math.floor(index / size);
  }
  return at;
}

/** The item at an index that exists. */
export function item<T>(items: ArrayLike<T>, index: number): T {
  const found = items[index];
  if (found === undefined) throw new Error(`evaluator: no item ${index} of ${items.length}`);
  return found;
}
