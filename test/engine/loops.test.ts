import { describe, expect, test } from 'vitest';
import type { HostTensor } from '../../src/core/tensor.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { LoopEngine } from '../../src/engine/wasm/engine.ts';
import * as ops from '../../src/graph/functions.ts';
import { Graph } from '../../src/graph/graph.ts';
import { normal } from '../graph/draw.ts';

const onnx = onnxEngine({ threads: 1 });

/** Every kind of arithmetic there is, two outputs, one of them an input of the other. */
function arithmeticGraph(size: number): Graph {
  const graph = new Graph();
  const [a, b] = [graph.input('a', 'float32', [size]), graph.input('b', 'float32', [size])];
  const factor = graph.input('factor', 'float32', []);
  const sum = ops.add(ops.multiply(a, factor), ops.scale(b, 0.3));
  graph.output('sum', sum);
  graph.output('ratio', ops.divide(ops.negate(sum), ops.sqrt(ops.add(ops.multiply(b, b), ops.subtract(factor, sum)))));
  return graph;
}

const vector = (data: Float32Array): HostTensor<'float32'> => ({ dtype: 'float32', shape: [data.length], data });
const factor: HostTensor<'float32'> = { dtype: 'float32', shape: [], data: Float32Array.of(1.7) };

describe.each([8, 64, 16_384, 40_000, 7, 1, 33_333])('loops over %i elements', (size) => {
  test.each(['own', 'ordinary'])('give the very numbers of ONNX Runtime, over its %s arrays', async (where) => {
    const loops = new LoopEngine(4 * size);
    const array = () => (where === 'own' ? loops.allocate(size) : new Float32Array(size));
    const [a, b, sum, ratio] = [array(), array(), array(), array()];
    a.set(normal([size], 1).data);
    b.set(normal([size], 2).data);
    const program = await loops.compile(arithmeticGraph(size));
    const inputs = { a: vector(a), b: vector(b), factor };
    const expected = await (await onnx.compile(arithmeticGraph(size))).run(inputs);
    const outputs = await program.run(inputs, { sum: vector(sum), ratio: vector(ratio) });
    expect(sum).toEqual(expected.sum?.data);
    expect(ratio).toEqual(expected.ratio?.data);
    expect(outputs.sum?.data).toBe(sum);
  });

  test('may write over what they read', async () => {
    const loops = new LoopEngine(2 * size);
    const [a, b] = [loops.allocate(size), loops.allocate(size)];
    a.set(normal([size], 1).data);
    b.set(normal([size], 2).data);
    const expected = await (await onnx.compile(arithmeticGraph(size))).run({ a: vector(a), b: vector(b), factor });
    const program = await loops.compile(arithmeticGraph(size));
    await program.run({ a: vector(a), b: vector(b), factor }, { sum: vector(a), ratio: vector(b) });
    expect(a).toEqual(expected.sum?.data);
    expect(b).toEqual(expected.ratio?.data);
  });
});

describe('sums', () => {
  const squares = (size: number) => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [size]);
    graph.output('total', ops.sum(ops.multiply(x, x), [0]));
    return graph;
  };

  test.each([true, false])('are of double precision (over own arrays: %s)', async (isOwn) => {
    const size = 4_000_000;
    const loops = new LoopEngine(size);
    const values = isOwn ? loops.allocate(size) : new Float32Array(size);
    values.set(normal([size], 3).data);
    const program = await loops.compile(squares(size));
    const expected = values.reduce((sum, value) => sum + Math.fround(value * value), 0);
    for (let i = 0; i < 2; i++) {
      const { total } = await program.run({ x: vector(values) });
      expect(Math.abs(Number(total?.data[0]) / expected - 1)).toBeLessThan(1e-7);
    }
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('show a %d anywhere', async (bad) => {
    const loops = new LoopEngine(64);
    const values = loops.allocate(64);
    for (const place of [0, 3, 5, 63]) {
      values.fill(1);
      values[place] = bad;
      const { total } = await (await loops.compile(squares(64))).run({ x: vector(values) });
      expect(Number(total?.data[0])).toBe(bad);
    }
  });

  test('are refused where the end would not fill a turn', async () => {
    await expect(new LoopEngine(0).compile(squares(9))).rejects.toThrow('multiple of 16');
  });
});

test('arrays that find no room are ordinary ones', () => {
  const loops = new LoopEngine(1000);
  const arrays = Array.from({ length: 1000 }, () => loops.allocate(1000));
  expect(new Set(arrays.map(({ buffer }) => buffer)).size).toBeGreaterThan(500);
  expect(arrays.every((array) => array.length === 1000 && array.every((x) => x === 0))).toBe(true);
});

test('what is no arithmetic over vectors of one size is refused', async () => {
  const loops = new LoopEngine(0);
  const softmax = new Graph();
  softmax.output('y', ops.softmax(softmax.input('x', 'float32', [8])));
  await expect(loops.compile(softmax)).rejects.toThrow('no softmax');
  const twoSizes = new Graph();
  twoSizes.output('y', ops.add(twoSizes.input('x', 'float32', [8]), twoSizes.input('z', 'float32', [1])));
  await expect(loops.compile(twoSizes)).rejects.toThrow('vectors of one size');
  const program = await loops.compile(arithmeticGraph(8));
  await expect(program.run({ a: vector(new Float32Array(8)), factor })).rejects.toThrow('input b is missing');
  await expect(program.run({ a: vector(new Float32Array(8)), b: vector(new Float32Array(9)), factor })).rejects.toThrow(
    'b must be',
  );
});
