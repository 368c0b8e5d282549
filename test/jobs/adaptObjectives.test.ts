import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { adapt } from '../../src/jobs/adapt.ts';
import { inspect } from '../../src/jobs/inspect.ts';
import { loadModel } from '../../src/jobs/model.ts';
import type { AdaptOptions, JobHooks } from '../../src/jobs/types.ts';
import { runInProcess } from '../cli/terminal.ts';
import { folderNamed } from '../sentenceFolders.ts';
import { temporaryFolder } from '../temporary.ts';
import { describeResuming, sixSteps } from './resumeCases.ts';
import { listening, readJson } from './runs.ts';
import { messages, saveTinyModel } from './tiny.ts';

/** What adapting by each objective makes of sentence encoders and of a plain model. */

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
/** LayerNorm, a Dense and Normalize behind the first token. */
let encoder: string;
let plain: string;
let corpus: AdaptOptions['corpus'];
let other: AdaptOptions['corpus'];

beforeAll(async () => {
  encoder = folderNamed('all-kinds');
  plain = await saveTinyModel(at('plain'));
  corpus = written('corpus.txt', messages(200));
  other = written('other.txt', messages(200, 8));
});

function written(name: string, texts: readonly string[]): AdaptOptions['corpus'] {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), texts.join('\n'));
  return { files: [at(name)] };
}

const common = { batchTokens: 256, evalFraction: 0.2, cache: false, threads: 1, seed: 5, learningRate: 1e-3 } as const;

function run(model: string, output: string, hooks: JobHooks, more: Partial<AdaptOptions>) {
  return adapt({ ...common, model, corpus, output, ...more }, hooks);
}

describe.each(['contrastive', 'keep', 'neighbours'] as const)('adapting a sentence encoder by %s', (objective) => {
  describeResuming(
    objective,
    (output, hooks, more = {}) => run(encoder, output, hooks, { ...sixSteps, objective, ...more }),
    [() => ({ corpus: other }), /corpus/],
  );
});

test('a sentence encoder is adapted by its neighbours, a plain model by masked words, unless something is asked for', async () => {
  const settings = { maxSteps: 1, saveSteps: 0 };
  await run(encoder, at('usual-encoder'), listening(), settings);
  expect(readJson(at('usual-encoder'), 'run.json')).toMatchObject({ configuration: { objective: 'neighbours' } });
  const hooks = listening();
  const result = await run(plain, at('usual-plain'), hooks, settings);
  expect(readJson(at('usual-plain'), 'run.json')).toMatchObject({ configuration: { objective: 'masked' } });
  expect(result.perplexityAfter).toBeGreaterThan(1);
  expect(hooks.notes().join()).not.toContain('masked words alone');
});

test('what was learned is what was asked for: vectors, words, and the heads that the folder has', async () => {
  const settings = { maxSteps: 1, saveSteps: 0 };
  // Without masked words the MLM head of a folder that has one stays, and none is made where there is none.
  const vectors = await run(plain, at('vectors'), listening(), { ...settings, objective: 'contrastive' });
  expect(vectors.perplexityAfter).toBeNull();
  expect((await inspect({ model: at('vectors') })).heads).toEqual(['mlmHead', 'pooler']);
  await run(encoder, at('encoder'), listening(), { ...settings, objective: 'neighbours' });
  expect((await inspect({ model: at('encoder') })).heads).toEqual((await inspect({ model: encoder })).heads);
  const hooks = listening();
  const words = await run(encoder, at('words'), hooks, { ...settings, objective: 'keep' });
  expect(words.perplexityAfter).toBeGreaterThan(1);
  expect((await inspect({ model: at('words') })).heads).toContain('mlmHead');
  const model = await loadModel(at('words'), { threads: 1 });
  const [vector] = await model.embed(['where is my parcel?']);
  expect(Math.hypot(...(vector ?? []))).toBeCloseTo(1, 5);
  await model.dispose();
  // A sentence encoder that guesses words goes on doing so.
  const both = await run(at('words'), at('both'), listening(), settings);
  expect(both.perplexityAfter).toBeGreaterThan(1);
  expect(readJson(at('both'), 'run.json')).toMatchObject({ configuration: { learned: ['words', 'neighbours'] } });
});

test('keeping to the start keeps neighbours that masked words alone lose, and the run says so', async () => {
  const settings = { epochs: 12, saveSteps: 0, dropout: 0 };
  const hooks = listening();
  const tight = folderNamed('without-prompt');
  const masked = await run(tight, at('masked'), hooks, { ...settings, objective: 'masked' });
  expect(hooks.notes()).toContainEqual(expect.stringContaining('masked words alone'));
  const kept = await run(tight, at('kept'), listening(), { ...settings, objective: 'keep' });
  expect(kept.vectors).toMatchObject({ neighbours: 10 });
  expect(kept.vectors?.kept).toBeGreaterThan((masked.vectors?.kept ?? 1) + 0.2);
  expect(kept.evalLossAfter).toBeCloseTo(masked.evalLossAfter ?? 0, 0);
  expect(readJson(at('kept'), 'run.json')).toMatchObject({ result: { vectors: kept.vectors } });
});

test('how to mask is refused where nothing is masked', async () => {
  const masking = run(encoder, at('refused'), listening(), { maskProbability: 0.3 });
  await expect(masking).rejects.toThrow(
    'maskProbability is of masked words, which objective neighbours does not learn',
  );
  const words = run(encoder, at('refused'), listening(), { objective: 'contrastive', wholeWord: true });
  await expect(words).rejects.toThrow('wholeWord is of masked words, which objective contrastive does not learn');
});

test('the card of a model adapted without masked words offers it for its vectors', async () => {
  await run(encoder, at('carded'), listening(), { maxSteps: 1, saveSteps: 0 });
  const card = readFileSync(at('carded', 'README.md'), 'utf8');
  expect(card).toMatch(/sentence encoder, adapted to its own kind of text/);
  expect(card).toMatch(/Of each of \d+ held-out texts the 10 nearest by its vector were looked for before and after/);
  expect(card).toContain('type: feature-extraction');
  expect(card).toContain('| objective | neighbours |');
  expect(card).not.toMatch(/\[MASK\]|fill-mask|perplexity/i);
});

test('vectors that nothing was learned of agree with themselves', async () => {
  const still = { maxSteps: 1, saveSteps: 0, learningRate: 1e-12, weightDecay: 0 };
  const { vectors } = await run(encoder, at('still'), listening(), still);
  expect(vectors).toEqual({ kept: 1, neighbours: 10, texts: expect.any(Number) });
  const few = await run(encoder, at('few'), listening(), { ...still, evalFraction: 0.05 });
  expect(few.vectors).toBeUndefined();
});

test('the command says how many neighbours stay', async () => {
  const files = `--model ${encoder} --corpus ${at('corpus.txt')} --output ${at('told')}`;
  const flags = '--objective keep --max-steps 2 --batch-tokens 256 --eval-fraction 0.2 --no-cache --threads 1';
  const { stdout, code } = await runInProcess(`adapt ${files} ${flags}`.split(' '));
  expect(code).toBe(0);
  expect(stdout).toMatch(/^vectors: [\d.]+ % of the 10 nearest of each of \d+ held-out texts stay$/m);
});
