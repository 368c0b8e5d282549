import { expect, test } from 'vitest';
import * as ops from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradients.ts';
import { Graph } from '../../src/graph/graph.ts';
import { printGraph } from '../../src/graph/print.ts';

test('a layer with its loss and the backward half reads line by line', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 3]);
  const labels = graph.input('labels', 'int32', [2]);
  const weight = graph.input('weight', 'float32', [4, 3]);
  const bias = graph.input('bias', 'float32', [4]);
  const losses = ops.crossEntropy(ops.tanh(ops.linear(x, weight, bias)), labels);
  const loss = ops.scale(ops.sum(losses, [0]), 0.5);
  graph.output('loss', loss);
  const [byWeight = loss, byBias = loss] = gradients(loss, [weight, bias]);
  graph.output('weight.gradient', byWeight);
  graph.output('bias.gradient', byBias);
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "input x: float32[2, 3]
    input labels: int32[2]
    input weight: float32[4, 3]
    input bias: float32[4]
    %4: float32[2, 4] = linear(x, weight, bias)
    %5: float32[2, 4] = tanh(%4)
    %6: float32[2], %7: float32[2, 4] = crossEntropy(%5, labels)
    %8: float32[] = sum(%6, axes=[0], keepDimensions=false)
    %10: float32[] = multiply(%8, 0.5)
    %12: float32[] = multiply(1, 0.5)
    %14: float32[1] = reshape(%12, shape=[1])
    %15: float32[2] = broadcast(%14, shape=[2])
    %16: float32[2, 4] = crossEntropyGradient(%7, labels, %15)
    %18: float32[2, 4] = multiply(%5, %5)
    %19: float32[2, 4] = subtract(1, %18)
    %20: float32[2, 4] = multiply(%16, %19)
    %22: float32[4, 3] = matmul(%20, x, transposeA=true, transposeB=false, alpha=1)
    %23: float32[4] = sum(%20, axes=[0], keepDimensions=false)
    output loss = %10
    output weight.gradient = %22
    output bias.gradient = %23"
  `);
});

test('parts that no output needs are left out, and larger constants show their type', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2]);
  const offsets = graph.constant({ dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) });
  ops.exp(x);
  graph.output('y', ops.broadcast(ops.add(x, offsets), [3, 2]));
  expect(printGraph(graph)).toMatchInlineSnapshot(`
    "input x: float32[2]
    %3: float32[2] = add(x, constant float32[2])
    %4: float32[3, 2] = broadcast(%3, shape=[3,2])
    output y = %4"
  `);
});
