import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  env,
  type FeatureExtractionPipeline,
  type FillMaskPipeline,
  pipeline,
  type TextClassificationPipeline,
} from '@huggingface/transformers';
import { beforeAll, describe, expect, test } from 'vitest';
import { openSafetensors, type SafetensorsEntry, writeSafetensors } from '../../src/hub/safetensors.ts';
import { loadText } from '../../src/hub/textFolder.ts';
import { familyTypes } from '../../src/models/text/families.ts';
import { createServer } from '../../src/server/server.ts';
import { framed } from '../../src/text/frame.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { readTensors } from '../models/fixtures.ts';
import { temporaryFolder } from '../temporary.ts';
import { runInProcess } from './terminal.ts';

/** What test/fixtures/families/folders.py wrote of each family: ids of texts, best tokens of masked ones, and vectors. */
interface FamilyAnswers {
  readonly ids: readonly (readonly number[])[];
  readonly fills: readonly (readonly (readonly [token: string, score: number])[])[];
  readonly vectors: readonly (readonly number[])[];
  readonly mask: string;
}

const fixtures = fileURLToPath(new URL('../fixtures/families/models', import.meta.url));
const corpora = fileURLToPath(new URL('../../corpora', import.meta.url));
const {
  texts,
  masked,
  models,
}: {
  readonly texts: readonly string[];
  readonly masked: readonly string[];
  readonly models: Readonly<Record<string, FamilyAnswers>>;
} = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8'));

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const labels = ['device_setup', 'refund_status'];
const maskedTexts = masked.map((text) => text.replace('{}', '[MASK]'));

beforeAll(() => {
  const lines = readFileSync(join(corpora, 'support.txt'), 'utf8').split('\n');
  writeFileSync(at('corpus.txt'), lines.slice(0, 300).join('\n'));
  const [header, ...rows] = readFileSync(join(corpora, 'intents.train.csv'), 'utf8').trimEnd().split('\n');
  const chosen = rows.filter((row) => labels.some((label) => row.endsWith(`,${label}`)));
  writeFileSync(at('labeled.csv'), [header, ...chosen].join('\n'));
  // Vectors are compared of texts without line breaks, a line each.
  writeFileSync(at('texts.txt'), texts.slice(0, 4).join('\n'));
  env.localModelPath = folder;
  env.allowRemoteModels = false;
});

test('every family has a model here', () => {
  expect(Object.keys(models).sort()).toEqual([...familyTypes].sort());
});

test("ELECTRA's discriminators have no MLM head, and say so", async () => {
  const discriminator = at('discriminator');
  cpSync(join(fixtures, 'electra'), discriminator, { recursive: true });
  const weights = join(discriminator, 'model.safetensors');
  const tensors = await openSafetensors(weights);
  const entries: SafetensorsEntry[] = [];
  for (const [name, { shape }] of tensors.tensors) {
    const renamed = name.replace('generator_predictions', 'discriminator_predictions');
    if (!name.startsWith('generator_lm_head')) entries.push({ name: renamed, shape, data: await tensors.read(name) });
  }
  await tensors.close();
  await writeSafetensors(weights, entries, 'float32');
  const notes: string[] = [];
  await loadText(discriminator, { head: 'maskedLm', onNote: (note) => notes.push(note) });
  expect(notes).toEqual([
    `${discriminator} has no MLM head: started at random`,
    `${discriminator} has a replaced-token head: left out`,
  ]);
  const refused = await runInProcess(['fill-mask', '--model', discriminator, maskedTexts[0] ?? '']);
  expect(refused.stderr).toContain('has no MLM head, which fill-mask needs');
  expect(refused.code).toBe(2);
});

/** Everything that can be done with a model, done with a small one of each family. */
describe.each(Object.keys(models).map((type) => [type, models[type] as FamilyAnswers] as const))(
  '%s',
  (type, python) => {
    const base = join(fixtures, type);
    const own = (name: string) => at(`${type}-${name}`);
    const training = ['--threads', '1', '--learning-rate', '3e-3', '--seed', '1'];

    /** Expects a file of the vectors that Python makes. */
    function expectVectors(file: string): void {
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      expect(lines).toHaveLength(4);
      for (const [i, line] of lines.entries()) {
        const vector: number[] = JSON.parse(line).vector;
        expect(vector).toHaveLength(python.vectors[i]?.length ?? 0);
        for (const [k, value] of vector.entries()) expect(value).toBeCloseTo(python.vectors[i]?.[k] ?? Number.NaN, 4);
      }
    }

    /** What a command answers as JSON. */
    async function answered(...words: string[]) {
      const { code, stdout, stderr } = await runInProcess([...words, '--json']);
      expect(code, stderr).toBe(0);
      return JSON.parse(stdout);
    }

    test('its tokenizer gives the ids of Python', () => {
      const notes: string[] = [];
      const tokenizer = loadTokenizer(base, { onNote: (note) => notes.push(note) });
      expect(notes).toEqual([]);
      expect(texts.map((text) => framed(tokenizer.frame, tokenizer.encode(text).ids))).toEqual(python.ids);
    });

    test('inspect', async () => {
      const found = await answered('inspect', '--model', base);
      expect(found).toMatchObject({ modelType: type, heads: ['mlmHead'], labels: null, notes: [] });
      const sizes = [...(await readTensors(join(base, 'model.safetensors'))).values()].map(({ length }) => length);
      expect(found.parameters).toBe(sizes.reduce((sum, size) => sum + size, 0));
    });

    test('fill-mask: tokens and scores of Python', async () => {
      for (const [i, text] of maskedTexts.entries()) {
        const asked = i === 0 ? text.replace('[MASK]', python.mask) : text;
        const { masks } = await answered('fill-mask', '--model', base, '--top-k', '3', asked);
        const found: { tokenId: number; score: number }[] = masks[0].candidates;
        const tokenizer = loadTokenizer(base);
        const expected = python.fills[i] ?? [];
        expect(found.map(({ tokenId }) => tokenizer.tokenOf(tokenId))).toEqual(expected.map(([token]) => token));
        for (const [k, { score }] of found.entries()) expect(score).toBeCloseTo(expected[k]?.[1] ?? Number.NaN, 6);
      }
    });

    test('embed: vectors of Python', async () => {
      const found = await answered('embed', '--model', base, '--input', at('texts.txt'), '--output', own('v.jsonl'));
      expect(found.count).toBe(4);
      expectVectors(own('v.jsonl'));
    });

    test('adapt, evaluate of it, and card', async () => {
      const words = ['--corpus', at('corpus.txt'), '--max-length', '32', '--batch-tokens', '512', '--max-steps', '20'];
      const adapted = await answered('adapt', '--model', base, ...words, ...training, '--output', own('adapted'));
      expect(adapted.evalLossAfter).toBeLessThan(adapted.evalLossBefore);
      const evaluate = ['evaluate', '--data', at('corpus.txt'), '--threads', '1', '--model'];
      const [before, after] = [await answered(...evaluate, base), await answered(...evaluate, own('adapted'))];
      expect(after.loss).toBeLessThan(before.loss - 0.05);
      const card = readFileSync(join(own('adapted'), 'README.md'), 'utf8');
      writeFileSync(join(own('adapted'), 'README.md'), '');
      await answered('card', '--model', own('adapted'), '--overwrite');
      expect(readFileSync(join(own('adapted'), 'README.md'), 'utf8')).toBe(card);
      // All weights of the base under the names that transformers gave them, and no others.
      const [given, written] = [await shapesOf(base), await shapesOf(own('adapted'))];
      expect(written).toEqual(given);
    });

    const methods: [name: string, words: string[]][] = [
      ['whole', ['--method', 'finetune', '--reads', 'pooler', '--epochs', '12', '--batch-size', '8']],
      ['mean', ['--method', 'finetune', '--epochs', '12', '--batch-size', '8']],
      ['frozen', ['--method', 'frozen']],
    ];

    describe.each(methods)('finetune, %s', (name, words) => {
      const tuned = own(name);
      let measured: { accuracy: number; count: number };

      beforeAll(async () => {
        const data = ['--train', at('labeled.csv'), '--eval', at('labeled.csv'), '--max-length', '48'];
        const more = name === 'frozen' ? ['--threads', '1'] : training;
        measured = await answered('finetune', '--model', base, ...data, ...words, ...more, '--output', tuned);
      });

      test('learns', () => expect(measured.accuracy).toBeGreaterThan(0.7));

      test('evaluate and predict of it', async () => {
        const again = await answered('evaluate', '--model', tuned, '--data', at('labeled.csv'), '--threads', '1');
        expect(again).toMatchObject({ accuracy: measured.accuracy, count: measured.count });
        const { code, stdout } = await runInProcess(['predict', '--model', tuned, '--input', at('labeled.csv')]);
        expect(code).toBe(0);
        const rows: { label: string; text: string }[] = stdout
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line));
        const right = readFileSync(at('labeled.csv'), 'utf8')
          .split('\n')
          .slice(1)
          .filter((row, i) => row.endsWith(`,${rows[i]?.label}`)).length;
        expect(right / rows.length).toBeCloseTo(measured.accuracy, 6);
      });

      test('export: labels and scores in transformers.js', async () => {
        const result = await answered('export', '--model', tuned, '--output', own(`${name}-onnx`));
        expect(result.compared).toBeGreaterThan(10);
        const classify: TextClassificationPipeline = await pipeline('text-classification', `${type}-${name}-onnx`, {
          dtype: 'fp32',
        });
        const found = (await classify([...texts.slice(0, 4)])) as { label: string; score: number }[];
        await classify.dispose();
        const { stdout } = await runInProcess(['predict', '--model', tuned, '--input', at('texts.txt')]);
        for (const [i, line] of stdout.trimEnd().split('\n').entries()) {
          const { label, score } = JSON.parse(line);
          expect(found[i]?.label).toBe(label);
          expect(found[i]?.score).toBeCloseTo(score, 4);
        }
      });

      test('inspect, and loading without a word', async () => {
        expect(await answered('inspect', '--model', tuned)).toMatchObject({ modelType: type, labels, notes: [] });
        const notes: string[] = [];
        await loadText(tuned, { head: 'oneLabel', onNote: (note) => notes.push(note) });
        expect(notes).toEqual([]);
      });
    });

    test('export: masked words and vectors in transformers.js', async () => {
      await answered('export', '--model', base, '--output', own('words-onnx'));
      const fill: FillMaskPipeline = await pipeline('fill-mask', `${type}-words-onnx`, { dtype: 'fp32' });
      const tokenizer = loadTokenizer(base);
      for (const [i, text] of masked.entries()) {
        const found = (await fill(text.replace('{}', python.mask), { top_k: 3 })).flat();
        const expected = python.fills[i] ?? [];
        expect(found.map(({ token }) => tokenizer.tokenOf(token))).toEqual(expected.map(([token]) => token));
        expect(found[0]?.score).toBeCloseTo(expected[0]?.[1] ?? Number.NaN, 5);
      }
      await fill.dispose();
      await answered('export', '--model', base, '--task', 'feature-extraction', '--output', own('vectors-onnx'));
      const extract: FeatureExtractionPipeline = await pipeline('feature-extraction', `${type}-vectors-onnx`, {
        dtype: 'fp32',
      });
      for (const [i, text] of texts.slice(0, 4).entries()) {
        const { data } = await extract(text, { pooling: 'mean' });
        for (const [k, value] of (python.vectors[i] ?? []).entries()) expect(data[k]).toBeCloseTo(value, 4);
      }
      await extract.dispose();
    });

    test('a folder of sentence-transformers over it: vectors of Python, and a classifier', async () => {
      const sentences = own('sentences');
      cpSync(base, sentences, { recursive: true });
      const types = ['Transformer', 'Pooling'].map((name) => `sentence_transformers.models.${name}`);
      const modules = types.map((type, idx) => ({ idx, name: String(idx), path: idx === 0 ? '' : '1_Pooling', type }));
      const pooling = { word_embedding_dimension: 16, pooling_mode_mean_tokens: true };
      mkdirSync(join(sentences, '1_Pooling'));
      writeFileSync(join(sentences, '1_Pooling', 'config.json'), JSON.stringify(pooling));
      writeFileSync(join(sentences, 'modules.json'), JSON.stringify(modules));
      writeFileSync(join(sentences, 'sentence_bert_config.json'), JSON.stringify({ max_seq_length: 48 }));
      await answered('embed', '--model', sentences, '--input', at('texts.txt'), '--output', own('s.jsonl'));
      expectVectors(own('s.jsonl'));
      const data = ['--train', at('labeled.csv'), '--eval', at('labeled.csv'), '--output', own('of-sentences')];
      const { accuracy } = await answered('finetune', '--model', sentences, ...data, '--method', 'frozen');
      expect(accuracy).toBeGreaterThan(0.7);
    });

    test('serve: every route', async () => {
      const server = await createServer({ models: [base, own('whole')], port: 0, threads: 1 });
      const ask = async (path: string, body: object) => {
        const headers = { 'content-type': 'application/json' };
        const response = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
        expect(response.status).toBe(200);
        return JSON.parse(await response.text());
      };
      const { results } = await ask('/fill-mask', { texts: maskedTexts, topK: 3 });
      for (const [i, { masks }] of results.entries()) {
        expect(masks[0].candidates[0].score).toBeCloseTo(python.fills[i]?.[0]?.[1] ?? Number.NaN, 5);
      }
      const { predictions } = await ask('/predict', { texts: texts.slice(0, 2) });
      expect(labels).toContain(predictions[0].label);
      const { embeddings } = await ask('/embed', { model: type, texts: texts.slice(0, 1) });
      for (const [k, value] of embeddings[0].entries())
        expect(value).toBeCloseTo(python.vectors[0]?.[k] ?? Number.NaN, 4);
      await server.close();
    });
  },
);

async function shapesOf(path: string): Promise<Record<string, number>> {
  const names = readdirSync(path);
  expect(names).toContain('model.safetensors');
  const tensors = await readTensors(join(path, 'model.safetensors'));
  return Object.fromEntries([...tensors].map(([name, { length }]) => [name, length] as const).sort());
}
