import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Corpus } from '../../src/data/corpus.ts';
import type { PartName } from '../../src/models/text/heads/head.ts';
import { asTensors } from '../../src/nn/parameters.ts';
import { evaluateCorpus } from '../../src/tasks/text/corpusTask.ts';
import { type InferenceOptions, TextInference } from '../../src/tasks/text/inference.ts';
import { measureLabels } from '../../src/tasks/text/objectives/oneLabel.ts';
import { relativeError } from '../graph/differences.ts';
import { labeledMessages, messages, randomValues, tinyModel } from '../jobs/tiny.ts';
import { engine, maskedLmOptions, maskedLmTask, model, tinyCorpus, tinyTokenizer, trained } from './tiny.ts';

let corpus: Corpus;
beforeAll(async () => {
  corpus = await tinyCorpus(messages(300), 30, 0.5);
});
afterAll(() => corpus.store.close());

describe.each([
  ['tokens', false],
  ['whole words', true],
])('held-out loss of a masked language model, %s', (_, wholeWord) => {
  const parameters = randomTensors(['encoder', 'mlmHead']);
  const measure = (rows: number, width: number, sequences = corpus.heldOut) => {
    const heldOut = { store: corpus.store, sequences };
    return evaluateCorpus(maskedLmOptions(corpus, { rows, width, heldOut }, { wholeWord }), parameters, engine);
  };

  test('does not move with the batch', async () => {
    const first = await measure(4, 64);
    expect(first.count).toBeGreaterThan(100);
    for (const [rows, width] of [
      [1, 32],
      [1, 64],
      [3, 40],
      [16, 32],
      [2, 256],
    ] as const) {
      const { loss, count } = await measure(rows, width);
      expect(count).toBe(first.count);
      // A few roundings of float32.
      expect(Math.abs(loss / first.loss - 1)).toBeLessThan(1e-6);
    }
  });

  test('is the mean over tokens, in whatever order and parts the texts come', async () => {
    const whole = await measure(4, 64);
    const backwards = await measure(4, 64, corpus.heldOut.toReversed());
    expect(backwards.count).toBe(whole.count);
    expect(Math.abs(backwards.loss / whole.loss - 1)).toBeLessThan(1e-6);
    const parts = [await measure(4, 64, corpus.heldOut.slice(0, 20)), await measure(4, 64, corpus.heldOut.slice(20))];
    const summed = parts.reduce((sum, { loss, count }) => sum + loss * count, 0);
    expect(Math.abs(summed / whole.count / whole.loss - 1)).toBeLessThan(1e-6);
  });

  test('is the same number at the next evaluation', async () => {
    expect(await measure(4, 64)).toEqual(await measure(4, 64));
    // Through a run with dropout whose steps move nothing.
    const task = maskedLmTask(corpus, { rows: 4, width: 64, model: tinyModel() }, { wholeWord });
    const { evaluations, losses } = await trained(task, { steps: 4, learningRate: 0, evalSteps: 1 });
    expect(evaluations).toHaveLength(4);
    expect(new Set(evaluations.map(({ loss }) => loss)).size).toBe(1);
    expect(new Set(losses).size).toBe(4);
  });
});

test('loss and logits of a classifier do not move with the texts beside', async () => {
  const tokenizer = tinyTokenizer();
  const parameters = randomTensors(['encoder', 'pooler', 'classifier']);
  const inference = new TextInference(engine, model, tokenizer.frame, parameters);
  const rows = labeledMessages(50);
  const texts = rows.map(({ text }) => [tokenizer.encode(text).ids]);
  const classes = rows.map(({ label }) => (label === 'asks' ? 0 : 1));
  const labels = ['asks', 'wants'];
  const whole = await measureLabels(inference, texts, classes, labels);
  expect(await measureLabels(inference, texts, classes, labels)).toEqual(whole);
  let summed = 0;
  for (const size of [1, 7, 50]) {
    summed = 0;
    for (let from = 0; from < texts.length; from += size) {
      const [part, known] = [texts.slice(from, from + size), classes.slice(from, from + size)];
      summed += (await measureLabels(inference, part, known, labels)).loss * part.length;
    }
    expect(Math.abs(summed / texts.length / whole.loss - 1)).toBeLessThan(1e-6);
  }
  await inference.dispose();
});

describe('inference with parameters that stay as they are', () => {
  const tokenizer = tinyTokenizer();
  const parameters = randomTensors(['encoder', 'pooler', 'classifier', 'mlmHead']);
  const sequences = labeledMessages(60).map(({ text }) => tokenizer.encode(text).ids);

  /** Class logits, vocabulary logits at one place of each sequence, and vectors. */
  async function computed(options: InferenceOptions): Promise<Float32Array[]> {
    const inference = new TextInference(engine, model, tokenizer.frame, parameters, options);
    const results = [
      ...(await inference.ofTexts('oneLabel', sequences)),
      ...(await inference.ofTexts('pooled', sequences)),
    ];
    const masked = sequences.map((ids) => ({ ids, positions: [1 + (ids.length >> 1)] }));
    await inference.ofPlaces('maskedLm', masked, (_, __, logits) => results.push(logits.slice()));
    await inference.dispose();
    return results;
  }

  test('gives the same numbers as with those that are handed in at every run', async () => {
    const [settled, handedIn] = [await computed({ isSettled: true }), await computed({})];
    expect(settled).toHaveLength(3 * sequences.length);
    settled.forEach((row, i) => {
      expect(relativeError(row, handedIn[i] ?? [])).toBeLessThan(1e-5);
    });
  });

  test('gives numbers near them with int8 weights', async () => {
    const [int8, exact] = [await computed({ int8: true }), await computed({})];
    const errors = int8.map((row, i) => relativeError(row, exact[i] ?? []));
    expect(Math.max(...errors)).toBeLessThan(0.1);
    expect(Math.max(...errors)).toBeGreaterThan(1e-4); // they are others
  });
});

function randomTensors(parts: readonly PartName[]) {
  return asTensors(randomValues(model, parts), model.parameters(parts));
}
