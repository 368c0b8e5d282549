import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BertuneError, UsageError } from '../../src/core/errors.ts';
import { readTextConfig, writtenConfig } from '../../src/hub/textConfig.ts';
import { familyTypes, readTextModel } from '../../src/models/text/families.ts';
import { labelNote } from '../../src/models/text/hubLabels.ts';
import { temporaryFolder } from '../temporary.ts';
import { fixture } from './fixtures.ts';

const knownTypes = familyTypes.map((type) => `"${type}"`).join(', ');

describe('readTextConfig', () => {
  it('reads what transformers wrote', async () => {
    const { model, raw } = await readTextConfig(fixture('classifier'));
    expect(model.config).toEqual({
      vocabularySize: 40,
      hiddenSize: 16,
      layers: 2,
      attentionHeads: 2,
      intermediateSize: 32,
      activation: 'gelu_new',
      maxPositions: 24,
      tokenTypes: 2,
      layerNormEpsilon: 1e-7,
      hiddenDropout: 0.2,
      attentionDropout: 0.05,
      classifierDropout: undefined,
      initializerRange: 0.5,
      tiedDecoder: true,
      padTokenId: 0,
      // Eleven labels, so that sorting the keys as text would show.
      labels: Array.from({ length: 11 }, (_, index) => `intent ${index}`),
    });
    expect(raw.architectures).toEqual(['BertForSequenceClassification']);
    const byFile = await readTextConfig(join(fixture('classifier'), 'config.json'));
    expect(byFile.model.config).toEqual(model.config);
  });

  it('says what is missing or unreadable', async () => {
    const folder = temporaryFolder();
    await expect(readTextConfig(folder)).rejects.toThrow(
      new UsageError(`no config.json in ${folder}: give a folder that transformers or bertune saved`),
    );
    const taken = temporaryFolder();
    mkdirSync(join(taken, 'config.json'));
    await expect(readTextConfig(taken)).rejects.toThrow(
      new UsageError(`${join(taken, 'config.json')} cannot be read: it is a folder, not a file`),
    );
    const below = join(fixture('classifier'), 'config.json', 'below');
    await expect(readTextConfig(below)).rejects.toThrow(
      new UsageError(`${below} does not exist: a file stands where a folder is named`),
    );
    const gone = join(folder, 'gone');
    await expect(readTextConfig(gone)).rejects.toThrow(
      new UsageError(`${gone} does not exist: give a folder with config.json, model.safetensors and a tokenizer`),
    );
    const adapter = temporaryFolder();
    writeFileSync(join(adapter, 'adapter_config.json'), '{"peft_type": "LORA"}');
    await expect(readTextConfig(adapter)).rejects.toThrow(
      new BertuneError(
        `${adapter} holds an adapter (adapter_config.json), whose weights come on top of another model's: merge them with merge_and_unload of Python's peft and give the folder that this saves`,
      ),
    );
    const path = join(folder, 'config.json');
    writeFileSync(path, '{"model_type": "bert",');
    await expect(readTextConfig(folder)).rejects.toThrow(`${path} is no JSON configuration: `);
    writeFileSync(path, '[]');
    await expect(readTextConfig(folder)).rejects.toThrow(
      new BertuneError(`${path} is no JSON configuration: it is not an object`),
    );
  });
});

describe('readTextModel', () => {
  const parse = (raw: Record<string, unknown>) =>
    readTextModel({ model_type: 'bert', ...raw }, 'DIR/config.json').config;

  it('has the defaults of transformers', () => {
    expect(parse({})).toEqual({
      vocabularySize: 30522,
      hiddenSize: 768,
      layers: 12,
      attentionHeads: 12,
      intermediateSize: 3072,
      activation: 'gelu',
      maxPositions: 512,
      tokenTypes: 2,
      layerNormEpsilon: 1e-12,
      hiddenDropout: 0.1,
      attentionDropout: 0.1,
      classifierDropout: undefined,
      initializerRange: 0.02,
      tiedDecoder: true,
      padTokenId: 0,
      labels: undefined,
    });
  });

  it('takes a configuration of the first BERT releases, which names no model type', () => {
    expect(readTextModel({ hidden_size: 24 }, 'config.json').config.hiddenSize).toBe(24);
    expect(() => readTextModel({ architectures: ['DebertaV2ForMaskedLM'] }, 'config.json')).toThrow(
      `config.json: model_type is "DebertaV2ForMaskedLM", and only ${knownTypes} can be used`,
    );
  });

  it.each([
    ['gelu_python', 'gelu'],
    ['gelu_pytorch_tanh', 'gelu_new'],
    ['relu', 'relu'],
  ])('reads hidden_act %s as %s', (name, activation) => {
    expect(parse({ hidden_act: name }).activation).toBe(activation);
  });

  it('names default labels', () => {
    expect(parse({ num_labels: 3 }).labels).toEqual(['LABEL_0', 'LABEL_1', 'LABEL_2']);
    expect(parse({ architectures: ['BertForSequenceClassification'] }).labels).toEqual(['LABEL_0', 'LABEL_1']);
    expect(parse({ architectures: ['BertForMaskedLM'] }).labels).toBeUndefined();
  });

  it('reads labels and padding as transformers does', () => {
    const id2label = { 0: 'a', 1: 'b' };
    for (const label2id of [
      { a: '0', b: '1' },
      { 0: 'a', 1: 'b' },
      { a: 'a', b: '' },
    ]) {
      expect(parse({ id2label, label2id }).labels).toEqual(['a', 'b']);
      expect(labelNote({ id2label, label2id })).toBe(undefined);
    }
    for (const label2id of [{ LABEL_0: 0, LABEL_1: 1 }, { a: 1, b: 0 }, { a: '1', b: '0' }, { a: 0 }]) {
      expect(parse({ id2label, label2id }).labels).toEqual(['a', 'b']);
      expect(labelNote({ id2label, label2id })).toMatch(
        /^id2label and label2id of config.json disagree about "[ab]": id2label counts$/,
      );
    }
    expect(parse({ pad_token_id: -1, vocab_size: 9 }).padTokenId).toBe(-1);
    const unnamed = { id2label: { 0: 'LABEL_0' } };
    expect(parse({ ...unnamed, architectures: ['BertModel'] }).labels).toBeUndefined();
    expect(parse({ ...unnamed, architectures: ['BertForSequenceClassification'] }).labels).toEqual(['LABEL_0']);
    expect(parse({ id2label, architectures: ['BertModel'] }).labels).toEqual(['a', 'b']);
  });

  it.each([
    [{ model_type: 'deberta-v2' }, `model_type is "deberta-v2", and only ${knownTypes} can be used`],
    [
      { hidden_act: 'silu' },
      'hidden_act is "silu", and only gelu, gelu_python, gelu_new, gelu_pytorch_tanh, gelu_python_tanh, gelu_fast, gelu_accurate, relu can be used',
    ],
    [{ hidden_act: 'constructor' }, 'hidden_act is "constructor", and only'],
    [{ hidden_size: 30, num_attention_heads: 4 }, 'hidden_size 30 is not divisible by num_attention_heads 4'],
    [{ hidden_size: '30' }, 'hidden_size: Invalid input: expected number, received string'],
    [{ num_hidden_layers: 0 }, 'num_hidden_layers: Too small'],
    [{ hidden_dropout_prob: 1 }, 'hidden_dropout_prob: Too big'],
    [
      { position_embedding_type: 'relative_key' },
      'position_embedding_type is "relative_key", and only "absolute" can be used',
    ],
    [{ is_decoder: true }, 'is_decoder is true, and only encoders can be used'],
    [{ add_cross_attention: true }, 'add_cross_attention is true, and only encoders can be used'],
    [{ pruned_heads: { 0: [1] } }, 'models with pruned_heads cannot be used'],
    [{ quantization_config: {} }, 'quantized models cannot be used'],
    [{ pad_token_id: 9, vocab_size: 9 }, 'pad_token_id 9 is outside the vocabulary of 9'],
    [{ pad_token_id: -10, vocab_size: 9 }, 'pad_token_id -10 is outside the vocabulary of 9'],
    [{ id2label: { 0: 'a', 2: 'b' } }, 'id2label has no label 1, though it has 2 labels'],
    [{ id2label: { 0: 'a', 1: 'a' } }, 'id2label names "a" twice'],
    [{ id2label: { 0: 'a', 1: 'b' }, num_labels: 3 }, 'num_labels is 3, but id2label has 2 labels'],
  ])('refuses %o', (raw, reason) => {
    expect(() => parse(raw)).toThrow(BertuneError);
    expect(() => parse(raw)).toThrow(`DIR/config.json: ${reason}`);
  });
});

describe('writtenConfig', () => {
  it('gives back what it was made from, and keeps keys that it does not know', async () => {
    const { model, raw } = await readTextConfig(fixture('classifier'));
    const options = { head: 'oneLabel', dtype: 'float32' } as const;
    const hub = writtenConfig(model, { ...options, raw: { ...raw, my_note: 'kept', _name_or_path: '/home/me' } });
    const { transformers_version: _, ...kept } = raw;
    expect(hub).toEqual({
      ...kept,
      my_note: 'kept',
      torch_dtype: 'float32',
      problem_type: 'single_label_classification',
    });
    expect(Object.keys(hub)).toEqual(Object.keys(hub).sort());
  });

  it('speaks of no labels in a masked language model', async () => {
    const { model, raw } = await readTextConfig(fixture('classifier'));
    const hub = writtenConfig(model, { head: 'maskedLm', dtype: 'float16', raw });
    expect(hub).toMatchObject({ architectures: ['BertForMaskedLM'], dtype: 'float16', model_type: 'bert' });
    expect(Object.keys(hub).filter((key) => /label|problem/.test(key))).toEqual([]);
  });
});
