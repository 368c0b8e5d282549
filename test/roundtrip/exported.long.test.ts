import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { openModel } from '../../src/jobs/model.ts';
import { labeledCsv, labeledMessages } from '../jobs/tiny.ts';
import { needing, optimumPython } from '../needs.ts';
import { cases, expectedVectors, folderNamed, largestDifference, sentenceFolder, texts } from '../sentenceFolders.ts';
import { temporaryFolder } from '../temporary.ts';

/** What exported.py says of an exported folder. */
interface Answer {
  readonly vectors: number[][];
  readonly states: number[][];
  readonly scores: { label: string; score: number }[][] | null;
}

/** Of numbers in the size of 1: both sides sum in float32, in orders of their own. */
const tolerance = 1e-5;

const work = temporaryFolder();
const folders = cases.map((one) => ({ name: one.name, source: sentenceFolder(one), isClassifier: !!one.labels }));
const tuned = ['normalize', 'pooling-cls', 'dense-normalize', 'unigram'].map((base) => {
  const name = `${base}-tuned`;
  return { name, base, source: join(work, `${name}-source`), isClassifier: true };
});

needing('optimum').describe('exported sentence encoders in Optimum and in sentence-transformers', () => {
  const answers = new Map<string, Answer>();

  beforeAll(async () => {
    const train = { files: [join(work, 'labeled.csv')] };
    writeFileSync(train.files[0] as string, labeledCsv(labeledMessages(40)));
    for (const { base, source } of tuned) {
      const training = { learningRate: 3e-3, maxSteps: 60, batchSize: 8 };
      await finetune({ ...training, method: 'finetune', model: folderNamed(base), train, output: source });
    }
    const exports = [...folders, ...tuned];
    for (const { name, source } of exports) {
      await exportModel({ model: source, output: join(work, name), dtypes: ['fp32'] });
    }
    const jobs = exports.map(({ name }) => JSON.stringify({ folder: join(work, name), file: 'model.onnx', texts }));
    const script = join(import.meta.dirname, 'exported.py');
    const { stdout, status, stderr } = spawnSync(optimumPython, [script], {
      input: jobs.join('\n'),
      encoding: 'utf8',
      env: { ...process.env, HF_HUB_OFFLINE: '1' },
      maxBuffer: 2 ** 30,
    });
    if (status !== 0) throw new Error(stderr);
    const lines = stdout.trim().split('\n');
    exports.forEach(({ name }, i) => {
      answers.set(name, JSON.parse(lines[i] ?? ''));
    });
  });

  describe('those of test/fixtures/sentence', () => {
    test.each(folders)('$name', async ({ name, source }) => {
      expectClose(answers.get(name)?.vectors, await expectedVectors(name, 0));
      const model = await openModel(source);
      expectClose(answers.get(name)?.states, await model.embed(texts, { pooling: 'mean', promptText: false }));
      await model.dispose();
    });
  });

  const classifiers = [...folders, ...tuned].filter(({ isClassifier }) => isClassifier);
  test.each(classifiers)('$name: labels and scores', async ({ name, source }) => {
    const model = await openModel(source);
    const found = answers.get(name)?.scores ?? [];
    const expected = await model.scores(texts);
    expect(found.map(([best]) => best?.label)).toEqual(expected.map(([best]) => best?.label));
    const numbers = (rows: typeof expected) => rows.map((row) => row.map(({ score }) => score));
    expectClose(
      numbers(found),
      numbers(expected).map((row) => Float32Array.from(row)),
    );
    await model.dispose();
  });
});

function expectClose(found: readonly number[][] | undefined, expected: readonly Float32Array[]): void {
  const rows = (found ?? []).map((row) => Float32Array.from(row));
  const size = Math.max(1, ...expected.map((row) => row.reduce((most, x) => Math.max(most, Math.abs(x)), 0)));
  expect(largestDifference(rows, expected) / size).toBeLessThanOrEqual(tolerance);
}
