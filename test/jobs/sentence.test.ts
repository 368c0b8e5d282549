import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BertuneError } from '../../src/core/errors.ts';
import { type EmbedOptions, embed } from '../../src/jobs/embed.ts';
import { loadModel, openModel } from '../../src/jobs/model.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import {
  cases,
  expectedVectors,
  folderNamed,
  largestDifference,
  optionsOf,
  refusedCases,
  refusedFolder,
  scoresOf,
  sentenceFolder,
  texts,
  tokenizers,
} from '../sentenceFolders.ts';
import { temporaryFolder } from '../temporary.ts';

/** Folders of sentence-transformers read whole: every vector equals what `SentenceTransformer.encode` gives. */

/** Of each vector's largest number: both sides sum in float32, in orders of their own. */
const tolerance = 1e-5;

const work = temporaryFolder();
const encoders = cases.filter(({ labels }) => !labels).map((one) => [one.name, one] as const);

describe('embed gives the vectors of sentence-transformers', () => {
  test.each(encoders)('%s', async (name, one) => {
    const model = await loadModel(sentenceFolder(one), { threads: 1 });
    for (const [number, call] of one.calls.entries()) {
      const expected = await expectedVectors(name, number);
      const found = await model.embed(texts, optionsOf(call));
      const largest = Math.max(1, ...expected.flatMap((row) => Array.from(row, Math.abs)));
      expect(largestDifference(found, expected) / largest, JSON.stringify(call)).toBeLessThan(tolerance);
    }
    await model.dispose();
  });
});

describe('one mode alone is what it is among others, also where a text has no token beside its prompt', () => {
  const name = 'without-prompt-joined';
  const modes = ['cls', 'mean', 'mean_sqrt_len_tokens', 'weightedmean', 'lasttoken'];
  const calls = cases.find((one) => one.name === name)?.calls ?? [];
  test.each(modes)('%s', async (mode) => {
    const folder = folderNamed(name);
    writeFileSync(
      join(folder, '1_Pooling', 'config.json'),
      JSON.stringify({ pooling_mode: mode, include_prompt: false }),
    );
    const model = await loadModel(folder, { threads: 1 });
    const place = modes.indexOf(mode);
    for (const [number, call] of calls.entries()) {
      const joined = await expectedVectors(name, number);
      const expected = joined.map((vector) => vector.slice(place * 32, (place + 1) * 32));
      const found = await model.embed(texts, optionsOf(call));
      const largest = Math.max(1, ...expected.flatMap((row) => Array.from(row, Math.abs)));
      expect(largestDifference(found, expected) / largest, JSON.stringify(call)).toBeLessThan(tolerance);
    }
    await model.dispose();
  });
});

describe('prompts and dimensions', () => {
  const rowsOf = (path: string) =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => Float32Array.from((JSON.parse(line) as { vector: number[] }).vector));
  const embedded = async (options: Pick<EmbedOptions, 'prompt' | 'promptText' | 'truncateDimensions'>) => {
    const [input, output] = [join(work, 'texts.jsonl'), join(work, 'vectors.jsonl')];
    writeFileSync(input, texts.map((text) => JSON.stringify({ text })).join('\n'));
    const model = folderNamed('prompts');
    const { dimensions } = await embed({ model, input: { files: [input] }, output, threads: 1, ...options });
    return { dimensions, vectors: rowsOf(output) };
  };

  test('embed writes them to a file', async () => {
    const { dimensions, vectors } = await embedded({ prompt: 'query', truncateDimensions: 8 });
    expect(dimensions).toBe(8);
    expect(largestDifference(vectors, await expectedVectors('prompts', 4))).toBeLessThan(tolerance);
    const { vectors: plain } = await embedded({ promptText: false });
    expect(largestDifference(plain, await expectedVectors('prompts', 3))).toBeLessThan(tolerance);
  });

  test('what the folder has not is refused by name', async () => {
    await expect(embedded({ prompt: 'clustering' })).rejects.toThrow(
      /has no prompt clustering \(prompt\): it has document, glued, passage, query;/,
    );
    await expect(embedded({ prompt: 'query', promptText: 'x' })).rejects.toThrow('give prompt or promptText, not both');
    await expect(embedded({ truncateDimensions: 40 })).rejects.toThrow(/truncateDimensions 40 is over the 32 numbers/);
  });

  test('a pooling that is asked for takes the place of the folder’s own and of its modules', async () => {
    const model = await loadModel(folderNamed('all-kinds'), { threads: 1 });
    for (const pooling of ['cls', 'max', 'mean'] as const) {
      const found = await model.embed(texts, { pooling });
      expect(largestDifference(found, await expectedVectors(`pooling-${pooling}`, 0))).toBeLessThan(tolerance);
    }
    await model.dispose();
  });
});

test('a classifier gives the labels and scores of its logits', async () => {
  const model = await openModel(folderNamed('classifier'), { threads: 1 });
  expect(model.labels).toEqual(['cancel', 'refund', 'track', 'other']);
  const expected = (await expectedVectors('classifier', 0)).map((logits) => scoresOf(logits, model.labels ?? []));
  const found = await model.scores(texts);
  const labels = found.map(([first]) => first?.label);
  expect(labels).toEqual(expected.map(([first]) => first?.label));
  expect(new Set(labels).size).toBe(4);
  for (const [i, scores] of found.entries()) {
    for (const { label, score } of scores) {
      expect(score).toBeCloseTo(expected[i]?.find((other) => other.label === label)?.score ?? Number.NaN, 5);
    }
  }
  await model.dispose();
});

test('a classifier whose weights are gone is told by their file', async () => {
  const folder = folderNamed('classifier');
  const weights = `${readdirSync(folder).findLast((name) => name.endsWith('_Dense'))}/model.safetensors`;
  rmSync(join(folder, weights));
  await expect(loadModel(folder, { threads: 1 })).rejects.toThrow(
    `${folder} lacks ${weights}, its classifier; download it again`,
  );
});

describe('what is not known is refused by name', () => {
  test.each(refusedCases.map((one) => [one.name, one] as const))('%s', async (_, one) => {
    const refusal = await loadModel(refusedFolder(one), { threads: 1 }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(BertuneError);
    const { message } = refusal as BertuneError;
    for (const word of one.words) expect(message).toContain(word);
    expect(message).not.toContain('\n');
  });
});

test.each(tokenizers.map((one) => [one.name, one] as const))('ids of the %s tokenizer', (_, one) => {
  const tokenizer = loadTokenizer(sentenceFolder(one));
  const { before, after } = tokenizer.frame;
  expect(texts.map((text) => [...before, ...tokenizer.encode(text).ids, ...after])).toEqual(one.ids);
});
