import { describe, expect, test } from 'vitest';
import * as ops from '../../src/graph/functions.ts';
import { gradients } from '../../src/graph/gradients.ts';
import { Graph } from '../../src/graph/graph.ts';
import { block, blockInputs } from '../graph/block.ts';
import { repetitions } from '../repetitions.ts';
import { heldBy, tfjsCpu, tfjsNode, tfjsWasm } from './tfjs.ts';

const node = await tfjsNode();

const steps = repetitions(40, 1000);

describe.each([tfjsCpu, tfjsWasm, ...(node ? [node] : [])])('what $name holds', (engine) => {
  const held = () => heldBy(engine);

  test(`is the same after each of ${steps} steps, and nothing when they are done`, async () => {
    const { graph, loss, parameters } = block();
    graph.output('loss', loss);
    gradients(loss, [...parameters.values()]).forEach((gradient, i) => {
      graph.output(`gradient ${i}`, gradient);
    });
    await (await engine.compile(new Graph())).run({}); // the backend has started
    const before = held();
    const program = await engine.compile(graph);
    const stored = held();
    const inputs = blockInputs();
    const losses = new Set<number>();
    for (let step = 0; step < steps; step++) {
      const results = await program.run({ ...inputs, key: key(step % 4) });
      losses.add(Number(results.loss?.data[0]));
      expect(held()).toEqual(stored);
    }
    expect(losses.size).toBe(4); // each key draws masks of its own
    await program.dispose();
    expect(stored.numTensors).toBeGreaterThan(before.numTensors);
    expect(held()).toEqual(before);
  });

  test('is nothing of a run that failed', async () => {
    const graph = new Graph();
    const rows = ops.gatherRows(graph.input('table', 'float32', [3, 1]), graph.input('at', 'int32', [1]));
    graph.output('rows', ops.exp(rows));
    const program = await engine.compile(graph);
    const before = held();
    const table = { dtype: 'float32', shape: [3, 1], data: new Float32Array(3) } as const;
    const at = { dtype: 'int32', shape: [1], data: Int32Array.of(3) } as const;
    await expect(program.run({ table, at })).rejects.toThrow(
      /^TensorFlow.js on (cpu|wasm|tensorflow), gatherRows: .*index/,
    );
    expect(held()).toEqual(before);
    await program.dispose();
  });
});

function key(number: number) {
  return { dtype: 'uint32', shape: [2], data: Uint32Array.of(number, 4_000_000_000) } as const;
}
