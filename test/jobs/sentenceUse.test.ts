import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadText } from '../../src/hub/textFolder.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { inspect } from '../../src/jobs/inspect.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { predict } from '../../src/jobs/predict.ts';
import type { ClassificationResult, Prediction } from '../../src/jobs/types.ts';
import { type Pooling, pooledBy } from '../../src/models/text/sentence/pooling.ts';
import { runInProcess } from '../cli/terminal.ts';
import { folderNamed, texts } from '../sentenceFolders.ts';
import { temporaryFolder } from '../temporary.ts';

/** What the jobs make of sentence encoders and of classifiers on their vectors. */

describe('inspect', () => {
  test('how vectors are made', async () => {
    const { sentence, reads, heads } = await inspect({ model: folderNamed('all-kinds') });
    expect([reads, heads]).toEqual([null, ['pooler']]);
    expect(sentence).toMatchObject({
      ...{ pooling: ['cls'], includePrompt: true, dimensions: 12, maxLength: 64 },
      ...{ lowerCase: false, similarity: 'cosine', defaultPrompt: null },
    });
    expect(sentence?.modules.map(({ type }) => type)).toEqual(['LayerNorm', 'Dropout', 'Dense', 'Normalize']);
  });

  test('as the command shows it', async () => {
    const { stdout } = await runInProcess(['inspect', '--model', folderNamed('without-prompt')]);
    expect(rowsOf(stdout)).toMatchObject({
      pooling: 'the mean of all tokens, without the prompt',
      modules: 'Normalize',
      vector: '32 numbers',
      prompts: 'document: "", glued: "hel", passage: "passage: ", query: "query: "',
      'longest text': '64 tokens',
      'lower-casing': "the tokenizer's own",
      similarity: 'cosine',
    });
    expect(rowsOf((await runInProcess(['inspect', '--model', folderNamed('dense-two')])).stdout)).toMatchObject({
      modules: 'Dense 32 to 24, relu, then Dense 24 to 10, identity',
      vector: '10 numbers',
    });
    expect(rowsOf((await runInProcess(['inspect', '--model', folderNamed('prompts')])).stdout).prompts).toContain(
      'passage (the default): "passage: "',
    );
    expect(rowsOf((await runInProcess(['inspect', '--model', folderNamed('truncated')])).stdout).vector).toBe(
      'the first 8 of 32 numbers',
    );
    const short = rowsOf((await runInProcess(['inspect', '--model', folderNamed('max-seq-length-16')])).stdout);
    expect(short['longest text']).toBe('16 tokens');
    const limited = await inspect({ model: folderNamed('old-max-length-of-tokenizer') });
    expect(limited.sentence?.maxLength).toBe(12);
  });

  test('what a classifier reads', async () => {
    const folder = folderNamed('classifier');
    const { stdout } = await runInProcess(['inspect', '--model', folder]);
    expect(rowsOf(stdout)).toMatchObject({
      heads: 'pooler, classifier',
      labels: '4: cancel, refund, track, other',
      'classifier reads': 'the mean of all tokens, then Normalize',
      modules: 'Normalize',
    });
    expect(await inspect({ model: folderNamed('plain') })).toMatchObject({ sentence: null, reads: null });
  });
});

describe('a classifier on vectors, with a default prompt', () => {
  test('evaluate measures what predict says', async () => {
    const folder = folderNamed('classifier');
    const settings = join(folder, 'config_sentence_transformers.json');
    const prompts = { prompts: { task: 'where is my refund, track the order ' }, default_prompt_name: 'task' };
    const withPrompt = async (value: object) => {
      writeFileSync(settings, JSON.stringify(value));
      const model = await loadModel(folder, { threads: 1 });
      const found = await model.classify(texts.filter((text) => text.trim() !== ''));
      await model.dispose();
      return found;
    };
    const without = await withPrompt({});
    const expected = await withPrompt(prompts);
    // The prompt tells, or nothing is checked here.
    expect(expected.map(({ score }) => score)).not.toEqual(without.map(({ score }) => score));
    const file = join(temporaryFolder(), 'labeled.jsonl');
    writeFileSync(file, expected.map(({ text, label }) => JSON.stringify({ text, label })).join('\n'));
    const measured = await evaluate({ model: folder, data: { files: [file] }, threads: 1 });
    const { accuracy, loss, count } = measured as ClassificationResult;
    expect([accuracy, count]).toEqual([1, expected.length]);
    const mean = expected.reduce((sum, { score }) => sum - Math.log(score), 0) / expected.length;
    expect(loss).toBeCloseTo(mean, 5);
    const predicted = [];
    for await (const one of predict({ model: folder, input: { files: [file] }, threads: 1 })) predicted.push(one);
    expect(predicted.map((one) => (one as Prediction).label)).toEqual(expected.map(({ label }) => label));
  });
});

describe('whose classifier it is', () => {
  test('weights in a folder that modules.json does not name are none', async () => {
    const folder = folderNamed('classifier');
    const modules = JSON.parse(readFileSync(join(folder, 'modules.json'), 'utf8'));
    writeFileSync(join(folder, 'modules.json'), JSON.stringify(modules.slice(0, -1)));
    expect((await inspect({ model: folder })).heads).toEqual(['pooler']);
  });

  test('of vectors that come about in another way, none of the folder', async () => {
    const folder = folderNamed('classifier');
    const labels = ['cancel', 'refund', 'track', 'other'];
    const load = async (reads?: Pooling | 'suited') => {
      const notes: string[] = [];
      const { atRandom } = await loadText(folder, {
        head: 'oneLabel',
        labels,
        reads,
        onNote: (line) => notes.push(line),
      });
      return [atRandom, notes];
    };
    expect(await load('suited')).toEqual([[], []]);
    renameSync(join(folder, '3_Dense'), join(folder, '2_Dense'));
    const modules = readFileSync(join(folder, 'modules.json'), 'utf8');
    writeFileSync(join(folder, 'modules.json'), modules.replace('3_Dense', '2_Dense'));
    expect(await load('suited')).toEqual([[], []]);
    const [atRandom, notes] = await load(pooledBy('cls'));
    expect(atRandom).toEqual(['classifier']);
    expect(notes).toEqual([`${folder} has no classifier for these labels: started at random`]);
  });
});

describe('what a sentence encoder cannot do is said', () => {
  test('predict, fill-mask and evaluate of an encoder; fill-mask of a classifier', async () => {
    const encoder = folderNamed('normalize');
    const model = await loadModel(encoder, { threads: 1 });
    await expect(model.classify(['a'])).rejects.toThrow(
      `${encoder} has no classification head, which classification needs; it has an encoder only, for vectors`,
    );
    await expect(model.fillMask('a [MASK]')).rejects.toThrow(
      `${encoder} has no MLM head, which fill-mask needs; it has an encoder only, for vectors`,
    );
    await model.dispose();
    const data = { files: [join(encoder, 'vocab.txt')] };
    await expect(evaluate({ model: encoder, data })).rejects.toThrow(
      `${encoder} has neither a classification head nor an MLM head: there is nothing to evaluate`,
    );
    const folder = folderNamed('classifier');
    const classifier = await loadModel(folder, { threads: 1 });
    await expect(classifier.fillMask('a [MASK]')).rejects.toThrow(
      `${folder} has no MLM head, which fill-mask needs; it has classification head`,
    );
    await classifier.dispose();
  });
});

/** A table of two columns. */
function rowsOf(table: string): Record<string, string> {
  const pairs = table.split('\n').flatMap((line) => {
    const [, key, value] = /^(.+?) {2,}(.+)$/.exec(line.trim()) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(pairs);
}
