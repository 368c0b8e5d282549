import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import * as ops from '../../src/graph/functions.ts';
import type { TrainerCallback } from '../../src/train/callbacks.ts';
import type { Cursor, LossGraph, Update } from '../../src/train/task.ts';
import { newFolder, PointTask, trainPoints } from './points.ts';

const points = [4, 1, 7, -2, 3, 9, 0, 5, 2, 8];

/** Points whose running mean (a tenth of each new one) is kept beside w, in batches that come later than asked for. */
class RunningMeanTask extends PointTask {
  readonly states = [{ name: 'mean', shape: [1] }];
  readonly prepared: Cursor[] = [];

  constructor(sizes?: number[]) {
    super({ points, sizes });
    this.startValues.set('mean', Float32Array.of(100));
  }

  override lossGraph(key: string): LossGraph {
    const built = super.lossGraph(key);
    const input = built.graph.inputs.get('points');
    if (!input) throw new Error('no points');
    const batchMean = ops.scale(ops.sum(input, [0], true), 0.1 / Number(key));
    const mean = ops.add(ops.scale(built.graph.input('mean', 'float32', [1]), 0.9), batchMean);
    return { ...built, states: new Map([['mean', mean]]) };
  }

  override update(cursor: Cursor): Update {
    const { microBatches, next } = super.update(cursor);
    return { microBatches: later(microBatches as Iterable<never>), next };
  }

  prepare(cursor: Cursor): void {
    this.prepared.push(cursor);
  }
}

async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await setTimeout(1);
    yield item;
  }
}

describe('values that a step updates without gradients', () => {
  test('take their new values after every micro-batch and come out beside the parameters', async () => {
    const outcome = await trainPoints(new RunningMeanTask([1, 1]), { checkpoints: newFolder(), steps: 3 });
    const expected = points.slice(0, 6).reduce((mean, point) => 0.9 * mean + 0.1 * point, 100);
    expect(outcome.parameters.get('mean')?.[0]).toBeCloseTo(expected, 4);
    expect([...outcome.parameters.keys()].sort()).toEqual(['mean', 'w']);
  });

  test('are kept in checkpoints, so that a stopped run goes on to the same bits', async () => {
    const whole = await trainPoints(new RunningMeanTask(), { checkpoints: newFolder() });
    const checkpoints = newFolder();
    const controller = new AbortController();
    const stop: TrainerCallback = { name: 'stop', onStep: ({ step }) => step === 5 && controller.abort() };
    await expect(
      trainPoints(new RunningMeanTask(), { checkpoints, signal: controller.signal }, [stop]),
    ).rejects.toThrow('stopped after step 5');
    expect(readdirSync(join(checkpoints, 'step-00000005'))).toContain('states.f32');
    const resumed = await trainPoints(new RunningMeanTask(), { checkpoints, resume: true });
    expect(resumed.resumedFrom).toBe(5);
    expect(resumed.parameters).toEqual(whole.parameters);
  });
});

test('the next update is announced before each step but the last', async () => {
  const task = new RunningMeanTask();
  await trainPoints(task, { checkpoints: newFolder(), steps: 4 });
  expect(task.prepared).toEqual([1, 2, 3].map((index) => ({ epoch: 0, index })));
});

test('SGD keeps its momentum in checkpoints', async () => {
  const optimizer = { name: 'sgd' } as const;
  const whole = await trainPoints(new PointTask({ points }), {
    checkpoints: newFolder(),
    optimizer,
    learningRate: 0.01,
  });
  const checkpoints = newFolder();
  await trainPoints(new PointTask({ points }), { checkpoints, optimizer, learningRate: 0.01, steps: 5, saveSteps: 5 });
  expect(readdirSync(join(checkpoints, 'step-00000005')).sort()).toEqual([
    'momentum.f32',
    'parameters.f32',
    'state.json',
  ]);
  const resumed = await trainPoints(new PointTask({ points }), {
    checkpoints,
    optimizer,
    learningRate: 0.01,
    resume: true,
  });
  expect(resumed.parameters).toEqual(whole.parameters);
});
