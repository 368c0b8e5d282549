import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { openSafetensors } from '../../src/hub/safetensors.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { listening } from '../jobs/runs.ts';
import { labeledCsv, saveTinyModel } from '../jobs/tiny.ts';
import { temporaryFolder } from '../temporary.ts';
import { maskedLmTask, tinyCorpus } from './tiny.ts';

const verbs = ['cancel', 'track', 'change', 'check', 'return', 'find', 'close', 'open', 'update', 'pay'];
const nouns = ['order', 'parcel', 'refund', 'invoice', 'card', 'account', 'password', 'delivery', 'item', 'address'];
/** Messages of one word and of two, some in many pieces. */
const shortTexts = [
  ...[...verbs, ...nouns, 'xyz', 'abcdefgh'],
  ...verbs.map((verb, i) => `${verb} ${nouns[i]}`),
  ...nouns.map((noun) => `${noun} qrst`),
];

let model: string;
beforeAll(async () => {
  model = await saveTinyModel(join(temporaryFolder(), 'tiny'));
});

describe.each([
  ['tokens', false],
  ['whole words', true],
])('messages of one and two words, masked by %s', (_, wholeWord) => {
  test.each([
    ['a message a batch', { maxLength: 10, batchTokens: 10 }],
    ['a message a micro-batch', { maxLength: 10, batchTokens: 40, accumulationSteps: 4 }],
    ['many a batch', { maxLength: 32, batchTokens: 256 }],
  ])('train without NaN: %s', async (_, shape) => {
    const folder = temporaryFolder();
    const corpus = join(folder, 'corpus.txt');
    writeFileSync(corpus, shortTexts.join('\n'));
    const output = join(folder, 'adapted');
    const hooks = listening();
    const options = { model, corpus: { files: [corpus] }, output, wholeWord, threads: 1, learningRate: 1e-3, seed: 5 };
    const result = await adapt({ ...options, ...shape, maxSteps: 25, evalSteps: 5, evalFraction: 0.2 }, hooks);
    expectFinite(lossesOf(hooks), 25);
    expect(result.evalLossAfter).toBeLessThan(Number(result.evalLossBefore));
    expectFinite([Number(result.evalLossBefore), Number(result.evalLossAfter), Number(result.perplexityAfter)]);
    await expectFiniteWeights(output);
  });

  test('have something to predict in every batch, even where nothing is drawn', async () => {
    const corpus = await tinyCorpus(shortTexts, 8, 0);
    const task = maskedLmTask(corpus, { rows: 1, width: 10 }, { wholeWord, probability: 1e-9 });
    for (let index = 0, epoch = 0; epoch === 0; ) {
      const { microBatches, next } = task.update({ epoch, index });
      for (const { weight, inputs } of microBatches) {
        expect(weight).toBeGreaterThan(0);
        const weights = Array.from(inputs['words weights']?.data ?? [], Number);
        expect(weights.reduce((sum, value) => sum + value, 0)).toBe(weight);
      }
      ({ epoch, index } = next);
    }
    corpus.store.close();
  });
});

test.each([1, 4, 16])('a classifier of one-word texts trains without NaN, %i texts a batch', async (batchSize) => {
  const folder = temporaryFolder();
  const train = join(folder, 'train.csv');
  const rows = [
    ...verbs.map((text) => ({ text, label: 'verb' })),
    ...nouns.map((text) => ({ text, label: 'noun' })),
    { text: 'ж', label: 'unknown' },
    { text: '?', label: 'unknown' },
  ];
  writeFileSync(train, labeledCsv(rows));
  const output = join(folder, 'tuned');
  const hooks = listening();
  const options = { model, train: { files: [train] }, output, batchSize, threads: 1, learningRate: 1e-3, seed: 5 };
  const more = { method: 'finetune', maxSteps: 20, evalFraction: 0.2, classWeights: 'balanced' } as const;
  const result = await finetune({ ...options, ...more }, hooks);
  expectFinite(lossesOf(hooks), 20);
  expectFinite([result.loss, result.accuracy, result.macroF1]);
  await expectFiniteWeights(output);
});

function lossesOf({ events }: ReturnType<typeof listening>): number[] {
  return events.flatMap((event) => (event.type === 'step' ? [event.loss] : []));
}

function expectFinite(values: readonly number[], count = values.length): void {
  expect(values).toHaveLength(count);
  expect(values.filter((value) => !Number.isFinite(value))).toEqual([]);
}

async function expectFiniteWeights(folder: string): Promise<void> {
  const file = await openSafetensors(join(folder, 'model.safetensors'));
  for (const name of file.tensors.keys()) expect((await file.read(name)).every(Number.isFinite), name).toBe(true);
  await file.close();
}
