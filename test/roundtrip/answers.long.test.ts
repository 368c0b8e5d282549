import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from '@huggingface/transformers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel, openModel } from '../../src/jobs/model.ts';
import { ratedMessages, topicMessages } from '../jobs/answered.ts';
import { saveTinyModel } from '../jobs/tiny.ts';
import { needing, python } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';

interface PythonAnswers {
  readonly loading: Readonly<Record<string, readonly string[]>>;
  readonly problem: string;
  readonly thresholds: readonly number[] | null;
  readonly answers: readonly (readonly { readonly label: string; readonly score: number }[])[];
}

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const texts = [...topicMessages(12, 33), ...ratedMessages(12, 34)].map(({ text }) => text);
const lines = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n');

beforeAll(async () => {
  await saveTinyModel(at('tiny'));
  writeFileSync(at('topics.jsonl'), lines(topicMessages(80)));
  writeFileSync(at('rated.jsonl'), lines(ratedMessages(80)));
  const shared = { model: at('tiny'), method: 'finetune', reads: 'pooler', maxSteps: 20, threads: 1 } as const;
  await finetune({ ...shared, train: { files: [at('topics.jsonl')] }, task: 'several-labels', output: at('topics') });
  await finetune({ ...shared, train: { files: [at('rated.jsonl')] }, task: 'number', output: at('rating') });
});

afterAll(() => rmSync(folder, { recursive: true }));

needing('python').describe('the pipeline of Python transformers', () => {
  const ofPython = (name: string): PythonAnswers => {
    const script = join(import.meta.dirname, 'answers.py');
    const options = {
      input: JSON.stringify(texts),
      env: { ...process.env, HF_HUB_OFFLINE: '1' },
      encoding: 'utf8',
    } as const;
    return JSON.parse(execFileSync(python, [script, at(name)], options));
  };

  test('gives each of several labels the probability that bertune gives it', async () => {
    const { loading, problem, thresholds, answers } = ofPython('topics');
    for (const names of Object.values(loading)) expect(names).toEqual([]);
    expect(problem).toBe('multi_label_classification');
    expect(thresholds).toHaveLength(4);
    const model = await openModel(at('topics'), { threads: 1 });
    for (const [i, scores] of (await model.answered(texts)).entries()) {
      for (const { label, score } of scores.scores) {
        expect(answers[i]?.find((one) => one.label === label)?.score).toBeCloseTo(score, 5);
      }
    }
    await model.dispose();
  });

  test('gives the number that bertune gives, on the scale of the texts', async () => {
    const { loading, problem, answers } = ofPython('rating');
    for (const names of Object.values(loading)) expect(names).toEqual([]);
    expect(problem).toBe('regression');
    const model = await loadModel(at('rating'), { threads: 1 });
    for (const [i, answer] of (await model.predict(texts)).entries()) {
      expect(answers[i]).toEqual([{ label: 'urgency', score: expect.any(Number) }]);
      if (!('value' in answer)) throw new Error('no number');
      expect(answers[i]?.[0]?.score).toBeCloseTo(answer.value, 3);
    }
    await model.dispose();
  });
});

test('transformers.js gives each of several labels the same probability', async () => {
  await exportModel({ model: at('topics'), output: at('exported'), dtypes: ['fp32'], threads: 1 });
  const pipe = await pipeline('text-classification', at('exported'), { dtype: 'fp32' });
  const model = await loadModel(at('topics'), { threads: 1 });
  const expected = await model.predict(texts.slice(0, 4));
  for (const [i, text] of texts.slice(0, 4).entries()) {
    const found = (await pipe(text, { top_k: null as unknown as number })) as { label: string; score: number }[];
    expect(found).toHaveLength(4);
    const answer = expected[i];
    if (!answer || !('labels' in answer)) throw new Error('no labels');
    for (const { label, score } of answer.labels) {
      expect(found.find((one) => one.label === label)?.score).toBeCloseTo(score, 4);
    }
  }
  await model.dispose();
  await pipe.dispose();
});
