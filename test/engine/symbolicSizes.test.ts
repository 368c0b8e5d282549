import { describe, expect, test } from 'vitest';
import { randomBelow } from '../../src/core/random.ts';
import type { HostTensor } from '../../src/core/tensor.ts';
import type { Engine, NamedTensors } from '../../src/engine/engine.ts';
import { type Bindings, boundShape } from '../../src/graph/bindings.ts';
import * as ops from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradients.ts';
import { Graph, type Node, type Value } from '../../src/graph/graph.ts';
import type { OpName } from '../../src/graph/ops/attributes.ts';
import { opTable } from '../../src/graph/ops/table.ts';
import { elementsOf, product, type Size, type SymbolicShape, symbol } from '../../src/graph/sizes.ts';
import { block, blockInputs } from '../graph/block.ts';
import { relativeError } from '../graph/differences.ts';
import { normal } from '../graph/draw.ts';
import { evaluate, item, toNumbers } from '../graph/evaluator.ts';
import { describeCase, type OpCase, opCases } from '../graph/opCases.ts';
import { engines } from './engines.ts';

/** A few roundings of float32 in a row, as a share of the largest element. */
const tolerance = 1e-5;

/** One of the sizes of an op's input. */
interface Axis {
  readonly size: number;
  readonly axis: number;
  readonly rank: number;
  readonly input: number;
}

describe.each(engines)('%s', (_engine, engine) => {
  describe('each op, with symbols in place of the sizes of its inputs', () => {
    /** Their cases state sizes in numbers. */
    const inNumbers: ReadonlySet<OpName> = new Set(['reshape', 'broadcast', 'range', 'dropoutMask', 'attention']);
    /** Of these the axis that is divided, which is the last one here or the first, is counted before a run. */
    const divided: ReadonlySet<OpName> = new Set(['slice', 'concat', 'pad']);
    /** Of these the height and width, over which windows go, are counted before a run. */
    const windowed: ReadonlySet<OpName> = new Set([
      'conv2d',
      'conv2dInputGradient',
      'conv2dWeightGradient',
      'maxPool2d',
      'maxPool2dGradient',
      'averagePool2d',
    ]);
    const cases = (Object.keys(opCases) as OpName[])
      .filter((op) => !inNumbers.has(op))
      .flatMap((op) => opCases[op].map((opCase) => [op, describeCase(opCase), opCase] as const));

    test.each(cases)('%s %s', async (op, _, opCase) => {
      const hasGradient = opTable[op].gradient !== 'not differentiable' && op !== 'stopGradient' && op !== 'batchNorm';
      const isKnown = ({ axis, rank, input }: Axis) =>
        (windowed.has(op) && axis > 1) ||
        (op === 'layerNorm' && axis === rank - 1) || // its gradient is a mean over them
        (divided.has(op) && (axis === 0 || axis === rank - 1)) ||
        (op === 'rotary' && axis === 1) ||
        (op === 'scatterRows' && input === 2 && axis === 0); // the attribute `rows`
      const built = build(opCase, hasGradient, (axis) => {
        return isKnown(axis) || axis.size === 1 ? axis.size : symbol(`s${axis.size}`);
      });
      const known = build(opCase, hasGradient, ({ size }) => size);
      const [actual, expected] = [await run(engine, built), await run(engine, known)];
      for (const [name, tensor] of Object.entries(expected)) expectClose(actual[name], tensor, tolerance, name);
    });

    function build(opCase: OpCase, hasGradient: boolean, sizeOf: (axis: Axis) => Size) {
      const graph = new Graph();
      const values = opCase.inputs.map(({ dtype, shape }, i) => {
        const sizes = shape.map((size, axis) => sizeOf({ size, axis, rank: shape.length, input: i }));
        return graph.input(`i${i}`, dtype, sizes);
      });
      const output = opCase.build(...values);
      output.node?.outputs.forEach((value, i) => {
        graph.output(`output ${i}`, value);
      });
      const inputs: Record<string, HostTensor> = Object.fromEntries(
        opCase.inputs.map((tensor, i) => [`i${i}`, tensor]),
      );
      const wanted = values.filter(({ dtype }) => dtype === 'float32');
      if (hasGradient && wanted.length > 0 && output.dtype === 'float32') {
        const loss = total(ops.multiply(output, ops.tanh(output)));
        gradients(loss, wanted).forEach((gradient, i) => {
          graph.output(`gradient ${i}`, gradient);
        });
      }
      return { graph, inputs };
    }
  });

  describe('random graphs over five symbols', () => {
    /** Long sums of terms that cancel, in float32; an element that is out of place is off by about all of itself. */
    const share = 1e-3;
    const symbols = ['a', 'b', 'c', 'd', 'e'].map(symbol);
    const bindings: readonly Bindings[] = [
      [2, 3, 4, 2, 1],
      [1, 1, 1, 1, 1],
      [3, 1, 2, 2, 3],
      [1, 4, 1, 3, 2],
    ].map((numbers) => new Map(symbols.map((each, i) => [each.toString(), item(numbers, i)])));

    test.each(Array.from({ length: 40 }, (_, seed) => seed))('graph %i', async (seed) => {
      const { graph, steps } = randomGraph(seed);
      expect(steps).toBeGreaterThan(5);
      if (engine.name.startsWith('tfjs') && graph.liveNodes().some(hasSevenDimensions)) {
        await expect(engine.compile(graph)).rejects.toThrow('TensorFlow.js computes with up to 6 dimensions, and');
        return;
      }
      const program = await engine.compile(graph);
      for (const sizes of bindings) {
        const shapes = [...graph.inputs].map(([name, { shape }]) => [name, boundShape(shape, sizes)] as const);
        const inputs = Object.fromEntries(shapes.map(([name, shape], i) => [name, normal(shape, 100 * seed + i)]));
        const expected = evaluate([...graph.outputs.values()], numbersOf(inputs));
        const actual = await program.run(inputs);
        [...graph.outputs.keys()].forEach((name, i) => {
          expect(actual[name]?.shape, name).toEqual(expected[i]?.shape);
          expect(relativeError(actual[name]?.data as Float32Array, item(expected, i).data), name).toBeLessThan(share);
        });
      }
      await program.dispose();
    });

    function hasSevenDimensions({ outputs }: Node): boolean {
      return outputs.some(({ shape }) => shape.length > 6);
    }

    /** Ops that move elements and products of them, each of what came before, and the gradients of all. */
    function randomGraph(seed: number): { graph: Graph; steps: number } {
      let drawn = 0;
      const below = (limit: number) => randomBelow(limit, seed, 'sample', drawn++);
      const pick = <T>(items: readonly T[]): T => item(items, below(items.length));
      const graph = new Graph();
      const sizes = () => Array.from({ length: 1 + below(3) }, () => pick<Size>([...symbols, ...symbols, 1, 2, 3]));
      const inputs = [graph.input('all', 'float32', symbols)];
      for (let i = 0; i < 3; i++) inputs.push(graph.input(`x${i}`, 'float32', sizes()));
      const values = inputs.map((x) => ops.tanh(x));
      const moves: readonly ((x: Value) => Value | undefined)[] = [
        (x) => ops.reshape(x, regrouped(x.shape)),
        (x) => ops.reshape(x, regrouped(x.shape)),
        (x) => ops.reshape(x, [elementsOf(x.shape)]),
        (x) => ops.broadcast(x, [pick<Size>([...symbols, 2]), ...x.shape]),
        (x) => ops.transpose(x, shuffled(x.shape.map((_, axis) => axis))),
        (x) => (x.shape.length > 0 ? ops.sum(x, [below(x.shape.length)], below(2) > 0) : undefined),
        (x) => (x.shape.length > 0 ? ops.softmax(x) : undefined),
        (x) => (x.shape.length > 0 ? ops.multiply(x, ops.sum(x, [below(x.shape.length)], true)) : undefined),
        (x) => (x.shape.length > 1 ? ops.scale(ops.matmul(x, x, { transposeB: true }), 0.1) : undefined),
        (x) => (x.shape.length > 1 ? ops.scale(ops.matmul(x, x, { transposeA: true }), 0.1) : undefined),
        (x) => {
          const [rows = 1, ...rest] = x.shape;
          const table = ops.reshape(x, [rows, elementsOf(rest)]);
          return ops.gatherRows(table, ops.range(graph, rows, 1));
        },
        (x) => ops.select(ops.greater(x, graph.scalar(0)), x, ops.sum(x, [], true)),
      ];
      const mostFactors = 7;
      let steps = 0;
      for (let i = 0; i < 14; i++) {
        const moved = pick(moves)(pick(values));
        if (!moved || moved.shape.flatMap(factorsOf).length > mostFactors) continue;
        values.push(ops.tanh(moved));
        steps++;
      }

      /** The same elements in other dimensions: neighbours joined, or one taken apart. */
      function regrouped(shape: SymbolicShape): Size[] {
        const factors = shape.flatMap(factorsOf);
        const result: Size[] = [1];
        for (const factor of factors) {
          if (below(2) > 0) result.push(factor);
          else result.push(product(result.pop() ?? 1, factor));
        }
        return result;
      }

      function shuffled<T>(items: readonly T[]): T[] {
        const left = [...items];
        return items.map(() => item(left.splice(below(left.length), 1), 0));
      }

      values.forEach((value, i) => {
        graph.output(`value ${i}`, value);
      });
      const loss = values
        .slice(4)
        .map(total)
        .reduce(ops.add, total(item(values, 0)));
      const wanted = inputs.filter((_, i) => values.slice(4).some((value) => dependsOn(value, item(inputs, i))));
      gradients(loss, wanted).forEach((gradient, i) => {
        graph.output(`gradient ${i}`, gradient);
      });
      return { graph, steps };
    }

    function factorsOf(size: Size): Size[] {
      if (typeof size === 'number') return size === 1 ? [] : [size];
      return [...size.symbols.map(symbol), ...(size.factor === 1 ? [] : [size.factor])];
    }

    function dependsOn(value: Value, input: Value): boolean {
      return value === input || (value.node?.inputs.some((each) => dependsOn(each, input)) ?? false);
    }
  });

  describe('a transformer block with dropout, its loss and all gradients', () => {
    const built = block({ batch: symbol('batch'), length: symbol('length') });
    const { graph, loss, parameters } = built;
    graph.output('loss', loss);
    gradients(loss, [...parameters.values()]).forEach((gradient, i) => {
      graph.output(`gradient ${i}`, gradient);
    });

    test.each([
      [2, 3],
      [1, 1],
      [4, 5],
    ])('of %i rows of %i', async (batch, length) => {
      const inputs = blockInputs({ batch, length });
      const actual = await run(engine, { graph, inputs });
      const expected = evaluate([...graph.outputs.values()], numbersOf(inputs));
      [...graph.outputs.keys()].forEach((name, i) => {
        const [found, wanted] = [actual[name]?.data as Float32Array, item(expected, i).data];
        const largest = Math.max(...wanted.map(Math.abs));
        // Of the bias of a key, and of a query over one token, the gradient is exactly zero.
        if (largest < 1e-9) expect(Math.max(...found.map(Math.abs)), name).toBeLessThan(1e-5);
        else expect(relativeError(found, wanted), name).toBeLessThan(2e-5);
      });
    });
  });
});

async function run(engine: Engine, { graph, inputs }: { graph: Graph; inputs: NamedTensors }): Promise<NamedTensors> {
  const program = await engine.compile(graph);
  const results = await program.run(inputs);
  await program.dispose();
  return results;
}

function expectClose(actual: HostTensor | undefined, expected: HostTensor, share: number, name: string): void {
  expect(actual, name).toMatchObject({ dtype: expected.dtype, shape: expected.shape });
  const [found, wanted] = [Array.from(actual?.data ?? [], Number), Array.from(expected.data, Number)];
  expect(relativeError(found, wanted), name).toBeLessThan(share);
}

function numbersOf(inputs: NamedTensors) {
  return Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toNumbers(tensor)]));
}

function total(x: Value): Value {
  return ops.sum(
    x,
    x.shape.map((_, axis) => axis),
  );
}
