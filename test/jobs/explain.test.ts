import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel, openModel } from '../../src/jobs/model.ts';
import { runInProcess } from '../cli/terminal.ts';
import { TestFolder } from '../data/files.ts';
import { labeledCsv, labeledMessages, saveTinyModel } from './tiny.ts';

const folder = new TestFolder();
const at = (...names: string[]) => join(folder.path, ...names);
const text = ' Where  is\tmy parcel? I want\u00a0to return it 🙂 naïve\n';

beforeAll(async () => {
  await folder.create();
  await saveTinyModel(at('tiny'));
  await folder.write('train.csv', labeledCsv(labeledMessages(40, 11)));
  await folder.write('new.txt', 'where is my parcel\ni want to return it\n');
  for (const method of ['frozen', 'words', 'hybrid'] as const) {
    await finetune({
      model: at('tiny'),
      train: { files: [at('train.csv')] },
      output: at(method),
      threads: 1,
      method,
      report: false,
    });
  }
});
afterAll(() => folder.remove());

test.each([
  ['frozen', 'integrated gradients'],
  ['words', 'occlusion'],
  ['hybrid', 'occlusion'],
] as const)('%s is explained by %s, words at their places in the text as given', async (name, method) => {
  const model = await openModel(at(name), { threads: 1 });
  const [explained] = await model.explain([text]);
  const [prediction] = await model.classify([text]);
  expect(explained).toMatchObject({ method, label: prediction?.label });
  const words = explained?.words ?? [];
  for (const { text: word, start, end } of words) expect(text.slice(start, end)).toBe(word);
  for (const word of ['Where', 'my', 'parcel', 'return', 'naïve']) expect(words.map((one) => one.text)).toContain(word);
  for (const [i, { start }] of words.entries()) expect(start).toBeGreaterThanOrEqual(words[i - 1]?.end ?? 0);
  if (method === 'integrated gradients') {
    const sum = words.reduce((total, { weight }) => total + weight, 0);
    const { difference = Number.NaN, error = Number.NaN } = explained ?? {};
    expect(sum + error).toBeCloseTo(difference, 4);
    expect(Math.abs(error)).toBeLessThan(0.01 * Math.abs(difference) + 0.005);
  }
  await model.dispose();
});

test('occlusion is what the log-probability of the label loses without the word', async () => {
  const model = await openModel(at('words'), { threads: 1 });
  const [explained] = await model.explain(['where is my parcel']);
  const chance = async (given: string) =>
    (await model.scores([given]))[0]?.find(({ label }) => label === explained?.label)?.score ?? 0;
  const whole = Math.log(await chance('where is my parcel'));
  const without = Math.log(await chance('where is my '));
  expect(explained?.words[3]?.text).toBe('parcel');
  expect(explained?.words[3]?.weight).toBeCloseTo(whole - without, 6);
  expect((await model.explain(['']))[0]?.words).toEqual([]);
  // What stands between the texts of a pair inside is a character like others in a single text.
  const [odd] = await model.explain(['my \ufdd0 parcel']);
  expect(odd?.words).toEqual([
    expect.not.objectContaining({ of: 'text' }),
    { text: 'parcel', start: 5, end: 11, weight: expect.any(Number) },
  ]);
  await model.dispose();
});

test('predict --explain adds it to each line, and refuses a file', async () => {
  const { code, stdout } = await runInProcess([
    'predict',
    '--model',
    at('frozen'),
    '--input',
    at('new.txt'),
    '--explain',
    '--threads',
    '1',
  ]);
  expect(code).toBe(0);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ text }) => text)).toEqual(['where is my parcel', 'i want to return it']);
  for (const { label, explanation } of lines) {
    expect(explanation.label).toBe(label);
    expect(explanation.words.length).toBeGreaterThan(3);
  }
  const refused = await runInProcess([
    'predict',
    '--model',
    at('frozen'),
    '--input',
    at('new.txt'),
    '--explain',
    '--output',
    at('out.csv'),
  ]);
  expect(refused).toMatchObject({ code: 2, stderr: 'error: --explain goes with JSON lines, not with --output\n' });
});

test('texts of many lengths are explained at once as they are one after the other', async () => {
  const model = await loadModel(at('frozen'), { threads: 1 });
  const many = Array.from({ length: 7 }, (_, i) => 'where is my parcel '.repeat(i + 1));
  const apart = [];
  for (const one of many) apart.push(...(await model.explain([one])));
  expect((await Promise.all(many.map((one) => model.explain([one])))).flat()).toEqual(apart);
  await model.dispose();
});

test('an explanation that is no longer wanted ends', async () => {
  const stop = new AbortController();
  for (const name of ['frozen', 'words']) {
    const model = await loadModel(at(name), { threads: 1, signal: stop.signal });
    const coming = model.explain(Array.from({ length: 2000 }, () => text));
    stop.abort();
    await expect(coming).rejects.toMatchObject({ name: 'InterruptedError' });
    await model.dispose();
  }
});

test('places are counted in code points by predict, in code units where it is asked for them', async () => {
  await folder.write('emoji.txt', '🙂🙂 where is it\n');
  const places = async (...more: string[]) => {
    const words = ['predict', '--model', at('words'), '--input', at('emoji.txt'), '--explain', '--threads', '1'];
    const { explanation } = JSON.parse((await runInProcess([...words, ...more])).stdout);
    return explanation.words.map(({ text: word, start }: { text: string; start: number }) => [word, start]);
  };
  expect(await places()).toEqual([
    ['where', 3],
    ['is', 9],
    ['it', 12],
  ]);
  expect(await places('--offsets', 'utf-16')).toEqual([
    ['where', 5],
    ['is', 11],
    ['it', 14],
  ]);
});
