import { describe, expect, test } from 'vitest';
import { floatData, type HostTensor, sizeOf, type TensorType } from '../../src/core/tensor.ts';
import type { Engine, NamedTensors } from '../../src/engine/engine.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { LoopEngine } from '../../src/engine/wasm/engine.ts';
import * as ops from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradients.ts';
import { Graph, type Value } from '../../src/graph/graph.ts';
import type { OpName } from '../../src/graph/ops/attributes.ts';
import { opTable } from '../../src/graph/ops/table.ts';
import { knownShape } from '../../src/graph/sizes.ts';
import { block, blockInputs } from '../graph/block.ts';
import { relativeError } from '../graph/differences.ts';
import { indices, normal } from '../graph/draw.ts';
import { item, referenceEngine } from '../graph/evaluator.ts';
import { buildCase, describeCase, type OpCase, opCases } from '../graph/opCases.ts';
import { expectClose } from '../parity.ts';
import { engines } from './engines.ts';

const onnx = onnxEngine({ threads: 2 });

/** Float32 rounds at 6e-8; a few roundings in a row stay below this share of the tensor's largest element. */
const tolerance = 5e-7;

const opNames = Object.keys(opCases) as OpName[];

describe.each(engines)('%s', (_engine, engine) => {
  describe.each(opNames)('%s agrees with the evaluator', (op) => {
    test.each(opCases[op].map((opCase) => [describeCase(opCase), opCase] as const))('%s', async (_, opCase) => {
      const { graph, inputs } = withGradients(op, opCase);
      const [actual, expected] = await runOnBoth(engine, graph, inputs);
      for (const [name, { dtype, shape }] of graph.outputs) {
        const quantity = name.startsWith('gradient') ? `${op}, gradient` : op;
        expectEqual({ dtype, shape: knownShape(shape, name) }, quantity, actual[name], expected[name]);
      }
    });
  });

  test('batchNorm of many places, far from zero beside their deviation', async () => {
    const graph = new Graph();
    const [images, channels, side] = [16, 3, 20];
    const [weight, bias] = [graph.input('weight', 'float32', [channels]), graph.input('bias', 'float32', [channels])];
    const x = graph.input('x', 'float32', [images, channels, side, side]);
    graph.output('normalized', ops.batchNorm(x, weight, bias, 1e-5));
    const values = normal([images, channels, side, side], 1);
    const inputs = {
      x: { ...values, data: values.data.map((value) => 3 + 0.05 * value) },
      ...{ weight: normal([channels], 2), bias: normal([channels], 3) },
    };
    const [actual, expected] = await runOnBoth(engine, graph, inputs);
    // Float32 rounds 3 at 2e-7, which is 5e-6 of the deviation.
    const [found, wanted] = [dataOf(actual.normalized), dataOf(expected.normalized)];
    expectClose(found, wanted, { quantity: 'batchNorm, far from zero', tolerance: 1e-5 });
  });

  test('a transformer block: loss and all gradients', async () => {
    const { graph, loss, parameters } = block();
    graph.output('loss', loss);
    const values = gradients(loss, [...parameters.values()]);
    [...parameters.keys()].forEach((name, i) => {
      graph.output(`gradient ${name}`, item(values, i));
    });
    const [actual, expected] = await runOnBoth(engine, graph, blockInputs());
    expectClose(dataOf(actual.loss), dataOf(expected.loss), { quantity: 'a transformer block, loss', tolerance });
    for (const name of parameters.keys()) {
      const [found, wanted] = [dataOf(actual[`gradient ${name}`]), dataOf(expected[`gradient ${name}`])];
      // Some gradients are small differences of large terms, as those by the query; by the key's bias it is exactly zero.
      if (name.endsWith('key.bias')) expect(Math.max(...found.map(Math.abs))).toBeLessThan(1e-7);
      else expectClose(found, wanted, { quantity: 'a transformer block, gradients', name, tolerance: 2e-5 });
    }
  });
});

describe.each([...engines, ['the evaluator', referenceEngine] as const])('outputs %s', (_, engine) => {
  test('are written into those given, and returned', async () => {
    const target = normal([3], 1);
    const program = await engine.compile(descent(3));
    const results = await program.run({ value: floats(1, 2, 3), gradient: floats(4, 0, -4) }, { 'next value': target });
    expect(floatsOf(results['next value'])).toBe(target.data);
    expect([...target.data]).toEqual([-1, 2, 5]);
    expect([...floatsOf(results.doubled)]).toEqual([2, 4, 6]);
    await program.dispose();
  });

  test('may be the inputs of an elementwise graph', async () => {
    const value = normal([100_000], 2);
    const gradient = normal([100_000], 3);
    const expected = value.data.map((x, i) => x - Math.fround(0.5 * item(gradient.data, i)));
    const program = await engine.compile(descent(100_000));
    await program.run({ value, gradient }, { 'next value': value });
    expect(value.data).toEqual(expected);
    await program.dispose();
  });

  test('may be views into a larger array, as inputs may', async () => {
    const all = Float32Array.of(100, 1, 2, 3, 200, 4, 0, -4, 300);
    const view = (start: number): HostTensor => ({
      dtype: 'float32',
      shape: [3],
      data: all.subarray(start, start + 3),
    });
    const program = await engine.compile(descent(3));
    await program.run({ value: view(1), gradient: view(5) }, { 'next value': view(1) });
    expect([...all]).toEqual([100, -1, 2, 5, 200, 4, 0, -4, 300]);
    await program.dispose();
  });

  test('do not move results of an earlier run', async () => {
    const program = await engine.compile(descent(1));
    const first = await program.run({ value: floats(1), gradient: floats(0) });
    const second = await program.run({ value: floats(2), gradient: floats(0) });
    expect([...floatsOf(first['next value']), ...floatsOf(second['next value'])]).toEqual([1, 2]);
    await program.dispose();
  });

  test('may be one value under two names, an input or a constant', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    const sum = ops.add(x, x);
    graph.output('sum', sum);
    graph.output('same', sum);
    graph.output('copy', x);
    graph.output('seven', graph.scalar(7));
    const results = await (await engine.compile(graph)).run({ x: floats(1, 2) });
    expect(Object.entries(results).map(([name, tensor]) => [name, ...floatsOf(tensor)])).toEqual([
      ['sum', 2, 4],
      ['same', 2, 4],
      ['copy', 1, 2],
      ['seven', 7],
    ]);
  });
});

describe.each(engines)('%s there is refused', (_engine, engine) => {
  const value = floats(1, 2, 3);
  const refused: readonly [string, NamedTensors, NamedTensors, string][] = [
    ['a missing input', { value }, {}, 'engine: input gradient: float32[3] is missing'],
    [
      'an input of another shape',
      { value, gradient: floats(1, 2) },
      {},
      'engine: gradient must be float32[3], got float32[2]',
    ],
    [
      'an input of another type',
      { value, gradient: indices([3], 5, 1) },
      {},
      'engine: gradient must be float32[3], got int32[3]',
    ],
    [
      'an output of another shape',
      { value, gradient: value },
      { 'next value': floats(1) },
      'engine: next value must be float32[3], got float32[1]',
    ],
    ['an output that is none', { value, gradient: value }, { next: value }, 'engine: next is no output of the graph'],
  ];

  test.each(refused)('%s', async (_, inputs, into, message) => {
    const program = await engine.compile(descent(3));
    await expect(program.run(inputs, into)).rejects.toThrow(message);
    await program.dispose();
  });

  test('indices outside the table', async () => {
    const graph = new Graph();
    const rows = ops.gatherRows(graph.input('table', 'float32', [3, 1]), graph.input('at', 'int32', [1]));
    graph.output('rows', rows);
    const program = await engine.compile(graph);
    const at: HostTensor = { dtype: 'int32', shape: [1], data: Int32Array.of(3) };
    const table: HostTensor = { dtype: 'float32', shape: [3, 1], data: value.data };
    await expect(program.run({ table, at })).rejects.toThrow(
      /idx=3 must be within the inclusive range \[-3,2\]|the index value 3 is not in \[0, 2\]/,
    );
    await program.dispose();
  });

  test('a graph with values of another one', async () => {
    const graph = new Graph();
    const stranger = new Graph().input('y', 'float32', [2]);
    graph.output('sum', ops.add(graph.input('x', 'float32', [2]), stranger));
    await expect(engine.compile(graph)).rejects.toThrow('graph: a value of another graph was used');
  });
});

test('repeated runs add rows to the same bits, with two threads and many repeated indices', async () => {
  const [count, rows, width] = [8192, 16, 64];
  const graph = new Graph();
  const at = graph.input('at', 'int32', [count]);
  graph.output('table', ops.scatterRows(at, graph.input('updates', 'float32', [count, width]), rows));
  const inputs = { at: indices([count], rows, 1), updates: normal([count, width], 2) };
  const program = await onnx.compile(graph);
  const first = floatsOf((await program.run(inputs)).table);
  for (let run = 1; run < 20; run++) expect(floatsOf((await program.run(inputs)).table)).toEqual(first);
  const expected = floatsOf((await (await referenceEngine.compile(graph)).run(inputs)).table);
  expect(relativeError(first, expected)).toBeLessThan(2e-6);
  await program.dispose();
});

describe('on loops of WebAssembly, arithmetic over vectors agrees with the evaluator', () => {
  const looped = (Object.keys(opCases) as OpName[]).flatMap((op) =>
    opCases[op].flatMap((opCase) => (isLoop(op, opCase) ? [[op, describeCase(opCase), opCase] as const] : [])),
  );

  test('which is all that they know', () => {
    expect([...new Set(looped.map(([op]) => op))]).toEqual(loopOps);
  });

  test.each(looped)('%s %s', async (op, _, opCase) => {
    const { graph, output } = buildCase(opCase);
    graph.output('output', output);
    const inputs = Object.fromEntries(opCase.inputs.map((tensor, i) => [`i${i}`, tensor]));
    const actual = await (await new LoopEngine(0).compile(graph)).run(inputs);
    const expected = await (await referenceEngine.compile(graph)).run(inputs);
    const type = { dtype: output.dtype, shape: knownShape(output.shape, op) };
    expectEqual(type, op, actual.output, expected.output);
  });

  test('other ops are refused', async () => {
    const graph = new Graph();
    graph.output('y', ops.exp(graph.input('x', 'float32', [16])));
    await expect(new LoopEngine(0).compile(graph)).rejects.toThrow('loops: no exp');
  });
});

const loopOps: readonly OpName[] = ['add', 'subtract', 'multiply', 'divide', 'negate', 'sqrt', 'sum'];

/** Whether an op on float32 vectors of one size, with or without scalars, is one that loops know. */
function isLoop(op: OpName, { inputs }: OpCase): boolean {
  const sizes = new Set(inputs.flatMap(({ shape }) => (shape.length === 0 ? [] : [String(shape)])));
  const fits = inputs.every(({ dtype, shape }) => dtype === 'float32' && shape.length < 2) && sizes.size === 1;
  return loopOps.includes(op) && fits;
}

/** The op's outputs, and the gradients of a weighted sum of the first by every float input. */
function withGradients(op: OpName, opCase: OpCase): { graph: Graph; inputs: NamedTensors } {
  const { graph, inputs: values, output } = buildCase(opCase);
  const inputs: Record<string, HostTensor> = Object.fromEntries(opCase.inputs.map((tensor, i) => [`i${i}`, tensor]));
  output.node?.outputs.forEach((value, i) => {
    graph.output(`output ${i}`, value);
  });
  const wanted = values.filter(({ dtype }) => dtype === 'float32');
  if (opTable[op].gradient === 'not differentiable' || op === 'stopGradient' || wanted.length === 0)
    return { graph, inputs };
  inputs.weights = normal(knownShape(output.shape, op), 1000);
  const loss = total(ops.multiply(output, graph.input('weights', 'float32', output.shape)));
  gradients(loss, wanted).forEach((gradient, i) => {
    graph.output(`gradient ${i}`, gradient);
  });
  return { graph, inputs };
}

function total(x: Value): Value {
  return ops.sum(
    x,
    x.shape.map((_, axis) => axis),
  );
}

async function runOnBoth(engine: Engine, graph: Graph, inputs: NamedTensors): Promise<[NamedTensors, NamedTensors]> {
  const program = await engine.compile(graph);
  const before = structuredClone(inputs);
  const actual = await program.run(inputs);
  await program.dispose();
  expect(inputs).toEqual(before); // kernels that write over their inputs would change parameters
  return [actual, await (await referenceEngine.compile(graph)).run(inputs)];
}

/** Bit-exact for integers, truth values and dropout masks. */
function expectEqual({ dtype, shape }: TensorType, quantity: string, actual?: HostTensor, expected?: HostTensor): void {
  expect(actual).toMatchObject({ dtype, shape });
  expect(actual?.data).toHaveLength(sizeOf(shape));
  const numbers = (tensor: HostTensor | undefined) => Array.from(tensor?.data ?? [], Number);
  const exact = dtype !== 'float32';
  expectClose(numbers(actual), numbers(expected), { quantity, tolerance: exact ? 0 : tolerance });
}

/** A step of gradient descent with rate 0.5, and another output beside it. */
function descent(size: number): Graph {
  const graph = new Graph();
  const value = graph.input('value', 'float32', [size]);
  graph.output('next value', ops.subtract(value, ops.scale(graph.input('gradient', 'float32', [size]), 0.5)));
  graph.output('doubled', ops.scale(value, 2));
  return graph;
}

function floats(...data: number[]): HostTensor<'float32'> {
  return { dtype: 'float32', shape: [data.length], data: Float32Array.from(data) };
}

function dataOf(tensor: HostTensor | undefined): number[] {
  return [...floatsOf(tensor)];
}

function floatsOf(tensor: HostTensor | undefined): Float32Array {
  if (!tensor) throw new Error('no such output');
  return floatData(tensor);
}
