import { describe, expect, test } from 'vitest';
import * as ops from '../../src/graph/functions.ts';
import { Graph } from '../../src/graph/graph.ts';
import { lowerToOnnx } from '../../src/graph/lowering.ts';

describe('free dimensions', () => {
  test('are told apart in products', () => {
    const { dimensions } = new Graph();
    const [rows, width] = [dimensions.add('rows'), dimensions.add('width')];
    expect(dimensions.factors(rows * width * 768)).toEqual({ free: [rows, width], known: 768 });
    expect(dimensions.factors(width * width)).toEqual({ free: [width, width], known: 1 });
    expect(dimensions.factors(30522)).toEqual({ free: [], known: 30522 });
    expect(dimensions.factors(0)).toEqual({ free: [], known: 0 });
    expect(dimensions.nameOf(width)).toBe('width');
    expect(dimensions.nameOf(2 * width)).toBeUndefined();
  });

  test('reach the model as names and run-time sizes, never as numbers', () => {
    const graph = new Graph();
    const [rows, width] = [graph.freeDimension('rows'), graph.freeDimension('width')];
    const x = graph.input('x', 'float32', [rows, width, 4]);
    graph.output('flat', ops.reshape(x, [rows * width, 4]));
    graph.output('wide', ops.broadcast(ops.reshape(x, [rows, width, 1, 4]), [rows, width, width, 4]));
    const { initializers, nodes } = lowerToOnnx(graph);
    const numbers = [...initializers.values()].flatMap(({ data }) => Array.from<number | bigint>(data).map(Number));
    expect(numbers.filter((number) => number > 4)).toEqual([]);
    expect(nodes.filter(({ opType }) => opType === 'Shape')).toHaveLength(2);
  });

  test('must be those of an input', () => {
    const graph = new Graph();
    graph.output('y', ops.range(graph, graph.freeDimension('length'), 1));
    expect(() => lowerToOnnx(graph)).toThrow('graph: no input tells the size of length');
  });
});
