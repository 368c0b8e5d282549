import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NewerFormatError } from '../../src/core/document.ts';
import { BertuneError, UsageError } from '../../src/core/errors.ts';
import { loadSeries } from '../../src/hub/seriesFolder.ts';
import { adapt, pretrain } from '../../src/jobs/adapt.ts';
import { card } from '../../src/jobs/card.ts';
import { embed } from '../../src/jobs/embed.ts';
import { embedImages } from '../../src/jobs/embedImages.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { readFound } from '../../src/jobs/findModel.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { finetuneImages } from '../../src/jobs/finetuneImages.ts';
import { inspect } from '../../src/jobs/inspect.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { pretrainImages } from '../../src/jobs/pretrainImages.ts';
import { pretrainSequence } from '../../src/jobs/pretrainSequence.ts';
import { embedTable, pretrainTable } from '../../src/jobs/pretrainTable.ts';
import { probeImages } from '../../src/jobs/probeImages.ts';
import { push } from '../../src/jobs/push.ts';
import { RunFolder } from '../../src/jobs/runFolder.ts';
import { contentOfFolder } from '../folders.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening, readJson } from './runs.ts';

const fixtures = join(import.meta.dirname, '../fixtures/before/0.1.0');
const at = (...names: string[]) => join(fixtures, ...names);
const corpus = { files: [at('data/corpus.txt')] };
const labeled = { files: [at('data/labeled.csv')] };
const images = at('data/bars-images-idx3-ubyte');
const common = { threads: 1, maxSteps: 1 } as const;
/** Of jobs that keep in a cache what they prepared. */
const uncached = { ...common, cache: false } as const;
const series = { ...common, data: at('data/series.csv'), window: 8, horizon: 2, hiddenSize: 8, attentionHeads: 2 };

/** A copy of a folder of the fixtures in which a file says other things. */
function changed(name: string, file: string, content: object): string {
  const folder = join(temporaryFolder(), name);
  cpSync(at(name), folder, { recursive: true });
  writeFileSync(join(folder, file), JSON.stringify({ ...readJson(at(name, file)), ...content }));
  return folder;
}

/** Models of text have had three versions. */
const newerText = (path: string) => newer(path, 3);

function newer(path: string, known = 1): string {
  return `${path} was written by a newer version of bertune (format 99; this one reads up to ${known}); update bertune`;
}

/** Refused by name, and every byte of the folder is still there. */
async function expectRefused(folder: string, message: string, act: () => unknown): Promise<void> {
  const content = contentOfFolder(folder);
  const error = await Promise.resolve()
    .then(act)
    .catch((error: unknown) => error);
  expect(error).toBeInstanceOf(NewerFormatError);
  expect(error).toMatchObject({ message, exitCode: 2 });
  expect(contentOfFolder(folder)).toEqual(content);
}

const jobs: Readonly<Record<string, (output: string, more: object) => Promise<unknown>>> = {
  adapted: (output, more) => adapt({ ...uncached, model: at('base'), corpus, output, ...more }),
  finetuned: (output, more) =>
    finetune({ ...common, method: 'finetune', model: at('base'), train: labeled, output, ...more }),
  'stopped-finetune': (output, more) =>
    finetune({ ...common, method: 'finetune', model: at('base'), train: labeled, output, ...more }),
  autoencoder: (output, more) => pretrainImages({ ...uncached, method: 'autoencoder', data: images, output, ...more }),
  'image-classifier': (output, more) =>
    finetuneImages({ ...uncached, model: at('mae'), train: images, output, ...more }),
  series: (output, more) => pretrainSequence({ ...series, output, ...more }),
  'stopped-series': (output, more) => pretrainSequence({ ...series, output, ...more }),
  table: (output, more) => pretrainTable({ ...common, data: at('data/table.csv'), output, ...more }),
};

describe('a run of a newer version', () => {
  test.each(Object.keys(jobs))('in %s is neither gone on with nor replaced', async (name) => {
    const folder = changed(name, 'run.json', { format: 99 });
    const message = `${newer(join(folder, 'run.json'))}, or choose another output`;
    for (const more of [{}, { resume: true }, { overwrite: true }]) {
      await expectRefused(folder, message, () => jobs[name]?.(folder, more));
    }
  });

  test('whose record this version could not make sense of is no damaged one', async () => {
    const folder = changed('stopped-series', 'run.json', { format: 99, status: ['waiting'], command: null });
    const message = `${newer(join(folder, 'run.json'))}, or choose another output`;
    await expectRefused(folder, message, () => jobs['stopped-series']?.(folder, { overwrite: true }));
  });

  test('is not begun anew when it came after the folder was claimed', async () => {
    for (const more of [{ resume: true }, { overwrite: true }]) {
      const folder = join(temporaryFolder(), 'run');
      const run = RunFolder.claim(folder, { command: 'adapt', inputs: [], ...more });
      writeFileSync(join(folder, 'run.json'), '{"format": 99}');
      writeFileSync(join(folder, 'model.safetensors'), 'weights');
      const message = `${newer(join(folder, 'run.json'))}, or choose another output`;
      await expectRefused(folder, message, () => run.begin({}));
      run.release();
    }
  });

  test('gets no card and is not pushed', async () => {
    const folder = changed('adapted', 'run.json', { format: 99 });
    const message = newer(join(folder, 'run.json'));
    await expectRefused(folder, message, () => card({ model: folder, license: 'mit', overwrite: true }));
    await expectRefused(folder, message, () => push({ model: folder, repo: 'org/name', offline: true }));
  });

  test('may be a base: its model can be read, and what its record tells is missed aloud', async () => {
    const folder = changed('adapted', 'run.json', { format: 99 });
    const content = contentOfFolder(folder);
    const hooks = listening();
    await finetune(
      { ...common, method: 'finetune', model: folder, train: labeled, output: join(temporaryFolder(), 'run') },
      hooks,
    );
    expect(hooks.notes()).toContain(
      `${newer(join(folder, 'run.json'))}, or the new model's card does not tell what its base came from`,
    );
    expect(contentOfFolder(folder)).toEqual(content);
  });
});

describe('a checkpoint of a newer version', () => {
  const checkpoint = 'checkpoints/step-00000004';
  const written = 'it was written by a newer version of bertune (format 3; this one reads up to 2)';
  const unread = 'it holds arrays.bin, which this version of bertune does not know';
  const cases: [string, string, (path: string) => void, string][] = [
    ['stopped-finetune', checkpoint, (path) => changeState(path, { format: 3 }), written],
    ['stopped-series', checkpoint, (path) => changeState(path, { format: 3, fingerprint: 7, arrays: null }), written],
    ['stopped-series', 'checkpoints/step-00000003', (path) => changeState(path, { format: 3 }), written],
    ['stopped-series', 'checkpoints/step-00000005', replaceFiles, unread],
    // Of runs that are finished: the model beside it is of this version.
    ['adapted', checkpoint, (path) => changeState(path, { format: 3 }), written],
    ['image-classifier', checkpoint, replaceFiles, unread],
  ];

  test.each(cases)('in %s, %s, is neither gone on with nor replaced', async (name, step, change, reason) => {
    const folder = join(temporaryFolder(), name);
    cpSync(at(name), folder, { recursive: true });
    const path = join(folder, step);
    mkdirSync(path, { recursive: true });
    change(path);
    const message = `${path}: ${reason}; update bertune, or choose another output`;
    for (const more of [{}, { resume: true }, { overwrite: true }]) {
      await expectRefused(folder, message, () => jobs[name]?.(folder, more));
    }
    // Nor where nothing else tells that there is a run.
    rmSync(join(folder, 'run.json'));
    for (const more of [{}, { resume: true }, { overwrite: true }]) {
      await expectRefused(folder, message, () => jobs[name]?.(folder, more));
    }
  });

  test('is not removed when it came after the folder was claimed', async () => {
    for (const more of [{ resume: true }, { overwrite: true }]) {
      const folder = join(temporaryFolder(), 'run');
      const run = RunFolder.claim(folder, { command: 'adapt', inputs: [], ...more });
      const path = join(folder, checkpoint);
      mkdirSync(path, { recursive: true });
      changeState(path, { format: 3 });
      await expectRefused(folder, `${path}: ${written}; update bertune, or choose another output`, () => run.begin({}));
      run.release();
    }
  });

  function changeState(path: string, content: object): void {
    const file = join(path, 'state.json');
    const before = existsSync(file) ? readJson(file) : {};
    writeFileSync(file, JSON.stringify({ ...before, ...content }));
  }

  function replaceFiles(path: string): void {
    rmSync(path, { recursive: true });
    mkdirSync(path);
    writeFileSync(join(path, 'arrays.bin'), 'of another time');
  }
});

describe('a model of a newer version', () => {
  const output = () => join(temporaryFolder(), 'out');
  const textJobs: Readonly<Record<string, (model: string) => unknown>> = {
    adapt: (model) => adapt({ ...uncached, model, corpus, output: output() }),
    pretrain: (model) => pretrain({ ...uncached, modelConfig: model, tokenizer: at('base'), corpus, output: output() }),
    finetune: (model) => finetune({ ...common, model, train: labeled, output: output() }),
    evaluate: (model) => evaluate({ model, data: corpus }),
    embed: (model) => embed({ model, input: corpus, output: `${output()}.jsonl` }),
    load: (model) => loadModel(model),
    inspect: (model) => inspect({ model }),
    export: (model) => exportModel({ model, output: output() }),
    push: (model) => push({ model, repo: 'org/name', offline: true }),
  };

  test.each(Object.keys(textJobs))('of text is refused by %s', async (name) => {
    const folder = changed('adapted', 'config.json', { bertune_format: 99 });
    await expectRefused(folder, newerText(join(folder, 'config.json')), () => textJobs[name]?.(folder));
  });

  test('of the Hub is called by its name', async () => {
    const folder = changed('adapted', 'config.json', { bertune_format: 99 });
    const found = { name: 'org/name', folder, hub: { repo: 'org/name', commit: '0'.repeat(40) } };
    await expectRefused(folder, newerText('config.json of org/name'), () =>
      readFound(found, (path) => inspect({ model: path })),
    );
  });

  test.each(['autoencoder', 'simsiam', 'simclr', 'mae', 'image-classifier'])('of images, %s', async (name) => {
    const folder = changed(name, 'config.json', { format: 99, encoder: 'unknown' });
    const message = newer(join(folder, 'config.json'));
    const vectors = `${output()}.jsonl`;
    await expectRefused(folder, message, () =>
      embedImages({ model: folder, data: images, output: vectors, cache: false }),
    );
    await expectRefused(folder, message, () =>
      finetuneImages({ ...uncached, model: folder, train: images, output: output() }),
    );
    await expectRefused(folder, message, () =>
      probeImages({ model: folder, train: images, test: images, cache: false }),
    );
  });

  test('over numbers', async () => {
    for (const name of ['series', 'table']) {
      const folder = changed(name, 'config.json', { format: 99, columns: 3 });
      const message = newer(join(folder, 'config.json'));
      await expectRefused(folder, message, () => loadSeries(folder));
      const data = at('data/table.csv');
      await expectRefused(folder, message, () => embedTable({ model: folder, data, output: `${output()}.jsonl` }));
    }
  });

  test.each<[string, object, (file: string) => string]>([
    ['adapted', { bertune_format: 99 }, newerText],
    ['mae', { format: 99 }, newer],
    ['table', { format: 99 }, newer],
    [
      'mae',
      { model_type: 'bertune-jepa' },
      (file) =>
        `${file} is of a kind of model that this version of bertune does not know (bertune-jepa); update bertune`,
    ],
  ])('in %s is not replaced: %j', async (name, content, said) => {
    const folder = changed(name, 'config.json', content);
    const message = said(join(folder, 'config.json'));
    await expectRefused(folder, message, () => push({ model: folder, repo: 'org/name', offline: true }));
    const run = () => jobs[name]?.(folder, { overwrite: true }) ?? jobs.autoencoder?.(folder, { overwrite: true });
    await expectRefused(folder, `${message}, or choose another output`, run);
    rmSync(join(folder, 'run.json'));
    await expectRefused(folder, `${message}, or choose another output`, run);
  });

  test('is not replaced by an export', async () => {
    const folder = output();
    await exportModel({ model: at('finetuned'), output: folder, dtypes: ['fp32'] });
    const config = readJson(folder, 'config.json');
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, bertune_format: 99 }));
    await expectRefused(folder, newerText(join(folder, 'config.json')), () =>
      exportModel({ model: at('finetuned'), output: folder, overwrite: true }),
    );
  });
});

describe('what is damaged', () => {
  test.each<[string, string, string]>([
    ['cut off', '{"command": "sequence pre', 'it is no JSON object'],
    ['without its command', '{"status": "running"}', 'command is missing'],
    [
      'of another status',
      '{"command": "sequence pretrain", "status": "waiting"}',
      'status cannot be used (Invalid option: expected one of "running"|"finished")',
    ],
  ])('a record, %s, is told by file and key; overwrite replaces it', async (_, text, reason) => {
    const folder = join(temporaryFolder(), 'run');
    cpSync(at('stopped-series'), folder, { recursive: true });
    writeFileSync(join(folder, 'run.json'), text);
    const content = contentOfFolder(folder);
    const said = `${join(folder, 'run.json')} is damaged: ${reason}`;
    await expect(pretrainSequence({ ...series, output: folder, resume: true })).rejects.toThrow(
      new UsageError(
        `${folder} holds no run to resume (${said}); choose another output, or replace what is there with overwrite`,
      ),
    );
    await expect(pretrainSequence({ ...series, output: folder })).rejects.toThrow(`${folder} holds another run; `);
    await expect(card({ model: folder })).rejects.toThrow(new BertuneError(said));
    expect(contentOfFolder(folder)).toEqual(content);
    await pretrainSequence({ ...series, output: folder, overwrite: true });
    expect(readJson(folder, 'run.json')).toMatchObject({ format: 1, status: 'finished' });
  });

  test.each<[string, object, string]>([
    ['mae', { decoder: { layers: 1 } }, 'decoder.hiddenSize is missing'],
    ['mae', { encoder: undefined }, 'encoder is missing'],
    ['image-classifier', { labels: [1] }, 'labels.0 cannot be used (Invalid input: expected string, received number)'],
    [
      'autoencoder',
      { encoder: { type: 'vit' } },
      "encoder.type cannot be used (Invalid discriminator value. Expected 'dense' | 'conv')",
    ],
    ['simsiam', { image: { channels: 1, height: 8 } }, 'image.width is missing'],
    ['table', { latentSize: 0 }, 'latentSize cannot be used (Too small: expected number to be >=1)'],
    ['series', { window: undefined }, 'window is missing'],
    ['series', { format: 'new' }, 'format is "new", not a whole number from 1'],
  ])('the configuration of %s, %j, is told by file and key', async (name, content, reason) => {
    const folder = changed(name, 'config.json', content);
    const isSeries = name === 'series' || name === 'table';
    const load = () =>
      isSeries
        ? loadSeries(folder)
        : embedImages({ model: folder, data: images, output: join(folder, 'vectors.jsonl'), cache: false });
    const config = readFileSync(join(folder, 'config.json'));
    await expect(load()).rejects.toThrow(new BertuneError(`${join(folder, 'config.json')} is damaged: ${reason}`));
    expect(readFileSync(join(folder, 'config.json'))).toEqual(config);
  });
});
