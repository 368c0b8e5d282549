import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { inspectText, loadText, saveText } from '../../src/hub/textFolder.ts';
import type { HubConfig } from '../../src/models/text/config.ts';
import { readTextModel } from '../../src/models/text/families.ts';
import { temporaryFolder } from '../temporary.ts';
import { familyCases, readTensors } from './fixtures.ts';

const small = { model_type: 'modernbert', num_hidden_layers: 4, vocab_size: 60_000 };
const read = (more: HubConfig) => readTextModel({ ...small, ...more }, 'config.json');
const tokenizerFiles = new Map<string, string>();

function folderOf(name: string): string {
  const found = familyCases.find(({ title }) => title === `modernbert, ${name}`);
  if (!found) throw new Error(`no case ${name}`);
  return found.folder;
}

describe('the kinds of the layers and the bases of their positions', () => {
  const [full, sliding] = ['full_attention', 'sliding_attention'];

  it('are read in both spellings, and written in the one that all releases read', () => {
    const rope = { full_attention: { rope_theta: 5000 }, sliding_attention: { rope_theta: 70, rope_type: 'default' } };
    const later = read({ layer_types: [full, sliding, full, sliding], rope_parameters: rope });
    const earlier = read({ global_attn_every_n_layers: 2, global_rope_theta: 5000, local_rope_theta: 70 });
    expect(later.config).toEqual(earlier.config);
    const written = { global_attn_every_n_layers: 2, global_rope_theta: 5000, local_rope_theta: 70 };
    expect(later.hubConfig()).toMatchObject(written);
    expect(later.hubConfig()).not.toHaveProperty('layer_types');
  });

  it('are one by one where no number says them', () => {
    const types = [sliding, full, full, sliding];
    const { config, hubConfig } = read({ layer_types: types });
    expect(config).toMatchObject({ layerTypes: types });
    expect(hubConfig()).toMatchObject({ layer_types: types });
    expect(hubConfig()).not.toHaveProperty('global_attn_every_n_layers');
  });

  it.each([
    [[full, full, full, full], 1],
    [[full, sliding, sliding, full], 3],
    [[full, sliding, sliding, sliding], 4],
  ])('%j are every so many: %i', (types, every) => {
    const { config } = read({ layer_types: types });
    expect(config).toMatchObject({ globalEvery: every });
    expect(config).not.toHaveProperty('layerTypes');
  });

  it('have the defaults of transformers, and no base of their own where it is null', () => {
    expect(read({}).config).toMatchObject({ globalEvery: 3, globalTheta: 160_000, localTheta: 10_000 });
    expect(read({ local_rope_theta: null, global_rope_theta: 9 }).config).toMatchObject({ localTheta: 9 });
    expect(read({ rope_parameters: { full_attention: { rope_theta: 8 } } }).config).toMatchObject({
      ...{ globalTheta: 8, localTheta: 10_000 },
    });
  });
});

test.each([
  [{ hidden_size: 18, num_attention_heads: 2 }, /makes no heads of an even size, which rotary positions need$/],
  [{ hidden_size: 16, num_attention_heads: 3 }, /hidden_size 16 is not divisible by num_attention_heads 3$/],
  [{ rope_scaling: { rope_type: 'yarn' } }, /rope_type is "yarn", and only "default" can be used$/],
  [{ rope_parameters: { full_attention: { rope_type: 'linear' } } }, /rope_type is "linear", and only "default"/],
  [{ layer_types: ['full_attention'] }, /layer_types are 1, and num_hidden_layers is 4$/],
  [{ layer_types: ['chunked_attention'] }, /layer_types\.0 is "chunked_attention": /],
  [{ causal_mask: true }, /causal_mask is true, and only encoders can be used$/],
  [{ is_decoder: true }, /is_decoder is true, and only encoders can be used$/],
  [{ hidden_activation: 'silu' }, /hidden_activation is "silu", and only gelu/],
  [{ classifier_pooling: 'max' }, /classifier_pooling is "max": /],
  [{ vocab_size: 100 }, /pad_token_id 50283 is outside the vocabulary of 100$/],
])('%j is refused', (more, message) => {
  expect(() => read(more)).toThrow(message);
});

describe('what both heads begin with', () => {
  it('is taken from a masked language model by a classifier that is to be trained', async () => {
    const mlm = temporaryFolder();
    const loaded = await loadText(folderOf('gelu-5x12-3-heads'), { head: 'maskedLm' });
    await saveText(mlm, { ...loaded, head: 'maskedLm', tokenizerFiles });
    expect((await inspectText(mlm)).present).toEqual(['encoder', 'pooler', 'mlmHead']);
    const notes: string[] = [];
    const classifier = await loadText(mlm, {
      ...{ head: 'oneLabel', labels: ['a', 'b'] },
      onNote: (note) => notes.push(note),
    });
    expect(notes).toEqual([`${mlm} has no classifier for these labels: started at random`]);
    expect(classifier.atRandom).toEqual(['classifier']);
    expect(classifier.values.get('head.dense.weight')).toEqual(loaded.values.get('head.dense.weight'));
  });

  it('lies in a file of its own beside a bare encoder, which has none in transformers', async () => {
    const folder = temporaryFolder();
    const loaded = await loadText(folderOf('gelu-5x12-3-heads'), { head: 'pooled', beside: ['pooler'] });
    await saveText(folder, { ...loaded, head: 'pooled', pooler: loaded.beside, tokenizerFiles });
    const names = [...(await readTensors(join(folder, 'model.safetensors'))).keys()];
    expect(names.filter((name) => !/^(embeddings|layers\.\d|final_norm)\./.test(name))).toEqual([]);
    const again = await loadText(folder, { head: 'pooled', beside: ['pooler'] });
    expect(again.present).toEqual(['encoder', 'pooler']);
    expect(again.beside).toEqual(loaded.beside);
  });
});

it('has no MLM head beside a bare encoder, though one without a bias and a table of its own has no weights', async () => {
  const folder = temporaryFolder();
  const loaded = await loadText(folderOf('biased-mean-4x16-2-heads'), { head: 'pooled' });
  expect(loaded.present).toEqual(['encoder', 'pooler', 'mlmHead', 'classifier']);
  await saveText(folder, { ...loaded, head: 'pooled', tokenizerFiles });
  expect((await inspectText(folder)).present).toEqual(['encoder']);
});

it('writes numbers that are to have a point with one', async () => {
  const folder = temporaryFolder();
  const loaded = await loadText(folderOf('gelu-5x12-3-heads'), { head: 'maskedLm' });
  const raw = { ...loaded.raw, initializer_cutoff_factor: 2, norm_eps: 1e-5 };
  await saveText(folder, { ...loaded, raw, head: 'maskedLm', tokenizerFiles });
  const text = readFileSync(join(folder, 'config.json'), 'utf8');
  expect(text).toContain('\n  "initializer_cutoff_factor": 2.0,\n');
  expect(text).toContain('\n  "norm_eps": 0.00001,\n');
  expect(text).toContain('\n  "hidden_size": 12,\n');
  expect(JSON.parse(text)).toMatchObject({ initializer_cutoff_factor: 2, norm_eps: 1e-5 });
});
