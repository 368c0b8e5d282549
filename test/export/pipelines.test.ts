import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  env,
  type FeatureExtractionPipeline,
  type FillMaskPipeline,
  pipeline,
  type TextClassificationPipeline,
} from '@huggingface/transformers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExportDType } from '../../src/hub/onnx/folder.ts';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel } from '../../src/jobs/model.ts';
import type { LoadedModel } from '../../src/jobs/types.ts';
import { temporaryFolder } from '../temporary.ts';

/** Exported models in the pipelines of transformers.js beside bertune's own answers. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const base = join(root, 'checkpoints', 'bert-mini-sentences');
const intents = join(root, 'corpora', 'intents.train.csv');
const folder = temporaryFolder();
const classifier = join(folder, 'trained');

/** Largest differences of a score in the texts below; float16 has 11 bits, the codes of q8 7. */
const scoreTolerance: Readonly<Record<ExportDType, number>> = { fp32: 1e-5, fp16: 5e-3, q8: 0.15 };
const dtypes: readonly ExportDType[] = ['fp32', 'fp16', 'q8'];

const texts = [
  ...readFileSync(join(root, 'corpora', 'intents.test.csv'), 'utf8')
    .split('\n')
    .slice(1, 60),
  'Déjà vu: ÇA, and 1,000 things… 你好',
  'x',
];
const sentences = ['where is my [MASK] today?', '[MASK] you for your help', 'i would like to [MASK] my order, please'];

/** Bertune's own models, opened once for all tests. */
let labeler: LoadedModel;
let general: LoadedModel;

beforeAll(async () => {
  const training = { epochs: 3, learningRate: 5e-4, threads: 2, batchSize: 32 };
  await finetune({ method: 'finetune', model: base, train: { files: [intents] }, output: classifier, ...training });
  await exportModel({ model: classifier, output: join(folder, 'classes') });
  await exportModel({ model: base, output: join(folder, 'words') });
  await exportModel({ model: base, output: join(folder, 'vectors'), task: 'feature-extraction' });
  env.localModelPath = folder;
  env.allowRemoteModels = false;
  labeler = await loadModel(classifier, { threads: 2 });
  general = await loadModel(base, { threads: 2 });
}, 300_000);
afterAll(async () => {
  await labeler.dispose();
  await general.dispose();
});

describe.each(dtypes)('%s', (dtype) => {
  const open = { dtype, session_options: { intraOpNumThreads: 2 } };

  test('text-classification: labels and scores', async () => {
    const classify: TextClassificationPipeline = await pipeline('text-classification', 'classes', open);
    const expected = await labeler.classify(texts);
    const found = await labelsOf(classify, texts);
    const apart = found.map(({ score }, i) => Math.abs(score - (expected[i]?.score ?? Number.NaN)));
    expect(Math.max(...apart)).toBeLessThan(scoreTolerance[dtype]);
    const equal = found.filter(({ label }, i) => label === expected[i]?.label).length;
    expect(equal).toBeGreaterThanOrEqual(dtype === 'q8' ? Math.floor(0.95 * texts.length) : texts.length);
    await classify.dispose();
  });

  test('fill-mask: tokens and scores', async () => {
    const fill: FillMaskPipeline = await pipeline('fill-mask', 'words', open);
    for (const sentence of sentences) {
      const answer = await general.fillMask(sentence, { topK: 3 });
      const expected = answer.masks[0]?.candidates ?? [];
      const found = (await fill(sentence, { top_k: 3 })).flat();
      expect(found).toHaveLength(3);
      if (dtype !== 'q8') expect(found.map(({ token }) => token)).toEqual(expected.map(({ tokenId }) => tokenId));
      const [best] = found;
      const same = expected.find(({ tokenId }) => tokenId === best?.token);
      expect(best?.token_str).toBe(same?.token);
      expect(Math.abs((best?.score ?? Number.NaN) - (same?.score ?? 0))).toBeLessThan(scoreTolerance[dtype]);
    }
    await fill.dispose();
  });

  test('feature-extraction: vectors', async () => {
    const extract: FeatureExtractionPipeline = await pipeline('feature-extraction', 'vectors', open);
    const some = texts.slice(0, 9);
    const expected = await general.embed(some);
    const found = await extract(some, { pooling: 'mean' });
    expect(found.dims).toEqual([some.length, expected[0]?.length]);
    const rows: number[][] = found.tolist();
    for (const [i, row] of rows.entries()) {
      expect(cosine(row, expected[i] ?? new Float32Array())).toBeGreaterThan(dtype === 'q8' ? 0.99 : 0.99999);
    }
    await extract.dispose();
  });
});

test('a text that is too long is cut at the same length', async () => {
  const classify: TextClassificationPipeline = await pipeline('text-classification', 'classes', { dtype: 'fp32' });
  const long = 'wait, my card does not work. '.repeat(100);
  const [expected] = await labeler.classify([long]);
  const [found] = await labelsOf(classify, [long]);
  expect(found?.label).toBe(expected?.label);
  // The tokenizer of transformers.js cuts off [SEP] as well, which ours puts at the end.
  expect(Math.abs((found?.score ?? Number.NaN) - (expected?.score ?? 0))).toBeLessThan(0.1);
  await classify.dispose();
});

test('the only dtype of a folder needs no naming', async () => {
  await exportModel({ model: classifier, output: join(folder, 'small'), dtypes: ['q8'] });
  const classify: TextClassificationPipeline = await pipeline('text-classification', 'small');
  expect(await labelsOf(classify, ['x'])).toHaveLength(1);
  await classify.dispose();
});

/** One label a text, whichever of the two forms the pipeline answers in. */
async function labelsOf(classify: TextClassificationPipeline, list: string[]) {
  return (await classify(list)).flat();
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>) =>
    Array.from(x).reduce((total, value, i) => total + value * (y[i] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
