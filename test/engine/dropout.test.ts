import { beforeAll, describe, expect, test } from 'vitest';
import { floatData } from '../../src/core/tensor.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import * as ops from '../../src/graph/functions.ts';
import { Graph, type Value } from '../../src/graph/graph.ts';
import { item, referenceEngine } from '../graph/evaluator.ts';

const size = 1 << 20;
const streams = [0, 1, 2, 3] as const;

/**
 * Correlations of independent masks deviate by 1/√n. The largest of the few hundred looked at here exceeds five of
 * those once in thousands of trials; the masks are always the same, so this either holds or does not.
 */
const correlationLimit = 5 / Math.sqrt(size);

describe.each([0.1, 0.5])('dropout at rate %f', (rate) => {
  const masks: Float32Array[] = [];

  // Eight masks: four streams of one key, and keys near it, its words exchanged and one far from it.
  beforeAll(async () => {
    masks.push(...(await draw(rate, 3, 99)));
    for (const [first, second] of [
      [4, 99],
      [3, 98],
      [99, 3],
      [0x5bd1e995, 0xc2b2ae35],
    ] as const) {
      masks.push(item(await draw(rate, first, second), 0));
    }
  });

  test('keeps its share within three standard errors, scaled so that the mean stays', () => {
    for (const mask of masks) {
      const kept = mask.reduce((count, x) => count + Number(x !== 0), 0);
      expect(Math.abs(kept - (1 - rate) * size)).toBeLessThan(3 * Math.sqrt(size * rate * (1 - rate)));
      expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / (1 - rate))]));
    }
  });

  test('draws uncorrelated masks for other streams and keys', () => {
    const pairs = masks.flatMap((a, i) => masks.slice(i + 1).map((b) => [a, b] as const));
    for (const [a, b] of pairs) expect(Math.abs(correlation(a, b, 0, rate))).toBeLessThan(correlationLimit);
  });

  test('draws neighbours without correlation', () => {
    const mask = item(masks, 0);
    for (let lag = 1; lag <= 64; lag++) {
      expect(Math.abs(correlation(mask, mask, lag, rate)), `lag ${lag}`).toBeLessThan(correlationLimit);
    }
  });

  test('draws what the evaluator draws', async () => {
    const graph = maskGraph(rate);
    const { mask1 } = await (await referenceEngine.compile(graph)).run({ key: key(3, 99) });
    expect(mask1?.data).toEqual(masks[1]);
  });

  test('draws the same in the loop of its own and in the graph, for keys and sizes of all kinds', async () => {
    for (const [first, second] of [
      [0, 0],
      [0xffffffff, 0xffffffff],
      [0x80000000, 1],
      [12345, 0xfffffffe],
    ] as const) {
      for (const shape of [[1], [3, 5], [16], [17, 31], [4, 2, 8, 8]]) {
        const [looped, lowered] = [new Graph(), new Graph()];
        for (const [graph, keyOf] of [
          [looped, (value: Value) => value],
          [lowered, (value: Value) => ops.reshape(value, [2])], // a key that is no input
        ] as const) {
          const mask = ops.dropoutMask(keyOf(graph.input('key', 'uint32', [2])), { rate, stream: 5, shape });
          graph.output('mask', mask);
          graph.output('kept', ops.dropout(ops.broadcast(graph.scalar(1), shape), mask, { rate }));
        }
        const run = async (graph: Graph) => (await onnxEngine().compile(graph)).run({ key: key(first, second) });
        const [own, engines] = [await run(looped), await run(lowered)];
        expect(own.kept?.data).toEqual(engines.kept?.data);
        expect(own.mask?.data).toEqual(engines.mask?.data);
      }
    }
  });
});

async function draw(rate: number, first: number, second: number): Promise<Float32Array[]> {
  const program = await onnxEngine({ threads: 2 }).compile(maskGraph(rate));
  const results = Object.values(await program.run({ key: key(first, second) })).map(floatData);
  await program.dispose();
  return results;
}

function maskGraph(rate: number): Graph {
  const graph = new Graph();
  const input = graph.input('key', 'uint32', [2]);
  const ones = ops.broadcast(graph.scalar(1), [size]);
  for (const stream of streams) {
    const mask = ops.dropoutMask(input, { rate, stream, shape: [size] });
    graph.output(`mask${stream}`, ops.dropout(ones, mask, { rate }));
  }
  return graph;
}

function key(first: number, second: number) {
  return { dtype: 'uint32', shape: [2], data: Uint32Array.of(first, second) } as const;
}

/** Correlation of a with b shifted by a lag, from the known mean 1 and variance rate / (1 - rate). */
function correlation(a: Float32Array, b: Float32Array, lag: number, rate: number): number {
  let total = 0;
  for (let i = lag; i < a.length; i++) total += ((a[i] as number) - 1) * ((b[i - lag] as number) - 1);
  return total / (a.length - lag) / (rate / (1 - rate));
}
