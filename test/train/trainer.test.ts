import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BertuneError } from '../../src/core/errors.ts';
import type { StepRecord, TrainerCallback } from '../../src/train/callbacks.ts';
import { newFolder, PointTask, trainPoints } from './points.ts';

/** Keeps what a run reports. */
function recorder(): TrainerCallback & {
  steps: StepRecord[];
  evaluated: number[];
  saved: number[];
  started: unknown[];
} {
  const kept = {
    steps: [] as StepRecord[],
    evaluated: [] as number[],
    saved: [] as number[],
    started: [] as unknown[],
  };
  return {
    name: 'recorder',
    ...kept,
    onStart: (resumedFrom) => void kept.started.push(resumedFrom),
    onStep: (record) => void kept.steps.push(record),
    onEvaluation: (step) => void kept.evaluated.push(step),
    onCheckpoint: (step) => void kept.saved.push(step),
  };
}

const stepsOf = (folder: string) => readdirSync(folder).map((name) => Number(name.replace('step-', '')));

describe('evaluation and early stopping', () => {
  test('stops after `patience` evaluations without a better one and takes the best parameters', async () => {
    const checkpoints = newFolder();
    const seen = recorder();
    const task = new PointTask({ best: 0.3 });
    const outcome = await trainPoints(task, { checkpoints, evalSteps: 1, patience: 2 }, [seen]);
    expect(seen.evaluated).toEqual([1, 2, 3, 4, 5]);
    expect(outcome).toMatchObject({ steps: 5, chosenStep: 3 });
    const three = await trainPoints(new PointTask(), { checkpoints: newFolder(), steps: 3 });
    expect(outcome.parameters).toEqual(three.parameters);
    expect(outcome.metrics?.distance).toBeCloseTo(0, 3);
  });

  test('without patience the last parameters are taken, whatever the metric says', async () => {
    const outcome = await trainPoints(new PointTask({ best: 0.3 }), { checkpoints: newFolder(), evalSteps: 1 });
    expect(outcome).toMatchObject({ steps: 8, chosenStep: 8 });
    expect(outcome.metrics?.distance).toBeCloseTo(0.5, 2);
  });

  test('is measured once at the end when no interval is given, and never without held-out data', async () => {
    const seen = recorder();
    await trainPoints(new PointTask({ best: 1 }), { checkpoints: newFolder() }, [seen]);
    expect(seen.evaluated).toEqual([8]);
    const outcome = await trainPoints(new PointTask(), { checkpoints: newFolder(), evalSteps: 1, patience: 2 });
    expect(outcome).toMatchObject({ steps: 8, metrics: null });
  });
});

describe('checkpoints', () => {
  test('keeps the last ones and the best one', async () => {
    const checkpoints = newFolder();
    await trainPoints(new PointTask({ best: 0.3 }), { checkpoints, evalSteps: 1, saveSteps: 1, keepCheckpoints: 2 });
    expect(stepsOf(checkpoints).sort()).toEqual([3, 7, 8]);
  });

  test('writes each step once, though an evaluation and the interval both ask for it', async () => {
    const seen = recorder();
    const options = { checkpoints: newFolder(), evalSteps: 2, saveSteps: 2, keepCheckpoints: 9 };
    await trainPoints(new PointTask({ best: 9 }), options, [seen]);
    expect(seen.saved).toEqual([2, 4, 6, 8]);
  });

  test('leaves nothing half-written behind', async () => {
    const checkpoints = newFolder();
    mkdirSync(join(checkpoints, '.step-00000099.partial'), { recursive: true });
    await trainPoints(new PointTask(), { checkpoints, saveSteps: 4 });
    expect(readdirSync(checkpoints).sort()).toEqual(['step-00000004', 'step-00000008']);
    expect(readdirSync(join(checkpoints, 'step-00000008')).sort()).toEqual([
      'momentum.f32',
      'parameters.f32',
      'state.json',
      'variance.f32',
    ]);
  });

  test('goes on from the newest whole checkpoint', async () => {
    const checkpoints = newFolder();
    const whole = await trainPoints(new PointTask(), { checkpoints, saveSteps: 2, keepCheckpoints: 9 });
    rmSync(join(checkpoints, 'step-00000008'), { recursive: true });
    truncateSync(join(checkpoints, 'step-00000006', 'variance.f32'), 3);
    rmSync(join(checkpoints, 'step-00000004', 'state.json'));
    const seen = recorder();
    const resumed = await trainPoints(new PointTask(), { checkpoints, resume: true }, [seen]);
    expect(resumed.resumedFrom).toBe(2);
    expect(seen.started).toEqual([2]);
    expect(seen.steps.map(({ step }) => step)).toEqual([3, 4, 5, 6, 7, 8]);
    expect(resumed.parameters).toEqual(whole.parameters);
  });

  test('forgets a best step whose checkpoint is damaged', async () => {
    const checkpoints = newFolder();
    const options = { checkpoints, evalSteps: 1, saveSteps: 1, patience: 9, keepCheckpoints: 2 };
    await trainPoints(new PointTask({ best: 0.3 }), options);
    truncateSync(join(checkpoints, 'step-00000003', 'parameters.f32'), 0);
    rmSync(join(checkpoints, 'step-00000008'), { recursive: true });
    const outcome = await trainPoints(new PointTask({ best: 0.3 }), { ...options, resume: true });
    expect(outcome).toMatchObject({ resumedFrom: 7, steps: 8, chosenStep: 8 });
  });

  test.each([4, 8])('stopped in the evaluation after step %i, it evaluates there when it is resumed', async (step) => {
    const checkpoints = newFolder();
    const options = { checkpoints, evalSteps: 4 };
    const whole = recorder();
    const expected = await trainPoints(new PointTask({ best: 0.3 }), { ...options, checkpoints: newFolder() }, [whole]);
    const controller = new AbortController();
    const abort: TrainerCallback = { name: 'abort', onStep: (record) => record.step === step && controller.abort() };
    const task = new PointTask({ best: 0.3, interruptible: true });
    await expect(trainPoints(task, { ...options, signal: controller.signal }, [abort])).rejects.toThrow(
      `stopped after step ${step} of 8; saved`,
    );
    const rest = recorder();
    const outcome = await trainPoints(new PointTask({ best: 0.3 }), { ...options, resume: true }, [rest]);
    expect(outcome.resumedFrom).toBe(step);
    expect(rest.evaluated).toEqual(whole.evaluated.filter((at) => at >= step));
    expect(outcome.parameters).toEqual(expected.parameters);
  });

  test('an abort in the last step lets the run finish', async () => {
    const controller = new AbortController();
    const abort: TrainerCallback = { name: 'abort', onStep: ({ step }) => step === 8 && controller.abort() };
    const options = { checkpoints: newFolder(), signal: controller.signal };
    expect(await trainPoints(new PointTask(), options, [abort])).toMatchObject({ steps: 8 });
  });
});

describe('the update', () => {
  test('micro-batches add up to the batch they are cut from', async () => {
    const points = [1, 2, 3, 4, 50, 60, 7, 8, 9, 10, 11, 12];
    const run = async (sizes: number[]) => {
      const seen = recorder();
      const outcome = await trainPoints(new PointTask({ points, sizes }), { checkpoints: newFolder(), steps: 4 }, [
        seen,
      ]);
      return { w: Number(outcome.parameters.get('w')?.[0]), losses: seen.steps.map(({ loss }) => loss), seen };
    };
    const one = await run([6]);
    for (const sizes of [
      [2, 2, 2],
      [1, 3, 2],
      [1, 1, 1, 1, 1, 1],
    ]) {
      const cut = await run(sizes);
      expect(cut.w).toBeCloseTo(one.w, 6);
      for (const [i, loss] of cut.losses.entries()) expect(loss).toBeCloseTo(Number(one.losses[i]), 4);
    }
    // Mean of (0 - point)² over the first six points, and the norm of its gradient, -2 · their mean.
    expect(one.losses[0]).toBeCloseTo((1 + 4 + 9 + 16 + 2500 + 3600) / 6, 3);
    expect(one.seen.steps[0]?.gradientNorm).toBeCloseTo(40, 4);
    expect(one.seen.steps[0]?.units).toBe(6);
  });

  test('the learning rate warms up and falls to its end', async () => {
    const ratesOf = async (schedule: 'linear' | 'cosine' | 'constant') => {
      const seen = recorder();
      const options = { checkpoints: newFolder(), schedule, warmupSteps: 2, learningRate: 1, steps: 6 };
      await trainPoints(new PointTask(), options, [seen]);
      return seen.steps.map(({ learningRate }) => Number(learningRate.toFixed(6)));
    };
    expect(await ratesOf('linear')).toEqual([0, 0.5, 1, 0.75, 0.5, 0.25]);
    expect(await ratesOf('cosine')).toEqual([0, 0.5, 1, 0.853553, 0.5, 0.146447]);
    expect(await ratesOf('constant')).toEqual([0, 0.5, 1, 1, 1, 1]);
  });

  test('a loss that is no number stops the run, names the step and keeps the last good checkpoint', async () => {
    const checkpoints = newFolder();
    const points = [1, 2, 3, 4, Number.NaN, 6];
    const failed = trainPoints(new PointTask({ points }), { checkpoints, saveSteps: 1, keepCheckpoints: 9 });
    await expect(failed).rejects.toThrow(BertuneError);
    await expect(failed).rejects.toThrow(
      `training diverged at step 5: the loss is NaN; start anew with a learning rate below 0.1; the last good checkpoint is ${join(checkpoints, 'step-00000003')}`,
    );
    expect(stepsOf(checkpoints)).toEqual([1, 2, 3]);
  });

  test('parameters that overflow are in no checkpoint', async () => {
    const checkpoints = newFolder();
    const options = { checkpoints, saveSteps: 1, keepCheckpoints: 9, learningRate: 1e30 };
    await expect(trainPoints(new PointTask(), options)).rejects.toThrow(
      /^training diverged at step 2: the loss is Infinity; .*; no good checkpoint is left$/,
    );
    expect(existsSync(join(checkpoints, 'step-00000001'))).toBe(false);
  });

  test('the state on disk says where the run stands', async () => {
    const checkpoints = newFolder();
    await trainPoints(new PointTask({ points: [1, 2, 3], best: 0.3 }), { checkpoints, saveSteps: 5, evalSteps: 5 });
    expect(JSON.parse(readFileSync(join(checkpoints, 'step-00000005', 'state.json'), 'utf8'))).toMatchObject({
      step: 5,
      cursor: { epoch: 1, index: 2 },
      units: 5,
      evaluatedStep: 5,
      best: { step: 5 },
      fingerprint: { steps: 8 },
    });
  });
});
