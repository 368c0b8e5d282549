import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { adapt } from '../../src/jobs/adapt.ts';
import { card } from '../../src/jobs/card.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { inspect } from '../../src/jobs/inspect.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { folderNamed } from '../sentenceFolders.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening } from './runs.ts';
import { labeledCsv, labeledMessages, messages } from './tiny.ts';

/** Cards of what is made of sentence encoders. */

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const common = { threads: 1, maxSteps: 4, learningRate: 1e-3 };
const notes = listening();
const base = folderNamed('prompts');

beforeAll(async () => {
  writeFileSync(at('corpus.txt'), messages(200).join('\n'));
  writeFileSync(at('labels.csv'), labeledCsv(labeledMessages(80)));
  await adapt(
    {
      ...{ ...common, model: base, corpus: { files: [at('corpus.txt')] }, output: at('adapted') },
      ...{ batchTokens: 256, maxLength: 32, objective: 'masked' },
    },
    notes,
  );
  const train = { files: [at('labels.csv')] };
  await finetune({
    ...common,
    method: 'finetune',
    model: at('adapted'),
    train,
    output: at('intent'),
    evalFraction: 0.3,
    batchSize: 8,
  });
});

const read = (name: string) => readFileSync(at(name, 'README.md'), 'utf8');
const frontMatter = (name: string) => parse(/^---\n([\s\S]*?)\n---\n/.exec(read(name))?.[1] ?? '');

describe('a classifier on vectors', () => {
  test('what the Hub reads', () => {
    expect(frontMatter('intent')).toMatchObject({
      library_name: 'sentence-transformers',
      pipeline_tag: 'text-classification',
      'model-index': [{ results: [{ task: { type: 'text-classification' } }] }],
    });
  });

  test('how it reads a text, and which Python call does not apply', () => {
    const text = read('intent');
    expect(text).toContain('It reads a vector of each text: the mean of all tokens, then Normalize.');
    expect(text).toContain('| vector | the mean of all tokens, then Normalize: 32 numbers |');
    expect(text).toContain('| prompt | "passage:" |');
    expect(text).toContain('| longest text | 64 tokens |');
    expect(text).toContain("echo 'how do i send this back?' | bertune predict --model path/or/name/of/this/model");
    expect(text).toContain('SentenceTransformer(path).encode(texts');
    expect(text).toContain(
      '`AutoModelForSequenceClassification` and the `text-classification` pipeline of Python do not apply',
    );
    expect(text).toContain('--output exported` (put "passage: " before every text');
    // No call that would start a head at random is shown as one to use.
    expect(text).not.toContain('from transformers import pipeline');
  });
});

describe('an adapted sentence encoder', () => {
  test('what the Hub reads: an encoder, measured as a masked language model', () => {
    expect(frontMatter('adapted')).toMatchObject({
      library_name: 'sentence-transformers',
      pipeline_tag: 'sentence-similarity',
      'model-index': [{ results: [{ task: { type: 'fill-mask' } }] }],
    });
  });

  test('how its vectors are made, and what was not measured', () => {
    const text = read('adapted');
    expect(text).toContain(
      'It is a sentence encoder, too: its vector of a text is the mean of all tokens, then Normalize.',
    );
    expect(text).toContain('print(model.encode(["where is my parcel?"]))');
    expect(text).toContain('Whether its vectors serve a task better was not measured');
  });

  test('a head that it lacked is said to start at random; modules, prompts and lengths stay', async () => {
    expect(notes.notes()).toContainEqual(expect.stringMatching(/ has no MLM head: started at random$/));
    const [before, after] = [await inspect({ model: base }), await inspect({ model: at('adapted') })];
    expect(after.sentence).toEqual(before.sentence);
    expect(after.sentence).toMatchObject({ modules: [{ type: 'Normalize' }], defaultPrompt: 'passage', maxLength: 64 });
    const model = await loadModel(at('adapted'), { threads: 1 });
    const [vector] = await model.embed(['where is my parcel?'], { prompt: 'query' });
    expect(Math.hypot(...(vector ?? []))).toBeCloseTo(1, 5);
    await model.dispose();
  });
});

test('the cards again are functions of run.json', async () => {
  for (const name of ['adapted', 'intent']) {
    const before = read(name);
    rmSync(at(name, 'README.md'));
    await card({ model: at(name) });
    expect(read(name)).toBe(before);
  }
});
