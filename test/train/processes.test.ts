import { readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { InterruptedError, UsageError } from '../../src/core/errors.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import * as ops from '../../src/graph/functions.ts';
import { Graph } from '../../src/graph/graph.ts';
import type { StepRecord, TrainerCallback } from '../../src/train/callbacks.ts';
import { Trainer, type TrainerOptions, type TrainingOutcome } from '../../src/train/trainer.ts';
import { classificationTask, largestDifference } from '../tasks/tiny.ts';
import { newFolder, PointTask, pointOptions } from './points.ts';
import { inOneProcess } from './processes.ts';
import { ShapedTask } from './shapedTask.ts';

const engine = onnxEngine({ threads: 1 });
const options = { ...pointOptions, weightDecay: 0.1, maxGradientNorm: 1 };
const shapedTask = (microBatches: number) => () => new ShapedTask({ Graph, ops }, { states: [], microBatches });

type Made = Pick<TrainerOptions, 'task'> & Partial<TrainerOptions>;

/** The trainers of as many ranks, each with a task, a state and callbacks of its own, in one folder of checkpoints. */
function trainers(size: number, make: (rank: number) => Made, checkpoints = newFolder()): Trainer[] {
  return inOneProcess(size).map((collective, rank) => {
    return new Trainer({ ...options, engine, checkpoints, collective, ...make(rank) });
  });
}

function runAll(all: readonly Trainer[]): Promise<TrainingOutcome[]> {
  return Promise.all(all.map((trainer) => trainer.run()));
}

/** Largest difference of any weight. */
function difference(a: TrainingOutcome | undefined, b: TrainingOutcome | undefined): number {
  if (!a || !b || a.parameters.size !== b.parameters.size) return Number.POSITIVE_INFINITY;
  return Math.max(...[...a.parameters].map(([name, values]) => largestDifference(values, b.parameters.get(name))));
}

describe.each([2, 3])('%i processes', (size) => {
  /**
   * The gradients of an update's micro-batches are added up by each process first, then over the processes: the same
   * numbers in another order, so each sum is off by a few units of its last place (6e-8). AdamW divides that by √v: a
   * weight moves by up to the learning rate a step, 0.1 here, and its rounding by about as much of that.
   */
  const rounding = 8 * 0.1 * 2e-6;

  // Of one micro-batch all but one process have nothing.
  test.each([1, 2, 4, 7])('come to the weights of one, %i micro-batches an update', async (microBatches) => {
    const task = shapedTask(microBatches);
    const [one] = await runAll(trainers(1, () => ({ task: task() })));
    const several = await runAll(trainers(size, () => ({ task: task() })));
    expect(several).toHaveLength(size);
    for (const outcome of several) expect(difference(outcome, one)).toBeLessThan(rounding);
    // Every process has the same bits.
    for (const outcome of several) expect(outcome.parameters).toEqual(several[0]?.parameters);
    expect(several.map(({ units }) => units)).toEqual(several.map(() => one?.units));
  });

  test.each([1, 2, 4, 7])(
    'come to the bits of one when they add up in order, %i micro-batches an update',
    async (microBatches) => {
      const task = shapedTask(microBatches);
      const [one] = await runAll(trainers(1, () => ({ task: task(), reduction: 'exact' })));
      const several = await runAll(trainers(size, () => ({ task: task(), reduction: 'exact' })));
      for (const outcome of several) expect(outcome.parameters).toEqual(one?.parameters);
    },
  );

  test('come to the weights of one with a classifier', async () => {
    const make = () => ({ task: classificationTask(4), learningRate: 1e-3, steps: 6, fingerprint: {} });
    const [one] = await runAll(trainers(1, make));
    const several = await runAll(trainers(size, make));
    for (const outcome of several) {
      for (const [name, weights] of outcome.parameters) {
        // Softmax cancels a bias of the keys: its gradient is rounding alone, and AdamW scales that up to whole steps.
        if (name.endsWith('key.bias')) continue;
        // A hundredth of one step.
        expect(largestDifference(weights, one?.parameters.get(name)), name).toBeLessThan(1e-5);
      }
    }
  });

  test('are watched and saved once, and measure, choose and stop early together', async () => {
    const steps = inOneProcess(size).map(() => [] as StepRecord[]);
    const saved: number[] = [];
    const checkpoints = newFolder();
    const make = (rank: number): Made => ({
      task: new PointTask({ best: 0.3, sizes: [1, 1] }),
      ...{ weightDecay: 0, evalSteps: 1, patience: 2, saveSteps: 1 },
      callbacks: [
        {
          name: 'watch',
          onStep: (record) => void steps[rank]?.push(record),
          onCheckpoint: (step) => void saved.push(step),
        },
      ],
    });
    const outcomes = await runAll(trainers(size, make, checkpoints));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ steps: 5, chosenStep: 3, units: 10 });
    expect(steps.map(({ length }) => length)).toEqual([5, ...new Array(size - 1).fill(0)]);
    expect(saved).toEqual([1, 2, 3, 4, 5]);
    expect(readdirSync(checkpoints)).toEqual(['step-00000003', 'step-00000004', 'step-00000005']);
    const [one] = await runAll(trainers(1, make));
    expect(difference(outcomes.at(-1), one)).toBeLessThan(rounding);
  });

  test('stop together when one is asked to, and go on as one or several', async () => {
    const task = shapedTask(4);
    const [whole] = await runAll(trainers(size, () => ({ task: task() })));
    for (const after of [1, size]) {
      const checkpoints = newFolder();
      const controller = new AbortController();
      const abort: TrainerCallback = { name: 'abort', onStep: ({ step }) => step === 3 && controller.abort() };
      const stopping = trainers(
        size,
        (rank) => ({ task: task(), callbacks: [abort], ...(rank === size - 1 ? { signal: controller.signal } : {}) }),
        checkpoints,
      );
      const ends = await Promise.allSettled(stopping.map((trainer) => trainer.run()));
      for (const end of ends) {
        expect(end).toMatchObject({ status: 'rejected', reason: expect.any(InterruptedError) });
      }
      expect(readdirSync(checkpoints)).toEqual(['step-00000003']);
      const resumed = await runAll(trainers(after, () => ({ task: task(), resume: true }), checkpoints));
      for (const outcome of resumed) expect(outcome.resumedFrom).toBe(3);
      if (after === size) expect(resumed[0]?.parameters).toEqual(whole?.parameters);
      else expect(difference(resumed[0], whole)).toBeLessThan(rounding);
    }
  });

  test('diverge together', async () => {
    const points = [1, 2, Number.NaN, 4];
    const all = trainers(size, () => ({ task: new PointTask({ points, sizes: [1, 1] }) }));
    const ends = await Promise.allSettled(all.map((trainer) => trainer.run()));
    for (const end of ends) {
      expect(end).toMatchObject({
        status: 'rejected',
        reason: { message: expect.stringContaining('diverged at step 2') },
      });
    }
  });
});

test('a process whose sum of gradients is another is named', async () => {
  const all = inOneProcess(2).map((collective, rank) => {
    const sum = async (values: Float32Array | Float64Array) => {
      await collective.sum(values);
      if (rank === 1 && values instanceof Float32Array) values[0] = (values[0] ?? 0) * 1.001;
    };
    return new Trainer({
      ...{ ...options, engine, checkpoints: newFolder(), task: shapedTask(2)() },
      collective: { ...collective, sum },
    });
  });
  all[0]?.run().catch(() => {});
  await expect(all[1]?.run()).rejects.toThrow('process 1 has other gradients than process 0 after step 1');
});

test('none says that it saved where the one that writes could not', async () => {
  const checkpoints = newFolder();
  const signal = AbortSignal.abort();
  const callbacks: TrainerCallback[] = [{ name: 'taken', onStep: () => writeFileSync(checkpoints, '') }];
  const all = trainers(2, () => ({ task: shapedTask(2)(), signal, callbacks, saveSteps: 0 }), checkpoints);
  for (const end of await Promise.allSettled(all.map((trainer) => trainer.run()))) {
    const message = expect.stringMatching(/^ENOTDIR/);
    expect(end).toMatchObject({ status: 'rejected', reason: { message } });
  }
});

test('one that stops measuring without the others does not say that it saved', async () => {
  const stopping: Trainer[] = trainers(2, (rank) => {
    const task = new PointTask({ points: [1, 2], best: 1 });
    const evaluate = async () => {
      if (rank === 1) throw new InterruptedError('stopped before the end');
      return { distance: 1 };
    };
    return { task: Object.assign(task, { evaluate }), evalSteps: 1 };
  });
  stopping[0]?.run().catch(() => {});
  await expect(stopping[1]?.run()).rejects.toThrow(/^stopped before the end$/);
});

test('a process that sees other checkpoints is named', async () => {
  const folders = [newFolder(), newFolder()];
  await runAll(trainers(1, () => ({ task: shapedTask(2)(), saveSteps: 4, steps: 4 }), folders[0]));
  const all = trainers(2, (rank) => ({ task: shapedTask(2)(), resume: true, checkpoints: folders[rank] ?? '' }));
  const ends = await Promise.allSettled(all.map((trainer) => trainer.run()));
  expect(ends[1]).toMatchObject({
    reason: {
      message: `process 1 goes on from step 0 and others do not: all of them have to see the checkpoints in ${folders[1]}`,
    },
  });
});

test('running values that micro-batches hand on are refused, where several processes would each have their own', () => {
  const make = () => trainers(2, () => ({ task: new ShapedTask({ Graph, ops }) }));
  expect(make).toThrow(UsageError);
  expect(make).toThrow('shapes: the running values of each batch, such as mean, follow one another, which 2 processes');
});
