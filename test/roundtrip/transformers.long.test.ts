import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { messageOf } from '../../src/core/errors.ts';
import { fillNormal } from '../../src/core/random.ts';
import { loadText, saveText } from '../../src/hub/textFolder.ts';
import { adapt, pretrain } from '../../src/jobs/adapt.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { readTextModel } from '../../src/models/text/families.ts';
import type { TextModel } from '../../src/models/text/model.ts';
import { initialValue, type ParameterValues } from '../../src/nn/parameters.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { labeledCsv, labeledMessages, messages } from '../jobs/tiny.ts';
import { needing, python } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';
import { expectSameModel, headOf, hubConfig, report, texts, tokenizerFixture } from './models.ts';
import { type Architecture, Reference } from './reference.ts';

const nothing = { missing_keys: [], unexpected_keys: [], mismatched_keys: [], error_msgs: [] };
const twelve = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [index, `label ${index}`]));
const mlm = 'BertForMaskedLM';
const classifier = 'BertForSequenceClassification';

needing('python').describe('round trips with Python transformers', () => {
  let reference: Reference;
  beforeAll(() => {
    reference = new Reference();
  });
  afterAll(async () => {
    process.stdout.write(report(await reference.versions()));
    reference.close();
  });

  /** Expects Python to load the folder without a word, and both to compute the same logits. */
  async function expectSameInPython(folder: string, kind: Architecture, name: string, dtype = 'float32') {
    const answer = await reference.load(folder, kind, texts);
    expect(answer).toMatchObject({ loading: nothing, said: [], auto: kind, dtypes: [`torch.${dtype}`] });
    const { model } = await expectSameModel(folder, kind, answer, name);
    if (kind === classifier) expect(answer.labels).toEqual(model.config.labels);
  }

  describe('saved by bertune, loaded by Python', () => {
    test.each([
      ['masked LM', mlm, { hidden_act: 'relu' }, 'float32'],
      ['masked LM, base pooler beside it', mlm, {}, 'float32'],
      ['masked LM, untied decoder', mlm, { tie_word_embeddings: false }, 'float32'],
      ['masked LM, one token type', mlm, { type_vocab_size: 1, layer_norm_eps: 1e-5 }, 'float32'],
      ['masked LM, float16', mlm, { hidden_act: 'gelu_new' }, 'float16'],
      ['masked LM, bfloat16', mlm, {}, 'bfloat16'],
      ['classifier', classifier, { id2label: twelve }, 'float32'],
      ['classifier of two labels', classifier, { id2label: { 0: '否', 1: '是' }, classifier_dropout: 0.3 }, 'float32'],
      ['classifier, bfloat16', classifier, { id2label: twelve, hidden_act: 'gelu_new' }, 'bfloat16'],
    ] as const)('%s', async (name, architecture, changes, dtype) => {
      const raw = { ...hubConfig, ...changes };
      const model = readTextModel(raw, 'config.json');
      const values = wideValues(model, architecture);
      const folder = temporaryFolder();
      const pooler = name.includes('pooler') ? values : undefined;
      const tokenizerFiles = loadTokenizer(tokenizerFixture('uncased')).files();
      const head = headOf(architecture);
      await saveText(folder, { model, raw, values, head, dtype, tokenizerFiles, pooler });
      await expectSameInPython(folder, architecture, `bertune → Python: ${name}`, dtype);
    });
  });

  describe('saved by Python, loaded by bertune', () => {
    test.each([
      ['masked LM', mlm, {}, 'float32'],
      ['masked LM, cased', mlm, { hidden_act: 'gelu_new' }, 'float32'],
      ['masked LM, float16', mlm, {}, 'float16'],
      ['masked LM, bfloat16', mlm, {}, 'bfloat16'],
      ['masked LM in shards', mlm, {}, 'float32'],
      ['masked LM in shards, bfloat16', mlm, { hidden_act: 'relu' }, 'bfloat16'],
      ['masked LM, untied decoder', mlm, { tie_word_embeddings: false }, 'float32'],
      ['classifier', classifier, { id2label: twelve }, 'float32'],
      ['classifier of two unnamed labels, float16', classifier, {}, 'float16'],
      ['classifier in shards', classifier, { id2label: twelve }, 'float32'],
    ] as const)('%s', async (name, kind, changes, dtype) => {
      const shard = name.includes('shards') ? '40KB' : undefined;
      const folder = await savedByPython(
        kind,
        changes,
        { dtype, shard },
        name.includes(', cased') ? 'cased' : 'uncased',
      );
      expect(readdirSync(folder).includes('model.safetensors.index.json')).toBe(shard !== undefined);
      await expectSameInPython(folder, kind, `Python → bertune: ${name}`, dtype);
    });

    test.each([
      ['', 1],
      [' in shards', 3],
    ])('pytorch_model.bin%s is refused with a command that converts it', async (shards, count) => {
      const folder = join(temporaryFolder(), "it's a model");
      await reference.save({ folder, kind: mlm, config: hubConfig, tokenizer: tokenizerFixture('uncased') });
      const before = await reference.load(folder, mlm, texts);
      expect((await reference.saveForTorchAlone(folder, mlm, count)).join()).not.toContain('safetensors');
      const refusal = await loadText(folder, { head: headOf(mlm) }).catch(messageOf);
      const [line, command = ''] = String(refusal).split('; convert it once: ');
      expect(line).toMatch(/^.* has its weights only in pytorch_model\.bin(\.index\.json)?, which is not read$/);
      expect(command).not.toContain('\n');

      const path = `${dirname(python)}${delimiter}${process.env.PATH}`;
      execFileSync(command, { shell: true, env: { ...process.env, PATH: path }, stdio: 'ignore' });
      // Beside what was converted the original may stay or go.
      for (const name of readdirSync(folder)) if (name.endsWith('.bin')) rmSync(join(folder, name));
      const after = await reference.load(folder, mlm, texts);
      expect(after.weights).toEqual(before.weights);
      await expectSameModel(folder, mlm, after, `pytorch_model.bin${shards}, converted`);
    });
  });

  describe('written by jobs', () => {
    const common = { threads: 1, learningRate: 1e-3, maxSteps: 4, maxLength: 32, seed: 3 };
    const file = (name: string, content: string) => {
      const path = join(temporaryFolder(), name);
      writeFileSync(path, content);
      return path;
    };
    const corpus = () => ({ files: [file('corpus.txt', messages(80).join('\n'))] });
    const labeled = () => ({ files: [file('labeled.csv', labeledCsv(labeledMessages(40)))] });

    test.each([
      ['base in float32', 'float32', {}],
      ['base in float16', 'float16', { hidden_act: 'gelu_new' }],
      ['base with an untied decoder', 'float32', { tie_word_embeddings: false }],
    ])('adapt, then finetune, on what Python saved: %s', async (name, dtype, changes) => {
      const base = await savedByPython(mlm, changes, { dtype });
      const [adapted, tuned] = [join(temporaryFolder(), 'adapted'), join(temporaryFolder(), 'tuned')];
      await adapt({ ...common, model: base, corpus: corpus(), output: adapted, batchTokens: 128, saveSteps: 2 });
      await expectSameInPython(adapted, mlm, `adapt: ${name}`);
      // A masked language model of Python has no pooler: a classifier on it would read the mean.
      const training = { ...common, batchSize: 8, saveSteps: 2, reads: 'pooler' } as const;
      await finetune({ ...training, method: 'finetune', model: adapted, train: labeled(), output: tuned });
      await expectSameInPython(tuned, classifier, `finetune of that: ${name}`);
    });

    test('finetune on a classifier that Python saved, and pretrain', async () => {
      const base = await savedByPython(classifier, { id2label: twelve, problem_type: 'single_label_classification' });
      const [tuned, fresh] = [join(temporaryFolder(), 'tuned'), join(temporaryFolder(), 'fresh')];
      await finetune({ ...common, method: 'finetune', model: base, train: labeled(), output: tuned, batchSize: 8 });
      await expectSameInPython(tuned, classifier, 'finetune: base is a classifier of other labels');
      const modelConfig = file('config.json', JSON.stringify({ ...hubConfig, hidden_act: 'relu' }));
      const tokenizer = tokenizerFixture('cased');
      await pretrain({ ...common, modelConfig, tokenizer, corpus: corpus(), output: fresh, batchTokens: 128 });
      await expectSameInPython(fresh, mlm, 'pretrain');
    });
  });

  async function savedByPython(
    kind: Architecture,
    changes: object,
    options: { dtype?: string; shard?: string } = {},
    tokenizer: 'uncased' | 'cased' = 'uncased',
  ): Promise<string> {
    const folder = temporaryFolder();
    const config = { ...hubConfig, ...changes };
    await reference.save({ folder, kind, config, tokenizer: tokenizerFixture(tokenizer), ...options });
    return folder;
  }
});

/** Weights, biases too, spread wide enough that each shows in the logits and in rounding to 16 bits. */
function wideValues(model: TextModel, kind: Architecture): ParameterValues {
  const specs = model.parameters([...new Set([...model.partsOf(headOf(kind)), 'pooler' as const])]);
  return new Map(
    specs.map((spec, index) => {
      const noise = new Float32Array(initialValue(spec, 0, 0).length);
      fillNormal(noise, 0.15, 11, 'initialize', index);
      return [spec.name, initialValue(spec, 0, 0).map((value, i) => value + (noise[i] as number))];
    }),
  );
}
