import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine, NamedTensors } from '../../src/engine/engine.ts';
import { type LoadedText, loadText } from '../../src/hub/textFolder.ts';
import { objectiveGraph, type Places } from '../../src/tasks/text/graph.ts';
import type { StepRecord } from '../../src/train/callbacks.ts';
import { learningRateAt, type ScheduleName, type ScheduleOptions } from '../../src/train/schedule.ts';
import type { Batch, LossGraph, TrainingTask } from '../../src/train/task.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { engines } from '../engine/engines.ts';
import {
  bertFixture,
  classWeight,
  exampleInputs,
  type FixtureBatch,
  parameterTensors,
  placeBatch,
  predictionInputs,
  readTensors,
  recordedObjectives,
  storedName,
} from '../models/fixtures.ts';
import { expectClose } from '../parity.ts';
import { temporaryFolder } from '../temporary.ts';

/** What test/fixtures/bert/train.py trained, and the loss, gradient norm and learning rate of every step. */
interface TorchRun {
  readonly task: 'maskedLm' | 'classification';
  readonly steps: number;
  readonly learningRate: number;
  readonly schedule: ScheduleName;
  readonly warmupSteps: number;
  readonly weightDecay: number;
  readonly maxGradientNorm: number;
  /** Of each update; the run goes through the batches again and again. */
  readonly microBatches: number;
  /** What the names of parameters begin with that stay as they are, or nothing. */
  readonly frozen: string;
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly rates: readonly number[];
}

const runs: Readonly<Record<string, TorchRun>> = JSON.parse(readFileSync(bertFixture('training', 'runs.json'), 'utf8'));
const batches: readonly FixtureBatch[] = JSON.parse(readFileSync(bertFixture('training', 'batches.json'), 'utf8'));

/** float32 against the reference's float64, over 50 steps whose rounding adds up. Measured here: 4e-7, 7e-7. */
const lossTolerance = 5e-6;
const normTolerance = 1e-5;
/** AdamW divides by √v: where a gradient is small, its rounding becomes a part of a step. Measured here: 2e-6. */
const weightTolerance = 2e-5;

describe.each(Object.entries(runs))('50 steps, %s', (name, run) => {
  const ways: [string, boolean][] = [['micro-batch by micro-batch', false]];
  if (run.microBatches > 1) ways.push(['each update in one batch', true]);

  describe.each(engines)('%s', (_engine, engine) => {
    describe.each(ways)('%s', (_, joined) => {
      const records: StepRecord[] = [];
      let trained: ReadonlyMap<string, Float32Array>;

      beforeAll(async () => {
        const model = await loadText(bertFixture('training'), { head: headOf(run) });
        trained = await train(engine, recordedTask(model, run, joined), run, records);
      });

      test('loss, gradient norm and learning rate of every step', () => {
        expect(run.losses).toHaveLength(50);
        expect(records.map(({ step }) => step)).toEqual(run.losses.map((_, index) => index + 1));
        const losses = records.map(({ loss }) => loss);
        expectClose(losses, run.losses, { quantity: 'losses', tolerance: lossTolerance });
        const norms = records.map(({ gradientNorm }) => gradientNorm);
        expectClose(norms, run.norms, { quantity: 'gradient norms', tolerance: normTolerance });
        const rates = records.map(({ learningRate }) => learningRate);
        expectClose(rates, run.rates, { quantity: 'learning rates', tolerance: rateTolerance });
      });

      test('final weights', async () => {
        const final = await readTensors(bertFixture('training', `${name}.safetensors`));
        expect([...trained.keys()].map(storedName).sort()).toEqual([...final.keys()].sort());
        for (const [parameter, weights] of trained) {
          // Softmax cancels a bias of the keys: its gradient is rounding alone, which AdamW scales up to whole steps.
          if (parameter.endsWith('key.bias')) continue;
          expectClose(weights, final.get(storedName(parameter)), {
            quantity: 'final weights',
            name: parameter,
            tolerance: weightTolerance,
          });
        }
      });
    });
  });
});

test('the runs clip some steps and not others', () => {
  const clipping = Object.values(runs).filter((run) => run.maxGradientNorm > 0);
  expect(clipping).toHaveLength(3);
  for (const { norms, maxGradientNorm } of clipping) {
    const clipped = norms.filter((norm) => norm > maxGradientNorm).length;
    expect(clipped).toBeGreaterThan(0);
    expect(clipped).toBeLessThan(norms.length);
  }
});

/** Rounding of float64 over a few operations. */
const rateTolerance = 1e-14;

describe('learning rates', () => {
  const schedules: (ScheduleOptions & { rates: number[] })[] = JSON.parse(
    readFileSync(bertFixture('schedules.json'), 'utf8'),
  );

  test.each(schedules.map((schedule) => [titleOf(schedule), schedule] as const))('%s', (_, { rates, ...options }) => {
    expect(rates).toHaveLength(options.steps);
    const found = rates.map((_, step) => learningRateAt(step, options));
    expectClose(found, rates, { quantity: options.schedule, tolerance: rateTolerance });
  });

  function titleOf({ schedule, warmupSteps, steps }: ScheduleOptions): string {
    return `${schedule}, ${warmupSteps} of ${steps} steps warm-up`;
  }
});

async function train(engine: Engine, task: TrainingTask, run: TorchRun, records: StepRecord[]) {
  const options = {
    ...run,
    checkpoints: temporaryFolder(),
    evalSteps: 0,
    saveSteps: 0,
    keepCheckpoints: 1,
    patience: 0,
    resume: false,
    fingerprint: {},
  };
  const watch = { name: 'records', onStep: (record: StepRecord) => records.push(record) };
  const { parameters } = await new Trainer({
    ...options,
    task,
    engine,
    callbacks: [watch],
  }).run();
  return parameters;
}

/** The recorded updates as a task. What is frozen is no parameter of it: its graph takes it as part of each batch. */
function recordedTask(loaded: LoadedText, run: TorchRun, joined: boolean): TrainingTask {
  const { model, values } = loaded;
  const isFrozen = ({ name }: { name: string }) => run.frozen !== '' && storedName(name).startsWith(run.frozen);
  const specs = model.parameters(model.partsOf(headOf(run)));
  const parameters = specs.filter((spec) => !isFrozen(spec));
  const frozen = parameterTensors(specs.filter(isFrozen), values);
  const inputsOf = run.task === 'maskedLm' ? maskedLmBatch : classificationBatch;
  return {
    name: 'recorded',
    unit: 'tokens',
    metric: { name: 'loss', goal: 'lower' },
    parameters,
    startValues: new Map(parameters.map(({ name }) => [name, values.get(name) ?? new Float32Array()])),
    stepsInEpoch: () => run.steps,
    lossGraph(key) {
      const graph = recordedLoss(loaded, run, Number(key));
      const trained = [...graph.parameters].filter(([name]) => parameters.some((spec) => spec.name === name));
      return { ...graph, parameters: new Map(trained) };
    },
    update({ index }) {
      const chosen = Array.from({ length: run.microBatches }, (_, i) => recordedBatch(index * run.microBatches + i));
      const microBatches = (joined ? [join(chosen)] : chosen).map((batch) => {
        const { inputs, weight, key } = inputsOf(batch);
        return { key, inputs: { ...inputs, ...frozen }, weight, units: 0 };
      });
      return { microBatches, next: { epoch: 0, index: index + 1 } };
    },
  };
}

function headOf({ task }: TorchRun) {
  return task === 'maskedLm' ? 'maskedLm' : 'oneLabel';
}

function recordedLoss({ model }: LoadedText, { task }: TorchRun, rows: number): LossGraph {
  const places: Places = task === 'maskedLm' ? { words: rows * placesOfARow } : { label: rows };
  return objectiveGraph(model, recordedObjectives[task], { rows, width: recordedWidth }, places, { training: true });
}

/** Longest recorded sequence. */
const recordedWidth = Math.max(...batches.flatMap(({ sequences }) => sequences.map(({ length }) => length)));
/** Room for predicted tokens, for each sequence of a batch: all batches of so many sequences share one graph. */
const placesOfARow = 4;

type Recorded = Pick<Batch, 'key' | 'weight'> & { readonly inputs: NamedTensors };

function maskedLmBatch(batch: FixtureBatch): Recorded {
  const placed = placeRows(batch);
  const inputs = { ...placed.inputs, ...predictionInputs(batch, placed, placed.rows * placesOfARow) };
  return { key: String(placed.rows), inputs, weight: batch.predicted.length };
}

function classificationBatch(batch: FixtureBatch): Recorded {
  const placed = placeRows(batch);
  const inputs = { ...placed.inputs, ...exampleInputs(batch, placed) };
  const weight = batch.classes.map(classWeight).reduce((sum, one) => sum + one, 0);
  return { key: String(placed.rows), inputs, weight };
}

function placeRows(batch: FixtureBatch) {
  const rows = batch.sequences.map((_, index) => [index]);
  return placeBatch(batch, rows, recordedWidth);
}

function recordedBatch(number: number): FixtureBatch {
  const batch = batches[number % batches.length];
  if (!batch) throw new Error('fixture: no batches');
  return batch;
}

function join(parts: readonly FixtureBatch[]): FixtureBatch {
  return parts.reduce((first, second) => ({
    sequences: [...first.sequences, ...second.sequences],
    predicted: [
      ...first.predicted,
      ...second.predicted.map(([row, ...rest]) => [row + first.sequences.length, ...rest] as const),
    ],
    classes: [...first.classes, ...second.classes],
  }));
}
