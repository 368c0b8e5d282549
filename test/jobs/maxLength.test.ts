import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { adapt } from '../../src/jobs/adapt.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening, readJson } from './runs.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel, tinyConfig } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const common = { threads: 1, maxSteps: 3, learningRate: 1e-3 };
const data = (name: string) => ({ files: [at(name)] });

beforeAll(async () => {
  await saveTinyModel(at('base'), { ...tinyConfig, maxPositions: 200 });
  writeFileSync(at('corpus.txt'), messages(60).join('\n'));
  writeFileSync(at('train.csv'), labeledCsv(labeledMessages(60)));
  writeFileSync(at('held.csv'), labeledCsv(labeledMessages(40, 99)));
});

test('evaluate and the model in use cut texts where finetune did', async () => {
  const output = at('short');
  const sets = { train: data('train.csv'), eval: data('held.csv') };
  const tuned = await finetune({ ...common, method: 'finetune', model: at('base'), ...sets, output, maxLength: 8 });
  expect(readJson(output, 'tokenizer_config.json')).toMatchObject({ model_max_length: 8 });
  expect(readJson(output, 'config.json')).toMatchObject({ trained_max_length: 8 });
  const measured = await evaluate({ model: output, data: data('held.csv'), threads: 1 });
  expect(measured.loss).toBeCloseTo(tuned.loss, 6);
  const longer = await evaluate({ model: output, data: data('held.csv'), threads: 1, maxLength: 100 });
  expect(Math.abs(longer.loss - tuned.loss)).toBeGreaterThan(1e-4);
  const hooks = { onNote: (text: string) => notes.push(text) };
  const notes: string[] = [];
  const model = await loadModel(output, { threads: 1, ...hooks });
  await model.classify([messages(1)[0] as string]);
  await model.dispose();
  expect(notes).toEqual(['1 text longer than 8 tokens truncated']);
});

test('a classifier of an adapted model has the length of its pretraining', async () => {
  await adapt({ ...common, model: at('base'), corpus: data('corpus.txt'), output: at('adapted'), maxLength: 16 });
  expect(readJson(at('adapted'), 'tokenizer_config.json')).toMatchObject({ model_max_length: 16 });
  const hooks = listening();
  await finetune(
    { ...common, method: 'finetune', model: at('adapted'), train: data('train.csv'), output: at('tuned') },
    hooks,
  );
  expect(readJson(at('tuned'), 'run.json')).toMatchObject({ configuration: { maxLength: 16 } });
});

test('what Python says of a base does not change the default', async () => {
  for (const limit of ['512', '160', '1e30']) {
    const path = join(at('base'), 'tokenizer_config.json');
    const text = readFileSync(path, 'utf8').replace(/"model_max_length": [^,\n]+/, `"model_max_length": ${limit}`);
    expect(text).toContain(limit);
    writeFileSync(path, text);
    const output = at(`default-${limit}`);
    await finetune({ ...common, method: 'finetune', model: at('base'), train: data('train.csv'), output });
    expect(readJson(output, 'run.json')).toMatchObject({ configuration: { maxLength: 128 } });
    expect(readFileSync(join(output, 'tokenizer_config.json'), 'utf8')).toMatch(/"model_max_length": 128\b/);
  }
});

test.each([1e30, -1, 1.5, 'long', 500])('a length of %s in config.json is no length, or capped', async (length) => {
  const path = join(at('base'), 'config.json');
  writeFileSync(path, JSON.stringify({ ...readJson(path), trained_max_length: length }));
  const notes: string[] = [];
  const model = await loadModel(at('base'), { threads: 1, onNote: (text) => notes.push(text) });
  await model.embed(['order '.repeat(300)]);
  await model.dispose();
  expect(notes).toEqual([`1 text longer than ${length === 500 ? 200 : 128} tokens truncated`]);
});
