import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { CacheFolder } from '../../src/data/cacheFolder.ts';
import { prepareCorpus } from '../../src/data/corpus.ts';
import { openImages } from '../../src/data/images/openImages.ts';
import { readNumbers, standardize } from '../../src/data/numbers.ts';
import { TokenStore } from '../../src/data/tokenStore.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { openSafetensors } from '../../src/hub/safetensors.ts';
import { loadSeries } from '../../src/hub/seriesFolder.ts';
import { readVisionConfig } from '../../src/hub/visionFolder.ts';
import { card } from '../../src/jobs/card.ts';
import { embed } from '../../src/jobs/embed.ts';
import { embedImages } from '../../src/jobs/embedImages.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { inspect } from '../../src/jobs/inspect.ts';
import { predict } from '../../src/jobs/predict.ts';
import { pretrainSequence } from '../../src/jobs/pretrainSequence.ts';
import { embedTable } from '../../src/jobs/pretrainTable.ts';
import { readRecord } from '../../src/jobs/runRecord.ts';
import type { Prediction } from '../../src/jobs/types.ts';
import { forecasterParameters } from '../../src/models/series/forecaster.ts';
import { forecasterModel, predictions } from '../../src/tasks/series.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { contentOfFolder } from '../folders.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening, readJson } from './runs.ts';

/** Folders as version 0.1.0 left them, and what it read in them; `make.mjs` beside them made them. */
const before = join(import.meta.dirname, '../fixtures/before/0.1.0');
const at = (...names: string[]) => join(before, ...names);
const work = temporaryFolder();
const expected = JSON.parse(readFileSync(at('expected.json'), 'utf8'));
const common = { threads: 1, seed: 3, maxSteps: 6 };
const corpus = { files: [at('data/corpus.txt')] };

/**
 * Where the processor is the one that made them, results are the same to the bit; another one may add in another order,
 * which moves a float32 in its seventh digit.
 */
const tolerance = 1e-5;

function expectClose(found: readonly ArrayLike<number>[], wanted: readonly ArrayLike<number>[]): void {
  expect(found.map(({ length }) => length)).toEqual(wanted.map(({ length }) => length));
  const differences = wanted.flatMap((row, i) =>
    Array.from(row, (value, j) => Math.abs(value - Number(found[i]?.[j])) / Math.max(1, Math.abs(value))),
  );
  expect(differences.length).toBeGreaterThan(0);
  expect(Math.max(...differences)).toBeLessThan(tolerance);
  if (process.env.BERTUNE_REPORT) process.stdout.write(`largest difference: ${Math.max(...differences)}\n`);
}

function vectorsOf(file: string, count: number): number[][] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.slice(0, count).map((line) => JSON.parse(line).vector);
}

let untouched: Record<string, string>;
beforeAll(() => {
  untouched = contentOfFolder(before);
});

describe('models of text', () => {
  test('say the same of the same text', async () => {
    const measured = await evaluate({ model: at('adapted'), data: corpus, threads: 1 });
    const { loss, perplexity } = expected.evaluated;
    expectClose(
      [[Number(measured.loss), 'perplexity' in measured ? Number(measured.perplexity) : 0]],
      [[loss, perplexity]],
    );
    const found: { label: string; score: number }[] = [];
    for await (const answer of predict({ model: at('finetuned'), input: corpus, threads: 1 })) {
      const { label, score } = answer as Prediction;
      found.push({ label, score });
    }
    const wanted: typeof found = expected.predictions;
    expect(found.slice(0, 10).map(({ label }) => label)).toEqual(wanted.map(({ label }) => label));
    expectClose([found.slice(0, 10).map(({ score }) => score)], [wanted.map(({ score }) => score)]);
    const output = join(work, 'text.jsonl');
    await embed({ model: at('adapted'), input: corpus, output, threads: 1 });
    expectClose(vectorsOf(output, 10), expected.textVectors);
  });

  test('are told of, with the length that they were trained with', async () => {
    expect(await inspect({ model: at('finetuned') })).toMatchObject({ heads: ['pooler', 'classifier'], layers: 1 });
    const train = { files: [at('data/labeled.csv')] };
    const output = join(work, 'from-adapted');
    await finetune({ ...common, method: 'finetune', maxSteps: 1, model: at('adapted'), train, output });
    expect(readRecord(output)).toMatchObject({ configuration: { maxLength: 16 } });
    expect(readJson(output, 'config.json')).toMatchObject({ bertune_format: 1, trained_max_length: 16 });
  });
});

describe('models of images', () => {
  test.each(Object.keys(expected.imageVectors))('%s makes the same of the same images', async (method) => {
    const output = join(work, `${method}.jsonl`);
    const data = at('data/bars-images-idx3-ubyte');
    await embedImages({ model: at(method), data, output, threads: 1, cache: false });
    expectClose(vectorsOf(output, 3), expected.imageVectors[method]);
  });

  test('of a classifier know its labels', async () => {
    const { labels, accuracy, loss } = expected.classified;
    expect(await readVisionConfig(at('image-classifier'))).toMatchObject({ labels });
    expect(readRecord(at('image-classifier'))?.result).toMatchObject({ labels, accuracy, loss });
  });
});

describe('models over numbers', () => {
  test('predict the same of the same series', async () => {
    const { config, values } = await loadSeries(at('series'));
    if (config.kind !== 'forecaster') throw new Error('no forecaster');
    const table = await readNumbers({ file: at('data/series.csv'), flag: '--data' });
    const first = (example: number) => 2 * example;
    const examples = { values: standardize(table, config), count: 3, inputAt: first, targetAt: first };
    const parameters = Object.fromEntries(
      forecasterParameters(config).map(({ name, shape }) => {
        return [name, { dtype: 'float32' as const, shape, data: values.get(name) ?? new Float32Array() }];
      }),
    );
    const found: Float32Array[] = [];
    const engine = onnxEngine({ threads: 1 });
    for await (const { prediction } of predictions(engine, forecasterModel(config), parameters, examples)) {
      found.push(prediction.slice());
    }
    expectClose(found, expected.forecasts);
  });

  test('make the same of the same table', async () => {
    const output = join(work, 'table.jsonl');
    await embedTable({ model: at('table'), data: at('data/table.csv'), output, threads: 1 });
    expectClose(vectorsOf(output, 5), expected.tableVectors);
  });
});

describe('run.json', () => {
  const runs = readdirSync(before).filter((name) => existsSync(at(name, 'run.json')));

  test.each(runs)('of %s is read to the last key', (name) => {
    const { startedAt, ...rest } = readJson(at(name, 'run.json'));
    expect(readRecord(at(name))).toEqual({ startedAt, ...rest });
    expect(rest).not.toHaveProperty('format');
    expect(rest.status).toBe(name.startsWith('stopped') ? 'running' : 'finished');
  });

  test.each(['adapted', 'finetuned'])('of %s gives the card that was written then', async (name) => {
    const folder = join(work, name);
    cpSync(at(name), folder, { recursive: true });
    rmSync(join(folder, 'README.md'));
    await card({ model: folder });
    // Only BERT's mask token was known then.
    const text = (path: string) =>
      readFileSync(path, 'utf8')
        .replace('print(pipe("where is my [MASK]?"))', 'print(pipe(f"where is my {pipe.tokenizer.mask_token}?"))')
        .replace(/sha256 [0-9a-f]{64}/, '');
    expect(text(join(folder, 'README.md'))).toBe(text(at(name, 'README.md')));
    await card({ model: folder, license: 'apache-2.0' });
    const old = readJson(at(name, 'run.json'));
    expect(readJson(folder, 'run.json')).toEqual({ ...old, format: 1, card: { license: 'apache-2.0' } });
  });

  test('of a finished run gives its result to who resumes it', async () => {
    const hooks = listening();
    const result = await pretrainSequence({ ...series(), output: copyOf('series'), resume: true }, hooks);
    expect(result.error).toBe(expected.forecastError);
    expect(hooks.notes().join()).toContain('is finished; this is its result');
  });
});

describe('a run that was stopped', () => {
  test('is resumed and ends as the one that was not: a classifier', async () => {
    const output = copyOf('stopped-finetune');
    const hooks = listening();
    const train = { files: [at('data/labeled.csv')] };
    await finetune(
      {
        ...{ ...common, learningRate: 1e-2, batchSize: 8, saveSteps: 3 },
        ...{ model: at('adapted'), train, output, resume: true },
      },
      hooks,
    );
    expect(hooks.notes()).toContain('resumed after step 4');
    await expectWeights(output, at('finetuned'));
    expect(readRecord(output)?.startedAt).toBe(readRecord(at('stopped-finetune'))?.startedAt);
  });

  test('is resumed and ends as the one that was not: a series', async () => {
    const output = copyOf('stopped-series');
    const hooks = listening();
    await pretrainSequence({ ...series(), output, resume: true }, hooks);
    expect(hooks.notes()).toContain('resumed after step 4');
    await expectWeights(output, at('series'));
  });
});

describe('the cache', () => {
  const tokenizer = loadTokenizer(at('base'));
  const records = { ...corpus, flag: '--corpus' };
  const prepare = (cache: string) => {
    const held = { heldOutFraction: 0, heldOutLimit: 10, seed: 1 };
    return prepareCorpus({ records, tokenizer, mostTokens: 14, folder: join(work, 'tokens'), cache, ...held });
  };

  test('keeps a tokenized corpus, which is the one that is made now', async () => {
    const cache = join(work, 'cache');
    const anew = await prepare(cache);
    const [key = ''] = readdirSync(join(cache, 'tokens'));
    const [oldKey = ''] = readdirSync(at('cache/tokens'));
    const entry = await new CacheFolder<object>(copyOf('cache/tokens'), 1e9).find(oldKey);
    expect(entry?.value).toMatchObject({ counts: { texts: 80, tokens: 574 } });
    const store = new TokenStore(entry?.folder ?? '', tokenizer.vocabularySize);
    expect(store.length).toBe(anew.store.length);
    for (let i = 0; i < store.length; i++) expect(store.read(i)).toEqual(anew.store.read(i));
    store.close();
    // Its key depends on the versions of what tokenizes: in its place it is used as it is.
    rmSync(join(cache, 'tokens', key), { recursive: true });
    cpSync(at('cache/tokens', oldKey), join(cache, 'tokens', key), { recursive: true });
    const again = await prepare(cache);
    expect(again).toMatchObject({ fromCache: true, digest: anew.digest, counts: anew.counts });
    expect(existsSync(join(cache, 'tokens', key, 'store.json'))).toBe(false);
    for (const corpus of [anew, again]) corpus.close();
  });

  test('keeps prepared images, which are those that are made now', async () => {
    const cache = join(work, 'image-cache');
    const options = { flag: '--data', cache };
    const anew = await openImages(at('data/bars-images-idx3-ubyte'), options);
    const [key = ''] = readdirSync(join(cache, 'images'));
    const folder = join(cache, 'images', key);
    const pixels = readFileSync(join(folder, 'pixels.bin'));
    anew.close();
    for (const oldKey of readdirSync(at('cache/images'))) {
      rmSync(folder, { recursive: true });
      mkdirSync(join(cache, 'images'), { recursive: true });
      cpSync(at('cache/images', oldKey), folder, { recursive: true });
      const notes: string[] = [];
      const store = await openImages(at('data/bars-images-idx3-ubyte'), {
        ...options,
        onNote: (text) => notes.push(String(text)),
      });
      expect(notes).toEqual(['--data: 40 images of 8 × 8 grayscale, 2 classes, as prepared before']);
      const image = new Uint8Array(64);
      for (let i = 0; i < store.length; i++) {
        store.read(i, image);
        expect(Buffer.compare(image, pixels.subarray(64 * i, 64 * (i + 1)))).toBe(0);
        expect(store.labelOf(i)).toBe(i % 2);
      }
      store.close();
    }
  });
});

test('nothing of this changed a byte of what was there', () => {
  expect(Object.keys(untouched).length).toBeGreaterThan(80);
  expect(contentOfFolder(before)).toEqual(untouched);
});

function series() {
  const sizes = { window: 8, horizon: 2, hiddenSize: 8, attentionHeads: 2 };
  return { ...common, data: at('data/series.csv'), ...sizes, batchSize: 16, saveSteps: 3 };
}

function copyOf(name: string): string {
  const folder = join(temporaryFolder(), 'copy');
  cpSync(at(name), folder, { recursive: true });
  return folder;
}

/** Two steps after the checkpoint, all weights are those of the run that was not stopped. */
async function expectWeights(folder: string, whole: string): Promise<void> {
  const [found, wanted] = await Promise.all(
    [folder, whole].map(async (path) => {
      const file = await openSafetensors(join(path, 'model.safetensors'));
      const values = [];
      for (const name of [...file.tensors.keys()].sort()) values.push(await file.read(name));
      await file.close();
      return values;
    }),
  );
  expectClose(found ?? [], wanted ?? []);
  if (process.env.BERTUNE_REPORT) {
    const same = readFileSync(join(folder, 'model.safetensors')).equals(readFileSync(join(whole, 'model.safetensors')));
    process.stdout.write(`weights are ${same ? 'the same to the bit' : 'not the same to the bit'}\n`);
  }
}
