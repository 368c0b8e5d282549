import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { embed } from '../../src/jobs/embed.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { predict } from '../../src/jobs/predict.ts';
import { predictFile } from '../../src/jobs/predictFile.ts';
import type { FinetuneOptions, JobHooks } from '../../src/jobs/types.ts';
import { TestFolder } from '../data/files.ts';
import { inOneProcess } from '../train/processes.ts';
import { checkpointsOf, weightsOf } from './runs.ts';
import { labeledCsv, labeledMessages, saveTinyModel } from './tiny.ts';

const folder = new TestFolder();
const at = (name: string) => join(folder.path, name);

beforeAll(async () => {
  await folder.create();
  await saveTinyModel(at('language'));
  const rows = labeledMessages(300);
  await folder.write('rows.csv', labeledCsv(rows));
  await folder.write('fewer.csv', labeledCsv(rows.slice(0, 99)));
});
afterAll(() => folder.remove());

/** What two processes say, each of which works with options of its own. */
async function errorsOf<T extends object>(
  options: readonly [T, T],
  work: (options: T, hooks: JobHooks) => Promise<unknown>,
): Promise<string[]> {
  const ends = await Promise.allSettled(
    inOneProcess(2).map((collective, rank) => work(options[rank] as T, { collective })),
  );
  return ends.map((end) => (end.status === 'rejected' ? String(end.reason.message) : 'done'));
}

test('two that were started with other settings are refused before anything is read', async () => {
  const model = at('nonesuch');
  const input = { files: [at('nonesuch.csv')] };
  const output = at('out.jsonl');
  const labeled = async (options: Parameters<typeof predict>[0], hooks: JobHooks) => {
    for await (const _ of predict(options, hooks));
  };
  const refusal = (what: string) =>
    new Array(2).fill(
      expect.stringMatching(new RegExp(`^process 1 on \\S+ has other settings than process 0: ${what};`)),
    );
  expect(
    await errorsOf(
      [
        { model, input },
        { model, input, maxLength: 8 },
      ],
      labeled,
    ),
  ).toEqual(refusal('maxLength \\(8, there none\\)'));
  expect(
    await errorsOf(
      [
        { model, input, output },
        { model, input, output, scores: true },
      ],
      predictFile,
    ),
  ).toEqual(refusal('scores \\(true, there false\\)'));
  expect(
    await errorsOf(
      [
        { model, input, output },
        { model, input, output, pooling: 'max' },
      ],
      embed,
    ),
  ).toEqual(refusal('pooling \\("max", there none\\)'));
  expect(
    await errorsOf(
      [
        { model, data: input },
        { model, data: input, maskProbability: 0.6 },
      ],
      evaluate,
    ),
  ).toEqual(refusal('maskProbability \\(0.6, there 0.15\\)'));
  const files = (password: string) => ({ files: [`https://me:${password}@127.0.0.1/rows.csv`] });
  const [said] = await errorsOf(
    [
      { model, data: files('one') },
      { model, data: files('two'), limit: 3 },
    ],
    evaluate,
  );
  expect(said).toMatch(/has other settings than process 0: limit \(3, there none\);/);
});

test('one that is asked to stop while what is held out is measured stops with the other, after saving', async () => {
  const options = (output: string): FinetuneOptions => ({
    ...{ model: at('language'), train: { files: [at('rows.csv')] }, eval: { files: [at('fewer.csv')] } },
    ...{ output: at(output), threads: 1, method: 'finetune', maxSteps: 6, evalSteps: 3, batchSize: 16 },
    ...{ accumulationSteps: 2, reduce: 'exact', learningRate: 1e-3 },
  });
  const whole = await finetune(options('whole'));
  const controller = new AbortController();
  const ends = await Promise.allSettled(
    inOneProcess(2).map((collective) =>
      finetune(options('stopped'), {
        collective,
        // The one that measures, between a step and what is measured after it.
        signal: collective.rank === 0 ? controller.signal : undefined,
        onEvent: (event) => event.type === 'step' && event.step === 3 && controller.abort(),
      }),
    ),
  );
  for (const end of ends) {
    const message = expect.stringMatching(/^stopped after step 3 of 6; saved .*step-00000003; /);
    expect(end).toMatchObject({ status: 'rejected', reason: { message } });
    expect(end).toMatchObject({ reason: expect.any(InterruptedError) });
  }
  expect(checkpointsOf(at('stopped'))).toEqual(['step-00000003']);
  const resumed = await finetune({ ...options('stopped'), resume: true });
  expect(resumed).toMatchObject({ accuracy: whole.accuracy, steps: 6 });
  expect(weightsOf(at('stopped')).equals(weightsOf(at('whole')))).toBe(true);
});
