import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InterruptedError, UsageError } from '../../src/core/errors.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import type { AdaptOptions, FinetuneOptions, JobHooks } from '../../src/jobs/types.ts';
import { TestFolder } from '../data/files.ts';
import { checkpointsOf, listening, metricsOf, readJson, weightsOf } from './runs.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel, tinyConfig } from './tiny.ts';

const folder = new TestFolder();
const at = (name: string) => join(folder.path, name);
let adaptation: Omit<AdaptOptions, 'output'>;
let tuning: Omit<FinetuneOptions, 'output'>;

beforeAll(async () => {
  await folder.create();
  const model = await saveTinyModel(at('tiny'));
  const corpus = await folder.write('corpus.txt', messages(120).join('\n'));
  const labeled = await folder.write('labeled.csv', labeledCsv(labeledMessages(60)));
  const common = { model, threads: 1, learningRate: 1e-3, seed: 5 };
  adaptation = {
    ...common,
    corpus: { files: [corpus] },
    maxLength: 32,
    batchTokens: 256,
    accumulationSteps: 2,
    epochs: 3,
    evalFraction: 0.1,
    evalSteps: 3,
    saveSteps: 4,
    patience: 3,
  };
  tuning = { ...common, train: { files: [labeled] }, batchSize: 8, epochs: 3, evalSteps: 2, saveSteps: 5, patience: 9 };
});
afterAll(() => folder.remove());

/** The two kinds of training job behind one call. */
const jobs = {
  adapt: (output: string, hooks: JobHooks, more: object = {}) => adapt({ ...adaptation, output, ...more }, hooks),
  finetune: (output: string, hooks: JobHooks, more: object = {}) => finetune({ ...tuning, output, ...more }, hooks),
};

describe.each(['adapt', 'finetune'] as const)('%s', (name) => {
  const run = jobs[name];
  const whole = () => at(`${name}-whole`);
  let steps = 0;

  beforeAll(async () => {
    steps = (await run(whole(), listening())).steps;
  });

  test('repeats exactly with the same seed, dropout on', async () => {
    await run(at(`${name}-again`), listening());
    expect(weightsOf(at(`${name}-again`))).toEqual(weightsOf(whole()));
    expect(metricsOf(at(`${name}-again`))).toEqual(metricsOf(whole()));
  });

  test('gives other weights with another seed', async () => {
    await run(at(`${name}-seed`), listening(), { seed: 6 });
    expect(weightsOf(at(`${name}-seed`)).equals(weightsOf(whole()))).toBe(false);
  });

  test.each([1, 3, 7, 10])('stopped after step %i and resumed, ends as if never stopped', async (k) => {
    expect(steps).toBeGreaterThan(10);
    const output = at(`${name}-stopped-${k}`);
    const stopped = run(output, listening(k));
    await expect(stopped).rejects.toThrow(InterruptedError);
    await expect(stopped).rejects.toThrow(
      `stopped after step ${k} of ${readSteps(output)}; saved ${join(output, 'checkpoints', stepName(k))}; run the same command with --resume to go on`,
    );
    const hooks = listening();
    await run(output, hooks, { resume: true });
    expect(hooks.notes()).toContain(`resumed after step ${k}`);
    expect(weightsOf(output).equals(weightsOf(whole()))).toBe(true);
    expect(metricsOf(output)).toEqual(metricsOf(whole()));
  });

  test('a run that ended without finishing measures once more and ends the same', async () => {
    const output = at(`${name}-unfinished`);
    const all = { patience: 0, saveSteps: 1, evalSteps: 1, maxSteps: 6 };
    await run(output, listening(), { epochs: undefined, ...all });
    const [weights, metrics] = [weightsOf(output), metricsOf(output)];
    writeFileSync(join(output, 'run.json'), JSON.stringify({ ...readJson(output, 'run.json'), status: 'running' }));
    rmSync(join(output, 'model.safetensors'));
    await run(output, listening(), { epochs: undefined, ...all, resume: true });
    expect(weightsOf(output).equals(weights)).toBe(true);
    expect(metricsOf(output)).toEqual(metrics);
  });

  test('a checkpoint that was cut short gives way to an older one', async () => {
    const output = at(`${name}-cut`);
    await expect(run(output, listening(7))).rejects.toThrow(InterruptedError);
    truncateSync(join(output, 'checkpoints', stepName(7), 'momentum.f32'), 100);
    const hooks = listening();
    await run(output, hooks, { resume: true });
    const older = hooks.notes().find((note) => note.startsWith('resumed after step'));
    expect(Number(older?.split(' ').at(-1))).toBeLessThan(7);
    expect(weightsOf(output).equals(weightsOf(whole()))).toBe(true);
    expect(metricsOf(output)).toEqual(metricsOf(whole()));
  });

  test('refuses changed settings by name and leaves the run as it was', async () => {
    const output = at(`${name}-changed`);
    await expect(run(output, listening(4))).rejects.toThrow(InterruptedError);
    const [record, saved] = [readFileSync(join(output, 'run.json')), checkpointsOf(output)];
    const refused = run(output, listening(), { resume: true, learningRate: 2e-3, maxLength: 24 });
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(
      /settings changed: .*maxLength \(\d+, now 24\).*learningRate \(0\.001, now 0\.002\)/,
    );
    await expect(refused).rejects.toThrow('--overwrite to start anew');
    expect(readFileSync(join(output, 'run.json'))).toEqual(record);
    expect(checkpointsOf(output)).toEqual(saved);
  });

  test('refuses to go on from another model', async () => {
    const output = at(`${name}-other`);
    const model = await saveTinyModel(at(`${name}-tiny`), { ...tinyConfig, initializerRange: 0.03 });
    await expect(run(output, listening(4))).rejects.toThrow(InterruptedError);
    await expect(run(output, listening(), { resume: true, model })).rejects.toThrow(
      /cannot resume .*: 1 setting changed: startWeights \("\w+", now "\w+"\)/,
    );
  });

  test('a finished run gives its result again', async () => {
    const output = at(`${name}-finished`);
    const result = await run(output, listening());
    const hooks = listening();
    expect(await run(output, hooks, { resume: true })).toEqual(result);
    expect(hooks.notes()).toEqual([`the run in ${output} is finished; this is its result`]);
    const changed = listening();
    expect(await run(output, changed, { resume: true, learningRate: 2e-3, threads: 2 })).toEqual(result);
    expect(changed.notes()).toEqual([
      `the run in ${output} is finished; this is its result with the settings it was made with: learningRate (0.001)`,
    ]);
  });

  test('--resume without a checkpoint says before the first step that it starts from the beginning', async () => {
    const hooks = listening();
    await run(at(`${name}-new`), hooks, { resume: true });
    const said = hooks.events.findIndex((event) => event.type === 'note' && event.text.includes('holds no checkpoint'));
    expect(said).toBeGreaterThanOrEqual(0);
    expect(said).toBeLessThan(hooks.events.findIndex((event) => event.type === 'step'));
    expect(weightsOf(at(`${name}-new`)).equals(weightsOf(whole()))).toBe(true);
  });

  test('--overwrite replaces the run, and nothing when the new one fails over its data', async () => {
    const output = at(`${name}-overwritten`);
    cpSync(whole(), output, { recursive: true });
    const missing = { files: [at('missing.txt')] };
    const failed = run(output, listening(), { overwrite: true, corpus: missing, train: missing });
    await expect(failed).rejects.toThrow(`no file at ${at('missing.txt')}`);
    expect(weightsOf(output).equals(weightsOf(whole()))).toBe(true);
    await run(output, listening(), { overwrite: true, seed: 6 });
    expect(weightsOf(output).equals(weightsOf(whole()))).toBe(false);
    expect(metricsOf(output)).toEqual(metricsOf(at(`${name}-seed`)));
  });
});

test('a run is resumed by its own command alone, and a folder without a run by none', async () => {
  await expect(jobs.finetune(at('adapt-whole'), listening(), { resume: true })).rejects.toThrow(
    `${at('adapt-whole')} holds a run of adapt, not of finetune; choose another --output`,
  );
  cpSync(at('tiny'), at('copy'), { recursive: true });
  const weights = weightsOf(at('copy'));
  await expect(jobs.adapt(at('copy'), listening(), { resume: true })).rejects.toThrow(
    `${at('copy')} holds no run to resume`,
  );
  expect(weightsOf(at('copy')).equals(weights)).toBe(true);
});

function stepName(step: number): string {
  return `step-${String(step).padStart(8, '0')}`;
}

function readSteps(output: string): unknown {
  const state = readJson(output, 'checkpoints', checkpointsOf(output).at(-1) ?? '', 'state.json');
  return (state.fingerprint as Record<string, unknown>).steps;
}
