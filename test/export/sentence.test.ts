import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FeatureExtractionPipeline, pipeline, type TextClassificationPipeline } from '@huggingface/transformers';
import { describe, expect, test } from 'vitest';
import { defined } from '../../src/core/errors.ts';
import type { ExportDType } from '../../src/hub/onnx/folder.ts';
import { saveText } from '../../src/hub/saveText.ts';
import { loadText } from '../../src/hub/textFolder.ts';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel, openModel } from '../../src/jobs/model.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { labeledCsv, labeledMessages } from '../jobs/tiny.ts';
import { models, needing } from '../needs.ts';
import {
  cases,
  expectedVectors,
  folderNamed,
  largestDifference,
  scoresOf,
  sentenceFolder,
  texts,
} from '../sentenceFolders.ts';
import { temporaryFolder } from '../temporary.ts';
import { ExportedSentence, localModel } from './exportedSentence.ts';

/** Exported sentence encoders in transformers.js, against the vectors of `SentenceTransformer.encode`. */

const work = temporaryFolder();
const titled = cases.map((one) => [one.name, one] as const);

/** Parts of the largest number: of float32 the order of sums, of float16 11 bits, of q8 7. */
const tolerance: Readonly<Record<ExportDType, number>> = { fp32: 1e-5, fp16: 0.02, q8: 0.25 };

describe('every folder', () => {
  test.each(titled)('%s', async (name, one) => {
    const [source, output] = [sentenceFolder(one), join(work, name)];
    const notes = await exported(source, output, ['fp32']);
    const model = await ExportedSentence.open(source, output, 'fp32');
    const alike = model.readAlike(texts);
    // Of the two emoji and the control characters Unigram's map makes something else in transformers.js.
    const others = name.includes('unigram') ? [11, 24] : [];
    expect(alike).toEqual(texts.map((_, i) => i).filter((i) => !others.includes(i)));
    for (const [number, call] of one.calls.entries()) {
      if (name.includes('without-prompt') && model.promptOf(call) !== model.promptOf({})) continue;
      const expected = await expectedVectors(name, number);
      const found = await model.run(texts, call, one.labels ? 'logits' : 'sentence_embedding');
      // More numbers than the folder's own cut leaves cannot be had of an export.
      if ((call.truncate_dim ?? 0) > (found[0]?.length ?? 0)) continue;
      expectClose(found, expected);
      const whole = alike.filter((i) => !model.cut(texts, call).includes(i));
      const options = notes.map((note) => /feature-extraction with \{ (.*) \}/.exec(note)?.[1]).find(Boolean);
      if (options === undefined) continue;
      const vectors = await extracted(
        output,
        options,
        whole.map((i) => model.promptOf(call) + texts[i]),
      );
      expectClose(
        vectors.map((row) => row.slice(0, call.truncate_dim)),
        whole.map((i) => expected[i] as Float32Array),
      );
    }
    await model.dispose();
  });

  test.each([
    ['pooling-cls', "pooling: 'cls'"],
    ['pooling-mean', "pooling: 'mean'"],
    ['normalize', "pooling: 'mean', normalize: true"],
    ['pooling-lasttoken', null],
    ['dense-normalize', null],
  ])('what the pipeline of transformers.js needs for %s is told', async (name, options) => {
    const notes = await exported(folderNamed(name), join(work, `${name}-told`), ['fp32']);
    const told = options === null ? 'its feature-extraction pipeline lacks' : `feature-extraction with { ${options} }`;
    expect(notes.join('\n')).toContain(told);
  });
});

describe.each(['fp16', 'q8'] as const)('%s', (dtype) => {
  test.each(['pooling-all-joined', 'dense-normalize', 'layer-norm', 'unigram'])('%s', async (name) => {
    const [source, output] = [folderNamed(name), join(work, `${name}-${dtype}`)];
    await exported(source, output, [dtype]);
    const model = await ExportedSentence.open(source, output, dtype);
    const found = await model.run(texts, {}, 'sentence_embedding');
    expectClose(found, await expectedVectors(name, 0), tolerance[dtype]);
    await model.dispose();
  });
});

test('of a vector of zeros, float16 makes no other', async () => {
  const [folder, source, output] = [folderNamed('normalize'), join(work, 'zeros'), join(work, 'zeros-fp16')];
  const loaded = await loadText(folder, { head: 'pooled' });
  for (const name of ['encoder.1.feedForward.norm.weight', 'encoder.1.feedForward.norm.bias']) {
    defined(loaded.values.get(name), name).fill(0);
  }
  await saveText(source, { ...loaded, head: 'pooled', tokenizerFiles: loadTokenizer(folder).files() });
  await exported(source, output, ['fp16']);
  const model = await ExportedSentence.open(source, output, 'fp16');
  const found = await model.run(texts, {}, 'sentence_embedding');
  expect(found.every((vector) => vector.length === 32 && vector.every((value) => value === 0))).toBe(true);
  await model.dispose();
});

describe('prompts', () => {
  test('one that texts begin with is told', async () => {
    const notes = await exported(folderNamed('prompts'), join(work, 'default'), ['fp32']);
    expect(notes.join('\n')).toMatch(/^texts begin with "passage: " in .*: put it before each$/m);
  });

  test('those that a pooling leaves out, and the exported model cannot, are told', async () => {
    const notes = await exported(folderNamed('without-prompt'), join(work, 'left-out'), ['fp32']);
    expect(notes.at(-1)).toMatch(/leaves prompts out of the vector, .* with glued, passage, query before a text/);
  });
});

test('the folder’s files lie beside the model, and are replaced with it alone', async () => {
  const output = join(work, 'files');
  await exported(folderNamed('old-dense'), output, ['fp32']);
  const names = [
    'config.json',
    'config_sentence_transformers.json',
    'modules.json',
    'onnx',
    'sentence_bert_config.json',
  ];
  expect(readdirSync(output)).toEqual(['1_Pooling', '2_Dense', ...names, 'tokenizer.json', 'tokenizer_config.json']);
  expect(readdirSync(join(output, '2_Dense'))).toEqual(['config.json', 'model.safetensors']);
  await exportModel({
    model: folderNamed('plain'),
    output,
    dtypes: ['fp32'],
    task: 'feature-extraction',
    overwrite: true,
  });
  expect(readdirSync(output)).toEqual(['config.json', 'onnx', 'tokenizer.json', 'tokenizer_config.json']);
});

describe('classifiers', () => {
  test('labels and scores of one that sentence-transformers wrote', async () => {
    const output = join(work, 'logits');
    await exported(folderNamed('classifier'), output, ['fp32']);
    const labels = cases.find(({ name }) => name === 'classifier')?.labels ?? [];
    const expected = (await expectedVectors('classifier', 0)).map((logits) => scoresOf(logits, labels));
    const some = uncut(texts);
    expectScores(
      await classified(output, 'fp32', some),
      some.map((text) => expected[texts.indexOf(text)] ?? []),
      1e-5,
    );
  });

  test.each(['prompts', 'pooling-cls', 'dense-normalize', 'old-without-prompt', 'unigram', 'plain'])(
    'fine-tuned %s',
    async (name) => {
      const [source, output] = [join(work, `${name}-tuned`), join(work, `${name}-classes`)];
      writeFileSync(join(work, 'labeled.csv'), labeledCsv(labeledMessages(40)));
      const training = { threads: 1, learningRate: 3e-3, maxSteps: 60, batchSize: 8 };
      await finetune({
        ...training,
        method: 'finetune',
        model: folderNamed(name),
        train: { files: [join(work, 'labeled.csv')] },
        output: source,
        reads: name === 'plain' ? 'mean' : undefined,
      });
      // The eight bits of q8 do not suit every one of these random encoders.
      const dtypes = name === 'old-without-prompt' ? (['fp32', 'fp16'] as const) : (['fp32', 'fp16', 'q8'] as const);
      const [begin = ''] = promptsOf(await exported(source, output, dtypes));
      const one = await ExportedSentence.open(source, output, 'fp32');
      const all = labeledMessages(60, 5).map(({ text }) => text);
      const some = all.filter((_, i) => !one.cut(all, {}).includes(i));
      expect(some.length).toBeGreaterThan(10);
      const prompted = some.map((text) => begin + text);
      const model = await openModel(source, { threads: 1 });
      const expected = await model.scores(some);
      expect(new Set(expected.map(([best]) => best?.label)).size).toBeGreaterThan(1);
      for (const dtype of dtypes) {
        expectScores(await classified(output, dtype, prompted), expected, { fp32: 1e-5, fp16: 5e-3, q8: 0.15 }[dtype]);
      }
      // One folder serves both pipelines.
      const states = await extracted(output, "pooling: 'none'", prompted.slice(0, 1));
      expectClose(await one.run(some, {}, 'sentence_embedding'), await model.embed(some));
      expectClose(states, await one.run(some.slice(0, 1), {}, 'last_hidden_state'));
      await one.dispose();
      await model.dispose();
    },
  );

  test('config.json has the labels, and claims no architecture that the weights have not', async () => {
    await exported(folderNamed('classifier'), join(work, 'config'), ['fp32']);
    const config = JSON.parse(readFileSync(join(work, 'config', 'config.json'), 'utf8'));
    expect(config).toMatchObject({ architectures: ['BertModel'], problem_type: 'single_label_classification' });
    expect(Object.values(config.id2label)).toEqual(['cancel', 'refund', 'track', 'other']);
  });
});

needing('models').test('all-MiniLM-L6-v2 in the pipeline of transformers.js gives the vectors of embed', async () => {
  const [source, output] = [join(models, 'all-minilm-l6-v2'), join(work, 'minilm')];
  await exported(source, output, ['fp32']);
  const some = Array.from(
    { length: 200 },
    (_, i) => `${texts[(i * 7) % texts.length]} ${labeledMessages(200)[i]?.text}`,
  );
  const model = await loadModel(source, { threads: 1 });
  const whole = some.filter((text) => model.tokens(text).length <= 256);
  expect(whole.length).toBeGreaterThan(180);
  expectClose(await extracted(output, "pooling: 'mean', normalize: true", whole), await model.embed(whole));
  await model.dispose();
});

/** @returns the notes */
async function exported(model: string, output: string, dtypes?: readonly ExportDType[]): Promise<string[]> {
  const notes: string[] = [];
  await exportModel(
    { model, output, dtypes, threads: 1 },
    { onEvent: (event) => event.type === 'note' && notes.push(event.text) },
  );
  return notes;
}

function promptsOf(notes: readonly string[]): string[] {
  return notes
    .flatMap((note) => /^texts begin with (".*") in/.exec(note)?.slice(1) ?? [])
    .map((text) => JSON.parse(text));
}

/** The texts that fit the 64 positions of the folders. */
function uncut(all: readonly string[]): string[] {
  return all.filter((text) => text.length < 60);
}

/** What the pipeline makes of texts, ten at a time, with options as a note writes them. */
async function extracted(output: string, written: string, list: readonly string[]): Promise<Float32Array[]> {
  const options = Object.fromEntries(
    written
      .split(', ')
      .map((pair) => pair.split(': '))
      .map(([key, value]) => [key, value === 'true' || value?.replaceAll("'", '')]),
  );
  const extract: FeatureExtractionPipeline = await pipeline('feature-extraction', localModel(output), open('fp32'));
  const rows: Float32Array[] = [];
  for (let from = 0; from < list.length; from += 10) {
    const found = await extract(list.slice(from, from + 10), options);
    const size = found.data.length / (found.dims[0] ?? 1);
    for (let row = 0; row < (found.dims[0] ?? 0); row++) {
      rows.push(Float32Array.from((found.data as Float32Array).subarray(row * size, (row + 1) * size)));
    }
  }
  await extract.dispose();
  return rows;
}

async function classified(output: string, dtype: ExportDType, list: readonly string[]) {
  const classify: TextClassificationPipeline = await pipeline('text-classification', localModel(output), open(dtype));
  const found = await classify([...list], { top_k: 20 });
  await classify.dispose();
  return found as { label: string; score: number }[][];
}

function open(dtype: ExportDType) {
  return { dtype, session_options: { intraOpNumThreads: 1 } };
}

interface Score {
  readonly label: string;
  readonly score: number;
}

/** Every label of every text; the best ones are to be the same where they are not as good as equal. */
function expectScores(
  found: readonly (readonly Score[])[],
  expected: readonly (readonly Score[])[],
  most: number,
): void {
  expect(found).toHaveLength(expected.length);
  for (const [i, row] of expected.entries()) {
    const of = new Map(found[i]?.map(({ label, score }) => [label, score]));
    for (const { label, score } of row) expect(Math.abs((of.get(label) ?? Number.NaN) - score)).toBeLessThan(most);
    const [best, second] = row;
    if (best && best.score - (second?.score ?? 0) > 2 * most) expect(found[i]?.[0]?.label).toBe(best.label);
  }
}

function expectClose(found: readonly Float32Array[], expected: readonly Float32Array[], most = 1e-5): void {
  const size = Math.max(1, ...expected.map((row) => row.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0)));
  expect(largestDifference(found, expected) / size).toBeLessThan(most);
}
