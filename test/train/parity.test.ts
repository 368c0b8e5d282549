import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { type LoadedBert, loadBert } from '../../src/hub/folder.ts';
import { maskedLmLoss, maskedLmParts, partParameters } from '../../src/tasks/losses.ts';
import type { StepRecord } from '../../src/train/callbacks.ts';
import { learningRateAt, type ScheduleOptions } from '../../src/train/schedule.ts';
import type { Batch, TrainingTask } from '../../src/train/task.ts';
import { Trainer, type TrainingOutcome } from '../../src/train/trainer.ts';
import {
  bertFixture,
  expectClose,
  type FixtureBatch,
  placeBatch,
  predictionInputs,
  readTensors,
  storedName,
} from '../models/fixtures.ts';

/** What test/fixtures/bert/make.py trained with torch.optim.AdamW, and the loss and gradient norm of every update. */
interface TorchRun {
  readonly steps: number;
  readonly warmupSteps: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly maxGradientNorm: number;
  /** What the steps go through again and again: two micro-batches an update, of two sequences each and with unequal numbers of predicted tokens. */
  readonly updates: readonly (readonly FixtureBatch[])[];
  readonly losses: readonly number[];
  readonly norms: readonly number[];
}

const run: TorchRun = JSON.parse(readFileSync(bertFixture('run', 'run.json'), 'utf8'));

/** Losses near 3 in float32 on both sides; each step adds its rounding to the weights of the next. */
const lossTolerance = 1e-4;
/** A hundredth of one full step of AdamW: it divides by √v, which lifts the rounding of small gradients. */
const weightTolerance = 3e-5;

describe.each([
  ['two micro-batches an update', (batches: readonly FixtureBatch[]) => batches],
  ['one batch an update', (batches: readonly FixtureBatch[]) => [joined(batches)]],
])('training with %s follows torch.optim.AdamW', (_, microBatches) => {
  const records: StepRecord[] = [];
  let outcome: TrainingOutcome;
  let final: Map<string, Float32Array>;

  beforeAll(async () => {
    final = await readTensors(bertFixture('run', 'final.safetensors'));
    const model = await loadBert(bertFixture('run'), { parts: maskedLmParts });
    outcome = await train(torchTask(model, microBatches), records);
  });

  test('the updates clip, and not always', () => {
    const clipped = run.norms.filter((norm) => norm > run.maxGradientNorm).length;
    expect(clipped).toBeGreaterThan(0);
    expect(clipped).toBeLessThan(run.steps);
  });

  test('the loss falls', () => {
    const cycle = run.updates.length;
    records.slice(cycle).forEach(({ loss }, index) => {
      expect(loss).toBeLessThan(records[index]?.loss ?? 0);
    });
  });

  test('loss and gradient norm of every step', () => {
    expect(records.map(({ step }) => step)).toEqual(run.losses.map((_, index) => index + 1));
    const losses = records.map(({ loss }) => loss);
    expectClose(losses, run.losses, lossTolerance, 'losses');
    const norms = records.map(({ gradientNorm }) => gradientNorm);
    expectClose(norms, run.norms, 10 * lossTolerance, 'gradient norms');
  });

  test('the loss after ten steps is within 1 %', () => {
    expect(Math.abs((records[10]?.loss ?? 0) / (run.losses[10] ?? 0) - 1)).toBeLessThan(0.01);
  });

  test('final weights', () => {
    for (const [name, weights] of outcome.parameters) {
      // Softmax cancels a bias of the keys: its gradient is rounding alone, and AdamW scales that up to whole steps.
      if (name.endsWith('key.bias')) continue;
      expectClose(weights, final.get(storedName(name)), weightTolerance, name);
    }
  });
});

describe('learning rates of transformers', () => {
  const schedules: (ScheduleOptions & { rates: number[] })[] = JSON.parse(
    readFileSync(bertFixture('schedules.json'), 'utf8'),
  );

  test.each(schedules.map((schedule) => [titleOf(schedule), schedule] as const))('%s', (_, { rates, ...options }) => {
    rates.forEach((rate, step) => {
      expect(learningRateAt(step, options), `step ${step}`).toBeCloseTo(rate, 15);
    });
  });

  function titleOf({ schedule, warmupSteps, steps }: ScheduleOptions): string {
    return `${schedule}, ${warmupSteps} of ${steps} steps warm-up`;
  }
});

const folder = mkdtempSync(join(tmpdir(), 'bertune-parity-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function train(task: TrainingTask, records: StepRecord[]): Promise<TrainingOutcome> {
  const trainer = new Trainer(
    task,
    onnxEngine({ threads: 1 }),
    {
      ...run,
      checkpoints: folder,
      schedule: 'linear',
      evalSteps: 0,
      saveSteps: 0,
      keepCheckpoints: 1,
      patience: 0,
      resume: false,
      fingerprint: {},
    },
    [{ name: 'records', onStep: (record) => records.push(record) }],
  );
  return trainer.run();
}

/** The recorded updates as a task; a batch's key is its shape. */
function torchTask(
  { config, values }: LoadedBert,
  microBatches: (batches: readonly FixtureBatch[]) => readonly FixtureBatch[],
): TrainingTask {
  return {
    name: 'recorded',
    metric: { name: 'loss', goal: 'lower' },
    parameters: partParameters(config, maskedLmParts),
    startValues: values,
    stepsInEpoch: () => run.updates.length,
    lossGraph(key) {
      const [rows = 0, predictions = 0] = key.split(' ').map(Number);
      return maskedLmLoss(config, { rows, width: recordedWidth }, predictions, { training: true });
    },
    update({ index }) {
      const batches = microBatches(run.updates[index % run.updates.length] ?? []).map(recordedBatch);
      return { microBatches: batches, next: { epoch: 0, index: index + 1 } };
    },
  };
}

/** Longest sequence of the recorded batches. */
const recordedWidth = 9;

function recordedBatch(batch: FixtureBatch): Batch {
  const placed = placeBatch(
    batch,
    batch.sequences.map((_, index) => [index]),
    recordedWidth,
  );
  const weight = batch.predicted.length;
  const inputs = { ...placed.inputs, ...predictionInputs(batch, placed) };
  return { key: `${placed.rows} ${weight + 1}`, inputs, weight, units: 0 };
}

function joined([first, second]: readonly FixtureBatch[]): FixtureBatch {
  if (!first || !second) throw new Error('fixture: two micro-batches an update');
  const moved = second.predicted.map(([row, ...rest]) => [row + first.sequences.length, ...rest] as const);
  return {
    sequences: [...first.sequences, ...second.sequences],
    predicted: [...first.predicted, ...moved],
    classes: [...first.classes, ...second.classes],
  };
}
