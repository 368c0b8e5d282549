import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { BertuneError, UsageError } from '../../src/core/errors.ts';
import { loadText, saveText } from '../../src/hub/textFolder.ts';
import { adapt, pretrain } from '../../src/jobs/adapt.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening, readJson } from './runs.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const common = { threads: 1, maxSteps: 2 };

beforeAll(async () => {
  await saveTinyModel(at('tiny'));
  writeFileSync(at('corpus.txt'), messages(60).join('\n'));
  writeFileSync(at('labeled.csv'), labeledCsv(labeledMessages(60)));
});

function labeled(name: string, labelOf: (i: number) => string, count = 60) {
  writeFileSync(at(name), labeledCsv(messages(count).map((text, i) => ({ text, label: labelOf(i) }))));
  return { files: [at(name)] };
}

describe('finetune', () => {
  test('a limit below the number of classes', async () => {
    const train = labeled('five.csv', (i) => `class ${i % 5}`);
    const options = { ...common, method: 'finetune' as const, model: at('tiny'), train, output: at('limited') };
    await expect(finetune({ ...options, trainLimit: 3 })).rejects.toThrow(
      new UsageError('trainLimit 3 leaves out 2 of 5 classes; use at least 5'),
    );
    expect(await finetune({ ...options, trainLimit: 5 })).toMatchObject({ steps: 2 });
    expect(readJson(at('limited'), 'run.json')).toMatchObject({ data: { train: 5 } });
  });

  test('one label, also when there is too little of it to split', async () => {
    for (const count of [1, 20]) {
      const train = labeled('one.csv', () => 'only', count);
      await expect(finetune({ ...common, model: at('tiny'), train, output: at('one') })).rejects.toThrow(
        new BertuneError('train has one label only (only); a classifier needs at least two'),
      );
    }
  });

  test('labels named as what every object has', async () => {
    const train = labeled('names.csv', (i) => ['__proto__', 'constructor', 'toString'][i % 3] as string);
    const output = at('names');
    const { labels } = await finetune({ ...common, method: 'finetune', model: at('tiny'), train, output });
    expect(labels).toEqual(['__proto__', 'constructor', 'toString']);
    expect((await evaluate({ model: output, data: train, threads: 1 })) as object).toMatchObject({ count: 60, labels });
    const model = await loadModel(output, { threads: 1 });
    expect(model.labels).toEqual(labels);
    expect(labels).toContain((await model.classify(['where is my order']))[0]?.label);
    await model.dispose();
  });

  test('--resume of a finished run whose model is gone', async () => {
    const output = at('gone');
    const train = { files: [at('labeled.csv')] };
    const options = { ...common, method: 'finetune' as const, model: at('tiny'), train, output };
    const result = await finetune(options);
    renameSync(join(output, 'model.safetensors'), at('kept'));
    await expect(finetune({ ...options, resume: true })).rejects.toThrow(
      new UsageError(`${output} holds a finished run whose model.safetensors is gone; run it anew with overwrite`),
    );
    renameSync(at('kept'), join(output, 'model.safetensors'));
    expect(await finetune({ ...options, resume: true })).toEqual(JSON.parse(JSON.stringify(result)));
  });
});

describe('pretrain', () => {
  const options = () => ({ ...common, tokenizer: at('tiny'), corpus: { files: [at('corpus.txt')] }, batchTokens: 128 });

  test('a configuration that does not say the shape', async () => {
    const modelConfig = at('package.json');
    writeFileSync(modelConfig, JSON.stringify({ name: 'something', hidden_size: 32, vocab_size: 200 }));
    const output = at('shapeless');
    await expect(pretrain({ ...options(), modelConfig, output })).rejects.toThrow(
      new BertuneError(
        `${modelConfig} lacks num_hidden_layers, num_attention_heads, intermediate_size; give a config.json of a BERT`,
      ),
    );
    rmSync(modelConfig);
    await expect(pretrain({ ...options(), modelConfig, output })).rejects.toThrow(
      new UsageError(`modelConfig ${modelConfig} does not exist; give a config.json that says the shape of the model`),
    );
  });

  test('the shape is said', async () => {
    const modelConfig = at('shape.json');
    const shape = { hidden_size: 64, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 256 };
    writeFileSync(modelConfig, JSON.stringify({ ...shape, vocab_size: 1000, max_position_embeddings: 64 }));
    const hooks = listening();
    await pretrain({ ...options(), modelConfig, output: at('shaped') }, hooks);
    // 1,066 embeddings of 64 and a norm; 4 (64² + 64) + 2 · 64 · 256 + 256 + 64 and two norms; the head 64² + 64, a norm, 1,000 biases.
    expect(hooks.notes()).toContain('a new model: 1 layer x 64, 0.1 M parameters');
  });
});

test('a perplexity beyond all numbers is still one', async () => {
  const loaded = await loadText(at('tiny'), { head: 'maskedLm' });
  // One piece takes it all: the others have a loss of about a million nats.
  const values = new Map(loaded.values);
  const bias = Float32Array.from(values.get('mlmHead.decoder.bias') ?? []);
  bias[0] = 1e6;
  values.set('mlmHead.decoder.bias', bias);
  const model = at('sure');
  mkdirSync(model);
  const tokenizerFiles = loadTokenizer(at('tiny')).files();
  await saveText(model, { model: loaded.model, head: 'maskedLm', values, tokenizerFiles });
  const result = await adapt({
    ...{ ...common, model, corpus: { files: [at('corpus.txt')] }, output: at('surer') },
    ...{ evalFraction: 0.3, batchTokens: 256, learningRate: 1e-6 },
  });
  expect(result.evalLossBefore).toBeGreaterThan(1e5);
  expect(result).toMatchObject({ perplexityBefore: Number.MAX_VALUE, perplexityAfter: Number.MAX_VALUE });
  expect(readJson(at('surer'), 'run.json')).toMatchObject({ result: { perplexityAfter: Number.MAX_VALUE } });
});
