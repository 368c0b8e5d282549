import { describe, expect, test } from 'vitest';
import * as ops from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradients.ts';
import { Graph, type Value } from '../../src/graph/graph.ts';
import type { OpName } from '../../src/graph/ops/attributes.ts';
import { opTable } from '../../src/graph/ops/table.ts';
import { printGraph } from '../../src/graph/print.ts';
import { knownShape } from '../../src/graph/sizes.ts';
import { block, blockInputs } from './block.ts';
import { centralDifferences, relativeError } from './differences.ts';
import { normal } from './draw.ts';
import { evaluate, item, type NumberTensor, toNumbers } from './evaluator.ts';
import { buildCase, describeCase, type OpCase, opCases } from './opCases.ts';

/** Whether an op has a gradient; one lets none through. A new op does not compile until it is put on one side. */
const differentiable: { readonly [K in OpName]: boolean | 'stops' } = {
  add: true,
  subtract: true,
  multiply: true,
  divide: true,
  negate: true,
  exp: true,
  log: true,
  sqrt: true,
  tanh: true,
  erf: true,
  relu: true,
  sigmoid: true,
  stopGradient: 'stops',
  gelu: true,
  geluTanh: true,
  equal: false,
  greater: false,
  select: true,
  cast: false,
  matmul: true,
  linear: true,
  sum: true,
  max: true,
  reshape: true,
  broadcast: true,
  transpose: true,
  slice: true,
  concat: true,
  pad: true,
  gatherRows: true,
  scatterRows: true,
  softmax: true,
  layerNorm: true,
  batchNorm: true,
  conv2d: true,
  conv2dInputGradient: true,
  conv2dWeightGradient: false,
  maxPool2d: true,
  maxPool2dGradient: false,
  averagePool2d: true,
  addLayerNorm: false,
  attention: false,
  rotary: true,
  range: false,
  crossEntropy: true,
  crossEntropyGradient: false,
  dropoutMask: false,
  dropout: true,
};

/**
 * Both sides run in float64, but the rules' constants (as 2/√π) are float32, which moves a gradient by up to 1e-7. The
 * share is of the tensor's largest element.
 */
const tolerance = 1e-6;

const opNames = Object.keys(opCases) as OpName[];

describe.each(opNames.filter((op) => differentiable[op] === true))('gradient of %s', (op) => {
  const cases = opCases[op].filter(({ inputs }) => inputs.some(({ dtype }) => dtype === 'float32'));

  test.each(cases.filter(hasFloatOutput).map((opCase) => [describeCase(opCase), opCase] as const))(
    '%s',
    (_, opCase) => {
      const { graph, inputs, output } = buildCase(opCase);
      const weights = graph.input('weights', 'float32', output.shape);
      const loss = weightedSum(output, weights);
      const wanted = inputs.filter(({ dtype }) => dtype === 'float32');
      const tensors = { ...namedInputs(opCase), weights: toNumbers(normal(knownShape(output.shape, op), 1000)) };
      const found = evaluate(gradients(loss, wanted), tensors);
      wanted.forEach((input, i) => {
        const expected = centralDifferences(loss, tensors, nameOf(graph, input));
        expect(found[i]?.shape).toEqual(input.shape);
        expect(relativeError(found[i]?.data ?? [], expected)).toBeLessThan(tolerance);
      });
    },
  );
});

test.each(opNames.filter((op) => !differentiable[op]))('%s refuses to be differentiated', (op) => {
  const opCase = opCases[op][0];
  if (!opCase) throw new Error(`${op} has no case`);
  const { inputs, output } = buildCase(opCase);
  const loss = ops.sum(
    output,
    output.shape.map((_, axis) => axis),
  );
  expect(opTable[op].gradient).toBe('not differentiable');
  if (output.node?.inputs.length === 0) return; // a loss of this op alone depends on nothing
  expect(() => gradients(loss, inputs.slice(0, 1))).toThrow(`gradients: ${op} is not differentiable`);
});

describe('gradients of a transformer block agree with central differences', () => {
  const { graph, loss, parameters } = block();
  const tensors = Object.fromEntries(Object.entries(blockInputs()).map(([name, tensor]) => [name, toNumbers(tensor)]));
  const found = evaluate(gradients(loss, [...parameters.values()]), tensors);

  test.each([...parameters.keys()].map((name, i) => [name, i] as const))('%s', (name, i) => {
    const { data } = item(found, i);
    const elements = [...new Set([0, 1, 2, 3].map((n) => Math.floor((n * (data.length - 1)) / 3)))];
    const expected = centralDifferences(loss, tensors, name, elements);
    // The softmax does not see a shift of all its scores, so the gradient by the key's bias is zero in exact terms.
    if (name.endsWith('key.bias'))
      expect(Math.max(...expected.map(Math.abs), ...data.map(Math.abs))).toBeLessThan(1e-9);
    else
      expect(
        relativeError(
          Float64Array.from(elements, (n) => item(data, n)),
          expected,
        ),
      ).toBeLessThan(tolerance);
  });

  test('as many parameters as inputs of float32', () => {
    expect([...graph.inputs.values()].filter(({ dtype }) => dtype === 'float32')).toHaveLength(parameters.size);
  });
});

test('a value used in several places gets the sum of their gradients', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [3]);
  // x² + 3x, once through one node that reads x twice and once through another
  const loss = ops.sum(ops.add(ops.multiply(x, x), ops.scale(x, 3)), [0]);
  const [gradient] = evaluate(gradients(loss, [x]), { x: numbers([3], 1, -2, 0.5) });
  expect([...(gradient?.data ?? [])]).toEqual([5, -1, 4]);
});

test('no gradient flows where it is stopped, and none is built', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [3]);
  // x · stop(x²): the gradient is x² alone.
  const loss = ops.sum(ops.multiply(x, ops.stopGradient(ops.multiply(x, x))), [0]);
  const [gradient] = gradients(loss, [x]);
  const [found] = gradient ? evaluate([gradient], { x: numbers([3], 1, -2, 0.5) }) : [];
  expect([...(found?.data ?? [])]).toEqual([1, 4, 0.25]);
  if (gradient) graph.output('gradient', gradient);
  expect(graph.liveNodes().filter((node) => node.op === 'multiply')).toHaveLength(2);
});

test('a loss behind a stopped gradient alone depends on nothing', () => {
  const x = new Graph().input('x', 'float32', [2]);
  const loss = ops.sum(ops.stopGradient(x), [0]);
  expect(() => gradients(loss, [x])).toThrow('gradients: the loss does not depend on value 0');
});

test('the gradient of a loss by itself is one', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', []);
  expect(evaluate(gradients(x, [x]), {})[0]?.data[0]).toBe(1);
});

test('nothing is built for what lies before the values', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 3]);
  const frozen = graph.input('frozen', 'float32', [4, 3]);
  const frozenBias = graph.input('frozenBias', 'float32', [4]);
  const bias = graph.input('bias', 'float32', [4]);
  const loss = ops.sum(ops.add(ops.gelu(ops.linear(x, frozen, frozenBias)), bias), [0, 1]);
  const before = graph.nodes.length;
  const [gradient] = gradients(loss, [bias]);
  expect(graph.nodes.slice(before).map((node) => node.op)).toEqual(['reshape', 'broadcast', 'sum']);
  if (gradient) graph.output('gradient', gradient);
  expect(printGraph(graph)).not.toMatch(/linear|gelu|erf|matmul/);
});

test.each([
  ['forwards', [0, 3, 5]],
  ['backwards', [5, 3, 0]],
])('gradients of parts that make up a whole are joined, taken %s', (_, starts) => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 7]);
  const parts = starts.map((start) => ops.slice(x, { axis: 1, start, size: start === 0 ? 3 : 2 }));
  const total = parts.map((part) => ops.sum(ops.exp(part), [0, 1])).reduce((a, b) => ops.add(a, b));
  graph.output('gradient', item(gradients(total, [x]), 0));
  expect(printGraph(graph)).toMatch(/float32\[2, 7\] = concat\(%\d+, %\d+, %\d+, axis=1\)/);
  expect(graph.liveNodes().filter(({ op }) => op === 'pad' || op === 'concat')).toHaveLength(1);
});

test('gradients of parts that overlap or leave a gap are added', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [5]);
  const squares = [0, 1, 3].map((start) => {
    const part = ops.slice(x, { axis: 0, start, size: start === 0 ? 2 : 1 });
    return ops.sum(ops.multiply(part, part), [0]);
  });
  const total = squares.reduce((a, b) => ops.add(a, b));
  const [gradient] = evaluate(gradients(total, [x]), { x: toNumbers(normal([5], 1)) });
  const [a = 0, b = 0, , d = 0] = normal([5], 1).data;
  expect(relativeError(gradient?.data ?? [], [2 * a, 4 * b, 0, 2 * d, 0])).toBeLessThan(1e-12);
});

describe('the backward half rebuilds what is cheaper to compute than to keep', () => {
  const { graph, loss, parameters } = block();
  const forward = new Set(graph.nodes);
  gradients(loss, [...parameters.values()]).forEach((gradient, i) => {
    graph.output(`gradient ${i}`, gradient);
  });
  const backward = graph.liveNodes().filter((node) => !forward.has(node));
  test.each<OpName>(['gelu', 'geluTanh', 'dropout'])('%s', (op) => {
    const outputs = [...forward].filter((node) => node.op === op).flatMap((node) => node.outputs);
    expect(outputs.length).toBeGreaterThan(0);
    expect(backward.filter((node) => node.inputs.some((input) => outputs.includes(input)))).toEqual([]);
  });
});

test('a product with a frozen factor computes only the gradient that is asked for', () => {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [2, 3]);
  const weight = graph.input('weight', 'float32', [4, 3]);
  const loss = ops.sum(ops.matmul(x, weight, { transposeB: true }), [0, 1]);
  const [gradient] = gradients(loss, [weight]);
  if (gradient) graph.output('gradient', gradient);
  expect(graph.liveNodes().filter((node) => node.op === 'matmul')).toHaveLength(1);
});

describe('refusals', () => {
  test('a loss that is no scalar', () => {
    const x = new Graph().input('x', 'float32', [2, 3]);
    expect(() => gradients(x, [x])).toThrow('gradients: the loss must be a scalar, got [2, 3]');
  });

  test('a value that the loss does not depend on', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    const other = graph.input('other', 'float32', [2]);
    expect(() => gradients(ops.sum(x, [0]), [x, other])).toThrow('gradients: the loss does not depend on value 1');
  });

  test('a value that the loss depends on through indices alone', () => {
    const graph = new Graph();
    const indices = graph.input('indices', 'int32', [2]);
    const rows = ops.gatherRows(graph.input('table', 'float32', [3, 1]), indices);
    expect(() => gradients(ops.sum(rows, [0, 1]), [indices])).toThrow('the loss does not depend on value 0');
  });

  test('a loss that reads a further output of an op', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2, 3]);
    const weight = graph.input('weight', 'float32', [3]);
    const normalized = ops.layerNorm(x, weight, weight, 1e-5);
    const mean = normalized.node?.outputs[1] ?? normalized;
    const loss = ops.add(ops.sum(normalized, [0, 1]), ops.sum(mean, [0, 1]));
    expect(() => gradients(loss, [x])).toThrow('gradients: layerNorm is differentiable through its first output alone');
  });
});

function hasFloatOutput(opCase: OpCase): boolean {
  return buildCase(opCase).output.dtype === 'float32';
}

function weightedSum(output: Value, weights: Value): Value {
  return ops.sum(
    ops.multiply(output, weights),
    output.shape.map((_, axis) => axis),
  );
}

function namedInputs({ inputs }: OpCase): Record<string, NumberTensor> {
  return Object.fromEntries(inputs.map((tensor, i) => [`i${i}`, toNumbers(tensor)]));
}

function nameOf(graph: Graph, value: Value): string {
  for (const [name, input] of graph.inputs) if (input === value) return name;
  throw new Error('not an input');
}

function numbers(shape: readonly number[], ...data: number[]): NumberTensor {
  return { shape, data: Float64Array.from(data) };
}
