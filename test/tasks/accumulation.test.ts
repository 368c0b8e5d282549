import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Corpus } from '../../src/data/corpus.ts';
import { asTensors } from '../../src/nn/parameters.ts';
import { compileStep, lossOutput } from '../../src/train/programs.ts';
import type { Batch, Cursor, TrainingTask } from '../../src/train/task.ts';
import { messages } from '../jobs/tiny.ts';
import {
  classificationTask,
  engine,
  largestDifference,
  maskedLmTask,
  tinyCorpus,
  tinyTokenizer,
  trained,
} from './tiny.ts';

const width = 64;
const tokenizer = tinyTokenizer();
const countOf = (words: readonly string[]) => tokenizer.encode(words.join(' ')).ids.length;
let corpus: Corpus;

beforeAll(async () => {
  // Each text has more than half the tokens of a row, so that rows are cut into micro-batches as they stand.
  const texts = messages(60).map((message, i) => {
    const words = `${message} `.repeat(9).split(' ');
    return words
      .slice(
        0,
        words.findIndex((_, end) => countOf(words.slice(0, end + 1)) > 32 + (i % 20)),
      )
      .join(' ');
  });
  corpus = await tinyCorpus(texts, width - 2);
  expect(corpus.store.length).toBe(60);
});
afterAll(() => corpus.store.close());

/** Few predictions, so that their numbers differ much: from one for a row to eight. */
const maskedLm = (rows: number, accumulationSteps: number) =>
  maskedLmTask(corpus, { rows, width, accumulationSteps }, { probability: 0.06, seed: 2 });

describe.each([
  ['masked LM, 2 micro-batches', () => maskedLm(4, 1), () => maskedLm(2, 2), 2],
  ['masked LM, 4 micro-batches', () => maskedLm(4, 1), () => maskedLm(1, 4), 4],
  ['classification, 2 micro-batches', () => classificationTask(1), () => classificationTask(2), 2],
  ['classification, 4 micro-batches', () => classificationTask(1), () => classificationTask(4), 4],
])('%s give the same update as one batch', (_, whole, cut, parts) => {
  test('its loss and gradients', async () => {
    const [one, many] = [await meanGradients(whole()), await meanGradients(cut())];
    expect(one.weights).toHaveLength(1);
    expect(many.weights).toHaveLength(parts);
    for (const [name, mean] of one.means)
      expect(largestDifference(many.means.get(name), mean), name).toBeLessThan(1e-6);
    expect([...many.means.keys()]).toEqual([...one.means.keys()]);
    // The parts weigh differently: had each counted alike, or the loss not been divided, it would show.
    expect(new Set(many.weights).size).toBeGreaterThan(1);
    const loss = one.means.get(lossOutput)?.[0] ?? 0;
    expect(Math.abs(many.meanOfMeans / loss - 1)).toBeGreaterThan(1e-3);
  });

  test('the losses and weights of six steps', async () => {
    const options = { steps: 6, learningRate: 1e-3, maxGradientNorm: 1, weightDecay: 0.01 };
    const [one, many] = [await trained(whole(), options), await trained(cut(), options)];
    expect(largestDifference(many.losses, one.losses)).toBeLessThan(1e-5);
    expect(many.units).toBe(one.units);
    for (const [name, weights] of one.parameters) {
      // Softmax cancels a bias of the keys: its gradient is rounding alone, and AdamW scales that up to whole steps.
      if (name.endsWith('key.bias')) continue;
      // A hundredth of one step of AdamW, which divides by √v and lifts the rounding of small gradients.
      expect(largestDifference(many.parameters.get(name), weights), name).toBeLessThan(1e-5);
    }
    const start = whole().startValues.get('embeddings.word.weight') ?? [];
    const moved = one.parameters.get('embeddings.word.weight')?.map((value, i) => Math.abs(value - (start[i] ?? 0)));
    expect(Math.max(...(moved ?? []))).toBeGreaterThan(3e-3);
  });
});

test('the parts of masked LM predict unequal numbers of tokens, down to one', async () => {
  const { microBatches, next } = maskedLm(1, 24).update({ epoch: 0, index: 0 });
  const counts: number[] = [];
  for await (const { weight } of microBatches) counts.push(weight);
  expect(counts).toHaveLength(24);
  expect(Math.min(...counts)).toBe(1);
  expect(Math.max(...counts)).toBeGreaterThanOrEqual(6);
  expect(next.epoch).toBe(0);
});

test('an epoch sees every training text once, in an order of its own, and no held-out one', async () => {
  const task = maskedLm(3, 2);
  const epochs = [await epochOf(task, 0), await epochOf(task, 1)];
  expect(epochs[0]?.updates).toBe(task.stepsInEpoch(0));
  expect(epochs[0]?.texts).toBe(corpus.store.length - corpus.heldOut.length);
  expect(corpus.heldOut.length).toBeGreaterThan(0);
  expect(epochs[1]?.texts).toBe(epochs[0]?.texts);
  expect(epochs[1]?.first).not.toEqual(epochs[0]?.first);
});

test('an update is a function of its cursor alone', () => {
  const cursor = { epoch: 3, index: 7 };
  const [a, b] = [maskedLm(3, 2), maskedLm(3, 2)];
  a.update({ epoch: 0, index: 0 });
  expect(a.update(cursor)).toEqual(b.update(cursor));
  expect(classificationTask(2).update(cursor)).toEqual(classificationTask(2).update(cursor));
});

/** The loss and gradients of the first update, divided by its weight as the trainer does. */
async function meanGradients(task: TrainingTask) {
  const parameters = asTensors(task.startValues, task.parameters);
  const sums = new Map<string, Float64Array>();
  const batches: Batch[] = [];
  let meanOfMeans = 0;
  for await (const batch of task.update({ epoch: 0, index: 0 }).microBatches) {
    const program = await compileStep(engine, task.lossGraph(batch.key));
    const outputs = await program.run({ ...parameters, ...batch.inputs });
    await program.dispose();
    for (const [name, { data }] of Object.entries(outputs)) {
      const sum = sums.get(name) ?? new Float64Array(data.length);
      sums.set(
        name,
        sum.map((value, i) => value + Number(data[i])),
      );
    }
    meanOfMeans += Number(outputs[lossOutput]?.data[0]) / batch.weight;
    batches.push(batch);
  }
  const weights = batches.map(({ weight }) => weight);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return {
    means: new Map([...sums].map(([name, sum]) => [name, sum.map((value) => value / total)])),
    meanOfMeans: meanOfMeans / batches.length,
    weights,
  };
}

/** What one epoch holds; every row starts with [CLS], and rows hold one text each. */
async function epochOf(task: TrainingTask, epoch: number) {
  let [updates, texts] = [0, 0];
  let cursor: Cursor = { epoch, index: 0 };
  let first: unknown;
  while (cursor.epoch === epoch) {
    const { microBatches, next } = task.update(cursor);
    for await (const { inputs } of microBatches) {
      first ??= inputs.inputIds?.data;
      texts += [...(inputs.inputIds?.data ?? [])].filter((id) => id === tokenizer.special.cls).length;
    }
    cursor = next;
    updates++;
  }
  return { updates, texts, first };
}
