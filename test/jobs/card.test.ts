import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { UsageError } from '../../src/core/errors.ts';
import { macroF1Interval, wilsonInterval } from '../../src/evaluation/intervals.ts';
import { adapt, pretrain } from '../../src/jobs/adapt.ts';
import { card } from '../../src/jobs/card.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import type { AdaptResult, FinetuneResult } from '../../src/jobs/types.ts';
import { addRepository, type HubServer, startHub } from '../hub/hubServer.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening, readJson } from './runs.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const common = { threads: 1, maxSteps: 4, learningRate: 1e-3 };
const environment = { ...process.env };
let hub: HubServer;
let adapted: AdaptResult;
let tuned: FinetuneResult;

beforeAll(async () => {
  await saveTinyModel(at('tiny'));
  writeFileSync(at('corpus.txt'), messages(200).join('\n'));
  writeFileSync(at('my|labels.csv'), labeledCsv(labeledMessages(80)));
  hub = await startHub();
  const names = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json', 'vocab.txt'];
  const files = Object.fromEntries(names.map((name) => [name, readFileSync(at('tiny', name))]));
  const readme = '---\nlicense: apache-2.0\nlanguage: en\ntags: [x]\n---\n# Tiny\n';
  addRepository(hub, 'team/tiny', { ...files, 'README.md': readme }, ['model.safetensors']);
  Object.assign(process.env, { HF_ENDPOINT: hub.url, HF_HUB_CACHE: at('cache') });
  adapted = await adapt({
    ...{ ...common, model: 'team/tiny', corpus: { files: [at('corpus.txt')] }, output: at('adapted') },
    ...{ evalFraction: 0.2, batchTokens: 256, maxLength: 32 },
  });
  tuned = await finetune({
    ...{ ...common, method: 'finetune', model: at('adapted'), output: at('intent') },
    train: { files: [at('my|labels.csv')] },
    ...{ evalFraction: 0.3, batchSize: 8 },
  });
});
afterAll(async () => {
  process.env = environment;
  await hub.close();
});

const read = (name: string) => readFileSync(at(name, 'README.md'), 'utf8');

function frontMatter(name: string) {
  const [, front = ''] = /^---\n([\s\S]*?)\n---\n/.exec(read(name)) ?? [];
  return parse(front);
}

describe('the card of a run', () => {
  test('a classifier: what the Hub reads', () => {
    expect(frontMatter('intent')).toEqual({
      // Its base has no pooler, so it reads the mean of all tokens, which transformers has no class for.
      library_name: 'sentence-transformers',
      pipeline_tag: 'text-classification',
      // From the card of the model on the Hub, through the adapted one.
      license: 'apache-2.0',
      language: ['en'],
      base_model: 'team/tiny',
      base_model_relation: 'finetune',
      tags: ['bert', 'bertune'],
      metrics: ['accuracy', 'f1', 'loss'],
      'model-index': [
        {
          name: 'intent',
          results: [
            {
              task: { type: 'text-classification', name: 'Text Classification' },
              dataset: { type: 'csv', name: 'my|labels.csv, held-out part' },
              metrics: [
                { type: 'accuracy', name: 'Accuracy', value: Number(tuned.accuracy.toPrecision(6)) },
                { type: 'f1', name: 'Macro F1', value: Number(tuned.macroF1.toPrecision(6)) },
                { type: 'loss', name: 'Cross-entropy', value: Number(tuned.loss.toPrecision(6)) },
              ],
            },
          ],
        },
      ],
    });
  });

  test('a classifier: results with intervals, data, settings, limits', () => {
    const text = read('intent');
    const right = tuned.confusion.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
    const short = (value: number) => String(Number(value.toFixed(4)));
    const accuracy = wilsonInterval(right, tuned.count);
    const macroF1 = macroF1Interval(tuned.confusion);
    expect(text).toContain(
      `| Accuracy | ${short(tuned.accuracy)} | ${short(accuracy.low)} to ${short(accuracy.high)} |`,
    );
    expect(text).toContain(`| Macro F1 | ${short(tuned.macroF1)} | ${short(macroF1.low)} to ${short(macroF1.high)} |`);
    expect(text).toMatch(/\| Cross-entropy \| [\d.]+ \| [\d.]+ to [\d.]+ \|/);
    expect(text).toContain(
      `Measured on ${tuned.count} texts that training has not seen (my\\|labels.csv, held-out part)`,
    );
    const { data } = readJson(at('intent'), 'run.json') as { data: { train: number } };
    expect(text).toContain(
      `${data.train} labeled texts (my\\|labels.csv), and 2 descriptions of labels, with the labels asks, wants.`,
    );
    expect(text).toContain('| learning-rate | 0.001 |');
    expect(text).toContain('## Limits');
    // Neither the folder of the data nor that of the model says where it lies.
    expect(text).not.toContain(folder);
  });

  test('a language model: the loss before and after, with the error over texts', () => {
    const text = read('adapted');
    expect(frontMatter('adapted')).toMatchObject({
      library_name: 'transformers',
      pipeline_tag: 'fill-mask',
      base_model: 'team/tiny',
      tags: ['bert', 'bertune', 'domain-adaptation'],
      'model-index': [{ results: [{ dataset: { type: 'text', name: 'corpus.txt, held-out part' } }] }],
    });
    const [, value, low, high] =
      /\| Masked-token cross-entropy \| ([\d.]+) \| ([\d.]+) to ([\d.]+) \|/.exec(text) ?? [];
    expect(Number(value)).toBeCloseTo(adapted.evalLossAfter ?? 0, 3);
    expect((Number(low) + Number(high)) / 2).toBeCloseTo(Number(value), 3);
    expect(Number(high) - Number(low)).toBeGreaterThan(0.05);
    expect(text).toContain('Before training, the same tokens under the same masks');
    expect(text).toMatch(/200 texts of [\d,]+ tokens \(corpus\.txt\), without labels/);
  });

  test('a model from a random start has no base', async () => {
    const shape = {
      hidden_size: 32,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      intermediate_size: 64,
      vocab_size: 200,
    };
    writeFileSync(at('shape.json'), JSON.stringify({ ...shape, max_position_embeddings: 64 }));
    await pretrain({
      ...{ ...common, modelConfig: at('shape.json'), tokenizer: 'team/tiny', corpus: { files: [at('corpus.txt')] } },
      ...{ output: at('new'), evalFraction: 0, batchTokens: 256, maxLength: 32 },
    });
    const front = frontMatter('new');
    expect(front).not.toHaveProperty('base_model');
    expect(front).not.toHaveProperty('model-index');
    expect(read('new')).toContain('Not measured: no text was held out.');
  });
});

describe('the card again', () => {
  test('is a function of run.json', async () => {
    for (const name of ['adapted', 'intent']) {
      const before = read(name);
      rmSync(at(name, 'README.md'));
      expect(await card({ model: at(name) })).toEqual({ path: at(name, 'README.md') });
      expect(read(name)).toBe(before);
    }
  });

  test('what is said once stays', async () => {
    const said = { license: 'mit', languages: ['en', 'zh'], datasets: ['team/messages'] };
    await card({ model: at('intent'), ...said });
    expect(frontMatter('intent')).toMatchObject({
      license: 'mit',
      language: ['en', 'zh'],
      datasets: ['team/messages'],
    });
    await card({ model: at('intent'), license: 'apache-2.0' });
    expect(frontMatter('intent')).toMatchObject({ license: 'apache-2.0', language: ['en', 'zh'] });
    await expect(card({ model: at('intent'), languages: ['English'] })).rejects.toThrow(
      new UsageError('languages[0] must be a language code such as en or zh, got "English"'),
    );
  });

  test('one that was edited is left alone, by the command and by a run that replaces the model', async () => {
    appendFileSync(at('adapted', 'README.md'), '\nOur own words.\n');
    const edited = read('adapted');
    await expect(card({ model: at('adapted') })).rejects.toThrow(
      new UsageError(`${at('adapted', 'README.md')} was edited and is left alone; replace it with overwrite`),
    );
    const hooks = listening();
    await adapt(
      {
        ...{ ...common, model: at('tiny'), corpus: { files: [at('corpus.txt')] }, output: at('adapted') },
        ...{ overwrite: true, evalFraction: 0, batchTokens: 256, maxLength: 32 },
      },
      hooks,
    );
    expect(read('adapted')).toBe(edited);
    expect(hooks.notes()).toContain('README.md was edited and is left alone; bertune card overwrite replaces it');
    await card({ model: at('adapted'), overwrite: true });
    expect(read('adapted')).not.toContain('Our own words.');
    expect(frontMatter('adapted')).not.toHaveProperty('base_model');
  });

  test('with other line ends it still counts as ours', async () => {
    writeFileSync(at('intent', 'README.md'), read('intent').replaceAll('\n', '\r\n'));
    await card({ model: at('intent') });
    expect(read('intent')).not.toContain('\r');
  });

  test('a folder without a finished run', async () => {
    await expect(card({ model: at('tiny') })).rejects.toThrow(
      new UsageError(`${at('tiny')} holds no finished run (run.json) to write a card from; give the output of one`),
    );
    expect(existsSync(at('tiny', 'README.md'))).toBe(false);
  });

  test('a run that made no model of text', async () => {
    mkdirSync(at('images'));
    writeFileSync(at('images', 'run.json'), JSON.stringify({ command: 'image pretrain', status: 'finished' }));
    await expect(card({ model: at('images') })).rejects.toThrow(
      new UsageError(`${at('images')} holds a run of image pretrain; cards are written for models of text`),
    );
    expect(existsSync(at('images', 'README.md'))).toBe(false);
  });
});
