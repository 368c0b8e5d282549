import { describe, expect, test } from 'vitest';
import { zeros } from '../../src/core/tensor.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { boundSize } from '../../src/graph/bindings.ts';
import * as ops from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradients.ts';
import { Graph, type Value } from '../../src/graph/graph.ts';
import { lowerToOnnx } from '../../src/graph/lowering.ts';
import { printGraph } from '../../src/graph/print.ts';
import { elementsOf, isFree, knownShape, product, quotient, symbol } from '../../src/graph/sizes.ts';
import { relativeError } from './differences.ts';
import { indices, normal } from './draw.ts';
import { evaluate, toNumbers } from './evaluator.ts';

const [rows, width, heads] = [symbol('rows'), symbol('width'), symbol('heads')];
const engine = onnxEngine({ threads: 1 });

describe('sizes', () => {
  test('equal products are the same, in any order', () => {
    expect(product(rows, width, 64)).toBe(product(8, width, 2, rows, 4));
    expect(product(rows, width)).not.toBe(product(rows, rows, width));
    expect(product(rows, width)).not.toBe(product(rows, width, 2));
    expect(symbol('rows')).toBe(rows);
  });

  test('are numbers without symbols, and nothing times a symbol is nothing', () => {
    expect(product(3, 4)).toBe(12);
    expect(product()).toBe(1);
    expect(product(rows, 0)).toBe(0);
    expect(product(rows, 1)).toBe(rows);
    expect([isFree(rows), isFree(30522)]).toEqual([true, false]);
  });

  test('read as products', () => {
    expect(`${product(64, width, rows)}`).toBe('rows·width·64');
    expect(`${product(width, 2, width)}`).toBe('width·width·2');
  });

  test('are divided exactly, or not at all', () => {
    expect(quotient(product(rows, width, width, 64), product(width, 16))).toBe(product(width, rows, 4));
    expect(quotient(product(rows, width), product(width, rows))).toBe(1);
    expect(quotient(12, 4)).toBe(3);
    expect(quotient(0, rows)).toBe(0);
    const refused = [
      [rows, width, 'rows', 'width'],
      [product(rows, width), product(rows, rows), 'rows·width', 'rows·rows'],
      [product(rows, 6), 4, 'rows·6', '4'],
      [64, rows, '64', 'rows'],
      [7, 2, '7', '2'],
      [7, 0, '7', '0'],
      [0, 0, '0', '0'],
    ] as const;
    for (const [size, divisor, text, by] of refused) {
      expect(() => quotient(size, divisor)).toThrow(new Error(`sizes: ${text} is not known to be a multiple of ${by}`));
    }
  });

  test('are whole numbers that are counted exactly', () => {
    expect(() => product(rows, 0.5)).toThrow(new Error('sizes: rows·0.5 is no size'));
    expect(() => product(rows, -1)).toThrow(new Error('sizes: rows·-1 is no size'));
    expect(() => product(2 ** 30, 2 ** 30)).toThrow(new Error('sizes: 1152921504606847000 is no size'));
    expect(() => symbol('rows·2')).toThrow(new Error('sizes: a name is letters, digits and _, got "rows·2"'));
  });

  test('become numbers when all of their symbols are bound', () => {
    const bindings = new Map([
      ['rows', 3],
      ['width', 5],
    ]);
    expect(boundSize(product(rows, width, width, 2), bindings)).toBe(150);
    expect(boundSize(7, bindings)).toBe(7);
    expect(() => boundSize(product(rows, heads), bindings)).toThrow(new Error('sizes: nothing says what heads is'));
    expect(() => knownShape([2, rows], 'layer: the shape')).toThrow(
      new Error('layer: the shape must be known before the graph runs, got [2, rows]'),
    );
  });
});

describe('graphs', () => {
  test('symbols reach the model as names and run-time sizes, never as numbers', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [graph.freeDimension('rows'), graph.freeDimension('width'), 4]);
    graph.output('flat', ops.reshape(x, [product(rows, width), 4]));
    graph.output('wide', ops.broadcast(ops.reshape(x, [rows, width, 1, 4]), [rows, width, width, 4]));
    const { initializers, nodes } = lowerToOnnx(graph);
    const numbers = [...initializers.values()].flatMap(({ data }) => Array.from<number | bigint>(data).map(Number));
    expect(numbers.filter((number) => number > 4)).toEqual([]);
    expect(nodes.filter(({ opType }) => opType === 'Shape')).toHaveLength(2);
  });

  test('symbols must be those of an input', () => {
    const graph = new Graph();
    graph.output('y', ops.range(graph, graph.freeDimension('length'), 1));
    expect(() => lowerToOnnx(graph)).toThrow('graph: no input tells the size of length');
  });

  test('a name is one size', () => {
    const graph = new Graph();
    graph.freeDimension('rows');
    expect(() => graph.freeDimension('rows')).toThrow(new Error('graph: there is a size rows already'));
  });

  test('sizes are whole numbers', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, 3]);
    expect(() => ops.reshape(x, [-2, -3])).toThrow(new Error('reshape: a size is a whole number, got [-2, -3]'));
    expect(() => ops.reshape(x, [0.5, 12])).toThrow(new Error('reshape: a size is a whole number, got [0.5, 12]'));
    expect(() => graph.input('y', 'float32', [Number.NaN])).toThrow(
      new Error('graph: a size is a whole number, got [NaN]'),
    );
    expect(() => ops.range(graph, 4, 0)).toThrow(
      new Error('range: expected steps of at least 1 to an int32, got 4 of 0'),
    );
    expect(() => ops.range(graph, 2 ** 20, 2 ** 12)).toThrow(
      new Error('range: expected steps of at least 1 to an int32, got 1048576 of 4096'),
    );
  });

  test('what symbols do not decide is refused', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [rows, width]);
    const y = graph.input('y', 'float32', [rows, 4]);
    const image = graph.input('image', 'float32', [1, 3, width, 8]);
    const filters = graph.input('filters', 'float32', [2, 3, 3, 3]);
    const pair = 'two tensors of one dtype that broadcast';
    const refused: readonly [() => unknown, string][] = [
      [() => ops.add(x, y), `add: expected ${pair}, got float32[rows, width], float32[rows, 4]`],
      [() => ops.add(x, ops.sum(y, [1])), `add: expected ${pair}, got float32[rows, width], float32[rows]`],
      [
        () => ops.matmul(x, y, { transposeA: false }),
        'matmul: expected float32 [..., m, k] and [..., k, n], got float32[rows, width], float32[rows, 4]',
      ],
      [
        () => ops.reshape(x, [width, width]),
        'reshape: expected as many elements as [width, width], got float32[rows, width]',
      ],
      [
        () => ops.broadcast(y, [width, 4]),
        'broadcast: expected a shape that broadcasts to [width, 4], got float32[rows, 4]',
      ],
      [
        () => ops.conv2d(image, filters, { stride: 1, padding: 1 }),
        'conv2d: the height must be known before the graph runs, got width',
      ],
      [
        () => ops.attention(x, x, x, x, { rows, width, heads: 2 }),
        `attention: expected three float32 [rows·width, heads · size] for 2 heads and [rows, 1, width, width], got ${Array(4).fill('float32[rows, width]').join(', ')}`,
      ],
    ];
    for (const [build, message] of refused) expect(build).toThrow(new Error(message));
  });

  test('gradients that are means over what a run tells are refused', () => {
    const graph = new Graph();
    const [scale, shift] = [graph.input('scale', 'float32', [width]), graph.input('shift', 'float32', [width])];
    const x = graph.input('x', 'float32', [rows, width]);
    const gradientOf = (y: Value) => () => gradients(ops.sum(y, [0, 1]), [x]);
    expect(gradientOf(ops.layerNorm(x, scale, shift, 1e-5))).toThrow(
      new Error('gradient of layerNorm: the width must be known before the graph runs, got width'),
    );
    expect(gradientOf(ops.batchNorm(x, scale, shift, 1e-5))).toThrow(
      new Error('gradient of batchNorm: the places of a channel must be known before the graph runs, got rows'),
    );
  });

  test('print their products', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [rows, width, 64]);
    graph.output('y', ops.reshape(x, [product(rows, width, 64)]));
    graph.output('z', ops.range(graph, rows, width));
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "input x: float32[rows, width, 64]
      %1: float32[rows·width·64] = reshape(x, shape=[rows·width·64])
      %2: int32[rows] = range(count=rows, step=width)
      output y = %1
      output z = %2"
    `);
  });
});

describe('runs', () => {
  test('a reshape to a product with a power, at several sizes', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [rows, 1, width, width]);
    graph.output('flat', ops.reshape(x, [product(rows, width, width)]));
    graph.output('pairs', ops.reshape(x, [product(rows, width), width]));
    graph.output('wide', ops.broadcast(ops.reshape(x, [rows, width, width, 1]), [rows, width, width, width]));
    const program = await engine.compile(graph);
    for (const [r, w] of [
      [2, 3],
      [5, 1],
      [1, 4],
      [3, 7],
    ] as const) {
      const input = normal([r, 1, w, w], 10 * r + w);
      const { flat, pairs, wide } = await program.run({ x: input });
      expect(flat).toEqual({ ...input, shape: [r * w * w] });
      expect(pairs).toEqual({ ...input, shape: [r * w, w] });
      expect(wide?.shape).toEqual([r, w, w, w]);
      expect([...(wide?.data ?? [])]).toEqual([...input.data].flatMap((element) => Array(w).fill(element)));
    }
    await program.dispose();
  });

  test('an input may have a symbol times a number', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [product(rows, 2), 3]);
    graph.output('y', ops.reshape(x, [rows, 2, 3]));
    graph.output('numbers', ops.range(graph, rows, 1));
    const program = await engine.compile(graph);
    const { y, numbers } = await program.run({ x: normal([8, 3], 1) });
    expect([y?.shape, [...(numbers?.data ?? [])]]).toEqual([
      [4, 2, 3],
      [0, 1, 2, 3],
    ]);
    await expect(program.run({ x: normal([7, 3], 1) })).rejects.toThrow(
      new Error('engine: x must be float32[rows·2, 3], got float32[7, 3]'),
    );
    await program.dispose();
  });

  test('count in steps, and attend, of sizes that the run tells', async () => {
    const graph = new Graph();
    const tokens = product(rows, width);
    const qkv = ['q', 'k', 'v'].map((name) => graph.input(name, 'float32', [tokens, 6]));
    const bias = graph.input('bias', 'float32', [rows, 1, width, width]);
    const [q = bias, k = bias, v = bias] = qkv;
    const context = ops.attention(q, k, v, bias, { rows, width, heads: 3 });
    graph.output('firsts', ops.gatherRows(context, ops.range(graph, rows, width)));
    graph.output('numbers', ops.range(graph, width, product(rows, width, 2)));
    const program = await engine.compile(graph);
    for (const [r, w] of [
      [2, 3],
      [3, 1],
      [1, 5],
    ] as const) {
      const inputs = {
        q: normal([r * w, 6], 1),
        k: normal([r * w, 6], 2),
        v: normal([r * w, 6], 3),
        bias: normal([r, 1, w, w], 4),
      };
      const { firsts, numbers } = await program.run(inputs);
      const numbersOf = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toNumbers(tensor)]));
      const [expected] = evaluate([...graph.outputs.values()], numbersOf);
      expect(firsts?.shape).toEqual([r, 6]);
      expect(relativeError(firsts?.data as Float32Array, expected?.data ?? [])).toBeLessThan(1e-6);
      expect([...(numbers?.data ?? [])]).toEqual(Array.from({ length: w }, (_, i) => i * r * w * 2));
    }
    await program.dispose();
  });

  test('refuse tensors that disagree about a symbol', async () => {
    const graph = new Graph();
    const [x, y] = [graph.input('x', 'float32', [rows, width]), graph.input('y', 'float32', [rows, 1])];
    graph.output('sum', ops.add(x, y));
    const program = await engine.compile(graph);
    await expect(program.run({ x: normal([2, 3], 1), y: normal([1, 1], 2) })).rejects.toThrow(
      new Error('engine: y must be float32[rows, 1] with rows = 2 as in x, got float32[1, 1]'),
    );
    const run = program.run({ x: normal([2, 3], 1), y: normal([2, 1], 2) }, { sum: zeros('float32', [2, 4]) });
    await expect(run).rejects.toThrow(
      new Error(
        'engine: sum must be float32[rows, width] with rows = 2 as in x and width = 3 as in x, got float32[2, 4]',
      ),
    );
    await program.dispose();
  });

  test('keep the elements of empty tensors apart from the sizes that they come from', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [4, 0]);
    graph.output('y', ops.add(ops.reshape(x, [0, 4]), graph.scalar(1)));
    graph.output('z', ops.reshape(graph.input('w', 'float32', [rows, 0]), [0, rows, 2]));
    const program = await engine.compile(graph);
    const { y, z } = await program.run({ x: zeros('float32', [4, 0]), w: zeros('float32', [3, 0]) });
    expect([y?.shape, z?.shape]).toEqual([
      [0, 4],
      [0, 3, 2],
    ]);
    await program.dispose();
  });

  test('refuse empty tensors where they would be taken for others, and run them elsewhere', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [rows, width]);
    const places = graph.input('places', 'int32', [graph.freeDimension('places')]);
    graph.output('turned', ops.reshape(x, [width, 1, rows]));
    graph.output('read', ops.gatherRows(x, places));
    const program = await engine.compile(graph);
    await expect(program.run({ x: normal([0, 3], 1), places: indices([1], 1, 2) })).rejects.toThrow(
      new Error('engine: x must be float32[rows, width] with rows of at least 1, got float32[0, 3]'),
    );
    const { turned, read } = await program.run({ x: normal([2, 3], 1), places: indices([0], 1, 2) });
    expect([turned?.shape, read?.shape]).toEqual([
      [3, 1, 2],
      [0, 3],
    ]);
    await program.dispose();
  });

  test('any number of symbols', async () => {
    const graph = new Graph();
    const names = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => graph.freeDimension(name));
    const x = graph.input('x', 'int32', names);
    graph.output('y', ops.reshape(ops.transpose(x, [5, 4, 3, 2, 1, 0]), [elementsOf(names)]));
    const program = await engine.compile(graph);
    const input = indices([2, 1, 3, 2, 1, 2], 100, 1);
    const { y } = await program.run({ x: input });
    expect(y?.shape).toEqual([24]);
    expect([...(y?.data ?? [])].sort()).toEqual([...input.data].sort());
    await program.dispose();
  });
});
