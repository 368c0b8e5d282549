import { expect, test } from 'vitest';
import * as ops from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradients.ts';
import { Graph } from '../../src/graph/graph.ts';
import { peakBytes } from '../../src/graph/memory.ts';
import { block } from './block.ts';

const megabyte = 250_000; // elements

test('a chain holds what is read and what is written; inputs and outputs do not count', () => {
  const graph = new Graph();
  let x = graph.input('x', 'float32', [megabyte]);
  for (let i = 0; i < 5; i++) x = ops.tanh(x);
  graph.output('y', x);
  expect(peakBytes(graph)).toBe(2e6);
});

test('what is read later stays', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [megabyte]);
  const [a, b, c] = [ops.tanh(x), ops.exp(x), ops.erf(x)];
  graph.output('y', ops.sum(ops.add(ops.multiply(a, b), c), [0]));
  // a, b, c and a · b; then a · b, c and their sum
  expect(peakBytes(graph)).toBe(4e6);
});

test('a reshaped value is no second one, and keeps the first', () => {
  const graph = new Graph();
  const x = ops.tanh(graph.input('x', 'float32', [megabyte]));
  const view = ops.reshape(x, [2, megabyte / 2]);
  const other = ops.exp(graph.input('z', 'float32', [2, megabyte / 2]));
  graph.output('y', ops.sum(ops.multiply(view, other), [0, 1]));
  expect(peakBytes(graph)).toBe(3e6);
});

test('the halves of a step hold what the backward half reads; nodes that nothing needs are not run', () => {
  const [narrow, whole] = [false, true].map((all) => {
    const { graph, loss, parameters } = block();
    graph.output('loss', loss);
    const values = all ? [...parameters.values()] : [];
    gradients(loss, values).forEach((gradient, i) => {
      graph.output(`gradient ${i}`, gradient);
    });
    return peakBytes(graph);
  });
  expect(whole).toBeGreaterThan(1.5 * (narrow as number));
});

test('sizes that a run tells are given, or refused by name', () => {
  const graph = new Graph();
  const [rows, width] = [graph.freeDimension('rows'), graph.freeDimension('width')];
  const x = ops.tanh(graph.input('x', 'float32', [rows, width, width]));
  graph.output('y', ops.exp(ops.tanh(x)));
  const sizes = new Map([
    ['rows', 10],
    ['width', 500],
  ]);
  expect(peakBytes(graph, sizes)).toBe(2 * 4 * 10 * 500 * 500);
  expect(() => peakBytes(graph)).toThrow(new Error('sizes: nothing says what rows is'));
});
