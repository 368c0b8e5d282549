import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Corpus, prepareCorpus } from '../../src/data/corpus.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { asTensors } from '../../src/jobs/classifier.ts';
import { ClassificationTask } from '../../src/tasks/classification.ts';
import { MaskedLmTask } from '../../src/tasks/maskedLm.ts';
import { maskingVocabulary } from '../../src/text/masking.ts';
import { type BertTokenizer, loadTokenizer } from '../../src/text/tokenizer.ts';
import { compileStep, lossOutput } from '../../src/train/programs.ts';
import type { Cursor, TrainingTask } from '../../src/train/task.ts';
import { TestFolder } from '../data/files.ts';
import { labeledMessages, messages, randomValues, tinyConfig, writeVocabulary } from '../jobs/tiny.ts';

const folder = new TestFolder();
const engine = onnxEngine({ threads: 1 });
const config = { ...tinyConfig, hiddenDropout: 0, attentionDropout: 0, labels: ['asks', 'wants'] };
const width = 32;
let tokenizer: BertTokenizer;
let corpus: Corpus;

beforeAll(async () => {
  await folder.create();
  tokenizer = loadTokenizer(writeVocabulary(join(folder.path, 'vocabulary')));
  // Every text fills a row of its own, so that rows are cut into micro-batches as they stand.
  const text = await folder.write(
    'corpus.txt',
    messages(40)
      .map((message) => `${message} `.repeat(9))
      .join('\n'),
  );
  corpus = await prepareCorpus({
    records: { files: [text], flag: '--corpus' },
    tokenizer,
    mostTokens: width - 2,
    folder: folder.path,
    heldOutFraction: 0.2,
    heldOutLimit: 100,
    seed: 1,
  });
});
afterAll(async () => {
  corpus.store.close();
  await folder.remove();
});

test.each([2, 4])('masked LM: %i micro-batches have the gradients of one batch', async (accumulationSteps) => {
  await expectSameGradients(maskedLm(8, 1), maskedLm(8 / accumulationSteps, accumulationSteps), accumulationSteps);
});

test.each([2, 4])('classification: %i micro-batches have the gradients of one batch', async (accumulationSteps) => {
  await expectSameGradients(classification(1), classification(accumulationSteps), accumulationSteps);
});

test('an epoch sees every training text once, in an order of its own, and no held-out one', () => {
  const task = maskedLm(3, 2);
  const epochs = [0, 1].map((epoch) => epochOf(task, epoch));
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
  expect(classification(2).update(cursor)).toEqual(classification(2).update(cursor));
});

function maskedLm(rows: number, accumulationSteps: number): MaskedLmTask {
  return new MaskedLmTask({
    config,
    startValues: randomValues(config, ['encoder', 'mlmHead']),
    tokenizer,
    training: corpus,
    heldOut: { store: corpus.store, sequences: corpus.heldOut },
    masking: {
      vocabulary: maskingVocabulary(tokenizer.vocabularySize, tokenizer.special.mask, tokenizer.specialIds),
      probability: 0.15,
      wholeWord: false,
      seed: 1,
    },
    rows,
    width,
    accumulationSteps,
    engine,
  });
}

function classification(accumulationSteps: number): ClassificationTask {
  return new ClassificationTask({
    config,
    startValues: randomValues(config, ['encoder', 'pooler', 'classifier']),
    tokenizer,
    examples: labeledMessages(40).map(({ text, label }) => ({
      ids: Int32Array.from(tokenizer.encode(text).ids.slice(0, width - 2)),
      label: label === 'asks' ? 0 : 1,
    })),
    classWeights: [0.5, 2],
    width,
    batchSize: 8,
    accumulationSteps,
    seed: 1,
  });
}

async function expectSameGradients(whole: TrainingTask, cut: TrainingTask, parts: number): Promise<void> {
  const [one, many] = [await meanGradients(whole), await meanGradients(cut)];
  expect(many.batches).toBeGreaterThanOrEqual(parts);
  expect(many.batches).toBeGreaterThan(one.batches);
  expect([...many.means.keys()]).toEqual([...one.means.keys()]);
  for (const [name, mean] of one.means) {
    const other = many.means.get(name) ?? new Float64Array();
    const difference = mean.reduce((most, value, i) => Math.max(most, Math.abs(value - Number(other[i]))), 0);
    expect(difference, name).toBeLessThan(1e-6);
  }
  expect(one.means.get(lossOutput)?.[0]).toBeGreaterThan(0);
}

/** The loss and gradients of the first update, divided by its weight as the trainer does. */
async function meanGradients(task: TrainingTask): Promise<{ means: Map<string, Float64Array>; batches: number }> {
  const parameters = asTensors(task.startValues, task.parameters);
  const sums = new Map<string, Float64Array>();
  let [weight, batches] = [0, 0];
  for (const batch of task.update({ epoch: 0, index: 0 }).microBatches) {
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
    weight += batch.weight;
    batches++;
  }
  return { means: new Map([...sums].map(([name, sum]) => [name, sum.map((value) => value / weight)])), batches };
}

/** What one epoch holds; every row starts with [CLS], and rows hold one text each. */
function epochOf(task: TrainingTask, epoch: number): { updates: number; texts: number; first: unknown } {
  let [updates, texts] = [0, 0];
  let cursor: Cursor = { epoch, index: 0 };
  let first: unknown;
  while (cursor.epoch === epoch) {
    const { microBatches, next } = task.update(cursor);
    for (const { inputs } of microBatches) {
      first ??= inputs.inputIds?.data;
      texts += [...(inputs.inputIds?.data ?? [])].filter((id) => id === tokenizer.special.cls).length;
    }
    cursor = next;
    updates++;
  }
  return { updates, texts, first };
}
