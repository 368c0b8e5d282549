import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BertuneError, UsageError } from '../../src/core/errors.ts';
import { openSafetensors, type SafetensorsEntry, writeSafetensors } from '../../src/hub/safetensors.ts';
import { inspectText, type LoadTextOptions, loadText } from '../../src/hub/textFolder.ts';
import { familyTypes } from '../../src/models/text/families.ts';
import type { PartName } from '../../src/models/text/heads/head.ts';
import { initialValue } from '../../src/nn/parameters.ts';
import { editConfig, expectedFacts, expectFacts, fixture, fixtureCopy } from './fixtures.ts';

/** Loads a folder and collects what is noted. */
async function load(path: string, head: LoadTextOptions['head'], options: Partial<LoadTextOptions> = {}) {
  const notes: string[] = [];
  const loaded = await loadText(path, { head, onNote: (note) => notes.push(note), ...options });
  return { ...loaded, notes };
}

/** Rewrites the weights of a copied folder. */
async function changeWeights(folder: string, change: (entries: SafetensorsEntry[]) => SafetensorsEntry[]) {
  const path = join(folder, 'model.safetensors');
  const file = await openSafetensors(path);
  const entries: SafetensorsEntry[] = [];
  for (const { name, shape, dtype } of file.tensors.values()) {
    if (dtype !== 'I64') entries.push({ name, shape, data: await file.read(name) });
  }
  await file.close();
  await writeSafetensors(path, change(entries));
}

describe('loadText', () => {
  const nextSentence = `${fixture('pretraining')} has a next-sentence head: left out`;
  it.each<[string, LoadTextOptions['head'], PartName[], string, string[]]>([
    ['masked-lm', 'maskedLm', ['encoder', 'mlmHead'], 'float32', []],
    ['float16', 'maskedLm', ['encoder', 'mlmHead'], 'float16', []],
    ['bfloat16', 'maskedLm', ['encoder', 'mlmHead'], 'bfloat16', []],
    ['sharded', 'maskedLm', ['encoder', 'mlmHead'], 'float32', []],
    ['untied', 'maskedLm', ['encoder', 'mlmHead'], 'float32', []],
    ['old-names', 'maskedLm', ['encoder', 'mlmHead'], 'float32', []],
    ['pretraining', 'maskedLm', ['encoder', 'mlmHead', 'pooler'], 'float32', [nextSentence]],
    ['bare', 'present', ['encoder', 'pooler'], 'float32', []],
    ['no-pooler', 'pooled', ['encoder'], 'float32', []],
    ['float64', 'pooled', ['encoder'], 'float64', []],
    ['classifier', 'oneLabel', ['encoder', 'pooler', 'classifier'], 'float32', []],
  ])('reads %s as transformers does', async (name, head, present, storedAs, notes) => {
    const loaded = await load(fixture(name), head);
    expectFacts(loaded.values, expectedFacts(name));
    expect(loaded).toMatchObject({ present, storedAs, notes });
  });

  it('starts missing parts at random, from the seed, and says so in one line', async () => {
    const path = fixture('no-pooler');
    const words = await load(path, 'maskedLm', { seed: 3 });
    expect(words.notes).toEqual([`${path} has no MLM head: started at random`]);
    const classes = await load(path, 'oneLabel', { seed: 3, labels: ['a', 'b', 'c'] });
    expect(classes.notes).toEqual([`${path} has no pooler and no classifier for these labels: started at random`]);
    expect(classes.model.config.labels).toEqual(['a', 'b', 'c']);
    for (const [{ model, values }, parts] of [
      [words, ['mlmHead']],
      [classes, ['pooler', 'classifier']],
    ] as const) {
      for (const spec of model.parameters(parts)) {
        expect(values.get(spec.name), spec.name).toEqual(initialValue(spec, 0.5, 3));
      }
    }
    expect(classes.values.get('classifier.weight')).toHaveLength(48);
  });

  it('names a weight that a head lacks', async () => {
    const path = fixtureCopy('masked-lm');
    await changeWeights(path, (entries) => entries.filter(({ name }) => name !== 'cls.predictions.bias'));
    const loaded = await load(path, 'maskedLm');
    expect(loaded.notes).toEqual([`${path} has no cls.predictions.bias: started at random`]);
    expect(loaded.present).toEqual(['encoder']);
    expect(loaded.values.get('mlmHead.decoder.bias')).toEqual(new Float32Array(40));
  });

  it('uses a stored classifier only for its own labels', async () => {
    const path = fixture('classifier');
    const labels = Array.from({ length: 11 }, (_, index) => `intent ${index}`);
    expect((await load(path, 'oneLabel', { labels })).notes).toEqual([]);
    const others = await load(path, 'oneLabel', { labels: ['no', 'yes'] });
    expect(others.notes).toEqual([`${path} has no classifier for these labels: started at random`]);
    expect(others.values.get('classifier.weight')).toHaveLength(32);
  });

  it('takes no head of another kind for a classifier', async () => {
    const tokens = fixtureCopy('classifier');
    editConfig(tokens, { architectures: ['BertForTokenClassification'] });
    const loaded = await load(tokens, 'oneLabel');
    expect(loaded.present).toEqual(['encoder', 'pooler', 'tokenClassifier']);
    expect(loaded.notes).toEqual([`${tokens} has no classifier: started at random`]);
    const several = fixtureCopy('classifier');
    editConfig(several, { problem_type: 'multi_label_classification' });
    await expect(load(several, 'oneLabel')).rejects.toThrow(
      new BertuneError(`${several}: its classifier is for multi_label_classification, not for one label`),
    );
  });

  it('keeps a decoder apart that is no copy of the word embeddings', async () => {
    const path = fixtureCopy('untied');
    editConfig(path, { tie_word_embeddings: true });
    const loaded = await load(path, 'maskedLm');
    expect(loaded.model.config).toMatchObject({ tiedDecoder: false });
    expect(loaded.notes).toEqual([
      `${path} has an MLM decoder of its own, though its config.json calls it tied: kept apart`,
    ]);
    expectFacts(loaded.values, expectedFacts('untied'));
  });

  it('says which weights it leaves out', async () => {
    const path = fixtureCopy('masked-lm');
    const extra = ['a', 'b', 'c', 'd'].map((name) => ({ name, shape: [1], data: new Float32Array(1) }));
    await changeWeights(path, (entries) => [...entries, ...extra]);
    expect((await load(path, 'pooled')).notes).toEqual([`${path} holds 4 other weights: left out (a, b, c, …)`]);
  });

  it('says that code of the folder is not run', async () => {
    const path = fixtureCopy('masked-lm');
    editConfig(path, { auto_map: { AutoModel: 'modeling_own.OwnModel' } });
    const note = `${path} comes with Python code of its own (auto_map), which is not run: read as a plain BERT`;
    expect((await load(path, 'maskedLm')).notes).toEqual([note]);
    expect((await inspectText(path)).notes).toEqual([note]);
  });

  it('refuses an encoder that is not whole', async () => {
    const path = fixtureCopy('masked-lm');
    editConfig(path, { num_hidden_layers: 3 });
    await expect(load(path, 'pooled')).rejects.toThrow(
      new BertuneError(
        `${path} lacks 16 weights of the BERT that its config.json describes: bert.encoder.layer.2.attention.self.query.weight, bert.encoder.layer.2.attention.self.query.bias, bert.encoder.layer.2.attention.self.key.weight, …`,
      ),
    );
  });

  it('refuses weights of another shape', async () => {
    const path = fixtureCopy('masked-lm');
    editConfig(path, { vocab_size: 41 });
    await expect(load(path, 'pooled')).rejects.toThrow(
      new BertuneError(
        `${join(path, 'model.safetensors')}: bert.embeddings.word_embeddings.weight must be [41, 16] by config.json, got [40, 16]`,
      ),
    );
  });

  it('refuses a file that is cut short', async () => {
    const path = fixtureCopy('masked-lm');
    truncateSync(join(path, 'model.safetensors'), 20_000);
    await expect(load(path, 'pooled')).rejects.toThrow(
      `${join(path, 'model.safetensors')} is damaged (cut short: 20000 of 27968 bytes): download or copy it again`,
    );
  });

  it('names a missing shard', async () => {
    const path = fixtureCopy('sharded');
    const index = JSON.parse(readFileSync(join(path, 'model.safetensors.index.json'), 'utf8'));
    const shards = [...new Set(Object.values<string>(index.weight_map))].sort();
    const last = shards.at(-1) ?? '';
    rmSync(join(path, last));
    await expect(load(path, 'pooled')).rejects.toThrow(
      new BertuneError(`${path} lacks ${last}, one of its ${shards.length} weight files: download or copy it too`),
    );
    writeFileSync(join(path, 'model.safetensors.index.json'), '{"weight_map": {"a": "../other.safetensors"}}');
    await expect(load(path, 'pooled')).rejects.toThrow('it names a file outside the folder: ../other.safetensors');
    writeFileSync(join(path, 'model.safetensors.index.json'), '{}');
    await expect(load(path, 'pooled')).rejects.toThrow('is damaged (it is no index of weight files)');
  });

  it('tells how to convert weights that only PyTorch reads', async () => {
    const path = fixtureCopy('masked-lm');
    renameSync(join(path, 'model.safetensors'), join(path, 'pytorch_model.bin'));
    await expect(load(path, 'pooled')).rejects.toThrow(
      `${path} has its weights only in pytorch_model.bin, which is not read; convert it once: python -c "import torch`,
    );
    renameSync(join(path, 'pytorch_model.bin'), join(path, 'pytorch_model.bin.index.json'));
    await expect(load(path, 'pooled')).rejects.toThrow('has its weights only in pytorch_model.bin.index.json');
    renameSync(join(path, 'pytorch_model.bin.index.json'), join(path, 'tf_model.h5'));
    await expect(load(path, 'pooled')).rejects.toThrow(
      `${path} has its weights only in tf_model.h5, which is not read: save them as safetensors with Python's transformers`,
    );
    rmSync(join(path, 'tf_model.h5'));
    await expect(load(path, 'pooled')).rejects.toThrow(
      new UsageError(`no model.safetensors in ${path}: give a folder that transformers or bertune saved`),
    );
  });

  it('names the type of a model of no family', async () => {
    const path = fixtureCopy('masked-lm');
    editConfig(path, { model_type: 'deberta-v2' });
    const knownTypes = familyTypes.map((type) => `"${type}"`).join(', ');
    await expect(load(path, 'pooled')).rejects.toThrow(
      new BertuneError(`${join(path, 'config.json')}: model_type is "deberta-v2", and only ${knownTypes} can be used`),
    );
  });
});

describe('inspectText', () => {
  it('counts and names from the headers', async () => {
    // As counted by PyTorch: sum(p.numel() for p in model.parameters()).
    expect(await inspectText(fixture('masked-lm'))).toMatchObject({
      present: ['encoder', 'mlmHead'],
      parameters: 5880,
      storedAs: 'float32',
      labels: null,
      notes: [],
    });
    expect(await inspectText(fixture('classifier'))).toMatchObject({
      present: ['encoder', 'pooler', 'classifier'],
      parameters: 5995,
      labels: Array.from({ length: 11 }, (_, index) => `intent ${index}`),
    });
    expect((await inspectText(fixture('pretraining'))).notes).toEqual([
      `${fixture('pretraining')} has a next-sentence head: left out`,
    ]);
  });
});
