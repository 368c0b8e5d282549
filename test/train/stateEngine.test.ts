import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { NamedTensors } from '../../src/engine/engine.ts';
import { HostState } from '../../src/engine/host/hostState.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import type { ArraySource, ExportedArray, StateEngine, StateSpec, TrainState } from '../../src/engine/trainState.ts';
import * as ops from '../../src/graph/functions.ts';
import { Graph } from '../../src/graph/graph.ts';
import { newFolder, trainPoints } from './points.ts';
import { ShapedTask } from './shapedTask.ts';

/** An engine whose arrays the trainer can reach by the handle alone: all that it hands out is a copy, and late. */
class FarEngine implements StateEngine {
  readonly name = 'far';
  readonly states: { disposed: boolean }[] = [];
  readonly #near = onnxEngine({ threads: 1 });

  compile(): never {
    throw new Error('a run compiles its steps with its state');
  }

  trainState(spec: StateSpec): TrainState {
    const near = new HostState(this.#near, spec);
    const life = { disposed: false };
    this.states.push(life);
    return {
      arrays: near.arrays,
      compile: (step) => near.compile(step),
      reduce: (collective) => near.reduce(collective),
      norm: (of) => near.norm(of),
      apply: (scalars) => near.apply(scalars),
      values: async () => copiesOf(await near.values()),
      export: () => copied(near.export()),
      import: (source, arrays) => near.import(copying(source), arrays),
      async dispose() {
        life.disposed = true;
      },
    };
  }
}

const options = { evalSteps: 2, saveSteps: 2, patience: 9, weightDecay: 0.1, maxGradientNorm: 1, fingerprint: {} };
/** @param best the value of `scale` that is measured as the best */
function newTask(best: number) {
  const evaluate = async (values: NamedTensors) => ({ distance: Math.abs(Number(values.scale?.data[0]) - best) });
  return Object.assign(new ShapedTask({ Graph, ops }), { evaluate });
}

test('a run reads and keeps what an engine of its own hands out, and nothing else', async () => {
  const four = await trainPoints(newTask(0), { ...options, checkpoints: newFolder(), steps: 4, patience: 0 });
  const best = Number(four.parameters.get('scale')?.[0]);
  const expected = await trainPoints(newTask(best), { ...options, checkpoints: newFolder() });
  const engine = new FarEngine();
  const checkpoints = newFolder();
  const outcome = await trainPoints(newTask(best), { ...options, checkpoints, engine });
  expect(outcome).toMatchObject({ steps: 8, chosenStep: 4 });
  expect({ ...outcome, unitsPerSecond: 0 }).toEqual({ ...expected, unitsPerSecond: 0 });
  const resumed = await trainPoints(newTask(best), { ...options, checkpoints, engine, resume: true });
  expect(resumed.parameters).toEqual(expected.parameters);
  expect(engine.states).toEqual([{ disposed: true }, { disposed: true }]);
});

function copiesOf(values: NamedTensors): NamedTensors {
  const copies = Object.entries(values).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]);
  return Object.fromEntries(copies);
}

/** One buffer for all arrays, as read back from a device: what it held is gone with the next one. */
async function* copied(arrays: AsyncIterable<ExportedArray>): AsyncGenerator<ExportedArray> {
  const buffer = new Float32Array(64);
  for await (const array of arrays) {
    await setImmediate();
    buffer.fill(Number.NaN);
    buffer.set(array.data);
    yield { ...array, data: buffer.subarray(0, array.data.length) };
  }
}

function copying(source: ArraySource): ArraySource {
  return {
    async read(array, into) {
      const staged = new Float32Array(into.length);
      await source.read(array, staged);
      await setImmediate();
      into.set(staged);
    },
  };
}
