import { cpSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InterruptedError, UsageError } from '../../src/core/errors.ts';
import { prepareCorpus } from '../../src/data/corpus.ts';
import { TokenStore } from '../../src/data/tokenStore.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import type { AdaptOptions, FinetuneOptions, JobHooks } from '../../src/jobs/types.ts';
import { CorpusTask } from '../../src/tasks/text/corpusTask.ts';
import { maskedTokens } from '../../src/tasks/text/objectives/maskedTokens.ts';
import { maskingVocabulary } from '../../src/text/masking.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import type { Cursor } from '../../src/train/task.ts';
import { TestFolder } from '../data/files.ts';
import { newFolder, PointTask, trainPoints } from '../train/points.ts';
import { expectSameRun } from './killedRuns.ts';
import { checkpointsOf, listening, metricsOf, readJson, weightsOf } from './runs.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel, tinyConfig, tinyModel } from './tiny.ts';

const folder = new TestFolder();
const at = (name: string) => join(folder.path, name);
let adaptation: Omit<AdaptOptions, 'output'>;
let tuning: Omit<FinetuneOptions, 'output'>;

beforeAll(async () => {
  await folder.create();
  const model = await saveTinyModel(at('tiny'));
  // Large enough for its ops to be shared out among threads.
  await saveTinyModel(at('wide'), { ...tinyConfig, hiddenSize: 128, attentionHeads: 4, intermediateSize: 512 });
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
  tuning = {
    ...common,
    method: 'finetune',
    train: { files: [labeled] },
    batchSize: 8,
    epochs: 3,
    evalSteps: 2,
    saveSteps: 5,
    patience: 9,
  };
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

  test.each([1, 2])('repeats exactly with the same seed and %i threads, dropout on', async (threads) => {
    const options = { threads, model: at('wide'), maxSteps: 5, epochs: undefined, keepCheckpoints: 99 };
    const [one, other] = [at(`${name}-once-${threads}`), at(`${name}-twice-${threads}`)];
    await run(one, listening(), options);
    await run(other, listening(), options);
    expectSameRun(other, one);
  });

  test('gives other weights with another seed', async () => {
    await run(at(`${name}-seed`), listening(), { seed: 6 });
    expect(weightsOf(at(`${name}-seed`)).equals(weightsOf(whole()))).toBe(false);
  });

  test('stopped after a step and resumed, says so and ends as if never stopped', async () => {
    const k = 7;
    expect(steps).toBeGreaterThan(k);
    const output = at(`${name}-stopped-${k}`);
    const stopped = run(output, listening(k));
    await expect(stopped).rejects.toThrow(InterruptedError);
    await expect(stopped).rejects.toThrow(
      `stopped after step ${k} of ${readSteps(output)}; saved ${join(output, 'checkpoints', stepName(k))}; run the same command with resume to go on`,
    );
    const hooks = listening();
    await run(output, hooks, { resume: true });
    expect(hooks.notes()).toContain(`resumed after step ${k}`);
    expect(weightsOf(output).equals(weightsOf(whole()))).toBe(true);
    expect(metricsOf(output)).toEqual(metricsOf(whole()));
  });

  test.each<[string, object]>([
    ['', { patience: 50 }],
    [' of four micro-batches', { accumulationSteps: 4, saveSteps: 1, patience: 0 }],
    [' of a run that stops early', { learningRate: 0.1, patience: 2, evalSteps: 2, saveSteps: 3 }],
  ])('stopped after every step%s and resumed, ends as if never stopped', async (kind, more) => {
    const options = { ...more, keepCheckpoints: 99 };
    const [one, other] = [at(`${name}-undisturbed${kind}`), at(`${name}-stopping${kind}`)];
    const undisturbed = await run(one, listening(), options);
    let stops = 0;
    for (let stopped = true; stopped; ) {
      const ended = await run(other, listening(stops + 1), { ...options, resume: true }).catch((error) => error);
      stopped = ended instanceof InterruptedError;
      if (stopped) stops++;
      else expect(ended).toMatchObject({ steps: undisturbed.steps });
    }
    const early = undisturbed.steps < Number(readSteps(one));
    expect(early).toBe(kind.includes('early'));
    expect(stops).toBe(undisturbed.steps);
    expectSameRun(other, one);
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

  test('when all checkpoints are damaged, says so and starts from the beginning', async () => {
    const output = at(`${name}-damaged`);
    await expect(run(output, listening(9))).rejects.toThrow(InterruptedError);
    const damaged = checkpointsOf(output).map((step) => join(output, 'checkpoints', step));
    for (const path of damaged) truncateSync(join(path, 'parameters.f32'), 8);
    const hooks = listening();
    await run(output, hooks, { resume: true });
    expect(damaged.length).toBeGreaterThan(1);
    expect(hooks.notes()).toEqual(
      expect.arrayContaining([
        ...damaged.map((path) => `the checkpoint ${path} is damaged and left out`),
        `resume: ${output} holds no checkpoint that can be read, so the run starts from the beginning`,
      ]),
    );
    expect(weightsOf(output).equals(weightsOf(whole()))).toBe(true);
    expect(metricsOf(output)).toEqual(metricsOf(whole()));
  });

  test('metrics that someone has cut go on from their last whole line', async () => {
    const output = at(`${name}-metrics`);
    await expect(run(output, listening(7))).rejects.toThrow(InterruptedError);
    const metrics = join(output, 'metrics.jsonl');
    truncateSync(metrics, readFileSync(metrics, 'utf8').indexOf('{"step":4'));
    truncateSync(metrics, statSync(metrics).size - 5);
    await run(output, listening(), { resume: true });
    const kept = metricsOf(whole()).filter(
      (line) => 'step' in line && (Number(line.step) < 3 || Number(line.step) > 7),
    );
    expect(metricsOf(output).slice(-kept.length + 2)).toEqual(kept.slice(2));
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
    await expect(refused).rejects.toThrow('overwrite to start anew');
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
    const failed = run(output, listening(), { overwrite: true, [name === 'adapt' ? 'corpus' : 'train']: missing });
    await expect(failed).rejects.toThrow(`no file at ${at('missing.txt')}`);
    expect(weightsOf(output).equals(weightsOf(whole()))).toBe(true);
    await run(output, listening(), { overwrite: true, seed: 6 });
    expect(weightsOf(output).equals(weightsOf(whole()))).toBe(false);
    expect(metricsOf(output)).toEqual(metricsOf(at(`${name}-seed`)));
  });
});

test('a run is resumed by its own command alone, and a folder without a run by none', async () => {
  await expect(jobs.finetune(at('adapt-whole'), listening(), { resume: true })).rejects.toThrow(
    `${at('adapt-whole')} holds a run of adapt, not of finetune; choose another output`,
  );
  cpSync(at('tiny'), at('copy'), { recursive: true });
  const weights = weightsOf(at('copy'));
  await expect(jobs.adapt(at('copy'), listening(), { resume: true })).rejects.toThrow(
    `${at('copy')} holds no run to resume`,
  );
  expect(weightsOf(at('copy')).equals(weights)).toBe(true);
});

describe('a resumed run seeks its place in constant time', () => {
  test('the task is asked for the updates that are left, and for no other', async () => {
    const checkpoints = newFolder();
    const options = { checkpoints, steps: 25, saveSteps: 17, fingerprint: {} };
    await trainPoints(new PointTask(), options);
    rmSync(join(checkpoints, stepName(25)), { recursive: true, force: true });
    const asked: Cursor[] = [];
    class Asked extends PointTask {
      override update(cursor: Cursor) {
        asked.push(cursor);
        return super.update(cursor);
      }
    }
    expect(await trainPoints(new Asked(), { ...options, resume: true })).toMatchObject({ resumedFrom: 17, steps: 25 });
    expect(asked).toEqual(
      [17, 18, 19, 20, 21, 22, 23, 24].map((step) => ({ epoch: Math.floor(step / 10), index: step % 10 })),
    );
  });

  test('an update far into a later epoch reads its own sequences alone', async () => {
    const tokenizer = loadTokenizer(at('tiny'));
    const corpus = await prepareCorpus({
      records: { files: [await folder.write('long.txt', messages(1500).join('\n'))], flag: '--corpus' },
      ...{ tokenizer, mostTokens: 30, folder: at('store'), heldOutFraction: 0, heldOutLimit: 0, seed: 5 },
    });
    let [lengths, reads] = [0, 0];
    class Counted extends TokenStore {
      override lengthOf(i: number) {
        lengths++;
        return super.lengthOf(i);
      }
      override read(i: number) {
        reads++;
        return super.read(i);
      }
    }
    const store = new Counted(at('store'), tokenizer.vocabularySize);
    const vocabulary = maskingVocabulary(tokenizer.vocabularySize, tokenizer.idOfRole('mask'), tokenizer.specialIds);
    const task = new CorpusTask({
      ...{ model: tinyModel(), startValues: new Map(), frame: tokenizer.frame, training: { ...corpus, store } },
      ...{ heldOut: { store, sequences: [] }, rows: 4, width: 32, accumulationSteps: 2, engine: onnxEngine() },
      objective: maskedTokens({ vocabulary, probability: 0.15, wholeWord: false, seed: 5 }),
      seed: 5,
    });
    const start = { epoch: 3, index: 1200 };
    [lengths, reads] = [0, 0];
    const { next } = task.update(start);
    const count = next.index - start.index;
    expect(next.epoch).toBe(3);
    expect(count).toBeGreaterThan(8);
    expect(reads).toBe(count);
    expect(lengths).toBeLessThanOrEqual(count + 1); // the one that did not fit, too
    store.close();
    corpus.store.close();
  });
});

function stepName(step: number): string {
  return `step-${String(step).padStart(8, '0')}`;
}

function readSteps(output: string): unknown {
  const state = readJson(output, 'checkpoints', checkpointsOf(output).at(-1) ?? '', 'state.json');
  return (state.fingerprint as Record<string, unknown>).steps;
}
