import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adapt } from '../../src/jobs/adapt.ts';
import { embed } from '../../src/jobs/embed.ts';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel, openModel } from '../../src/jobs/model.ts';
import { ExportedSentence } from '../export/exportedSentence.ts';
import { labeledCsv, labeledMessages, messages } from '../jobs/tiny.ts';
import { data, models, needing } from '../needs.ts';
import { type Call, cases, largestDifference, optionsOf, scoresOf, sentenceFolder, texts } from '../sentenceFolders.ts';
import { temporaryFolder } from '../temporary.ts';
import { hubConfig, tokenizerFixture } from './models.ts';
import { type PythonEncoding, Reference } from './reference.ts';
import { type Comparison, SentenceTable } from './sentenceTable.ts';
import { manyTexts } from './sentenceTexts.ts';

/** Of numbers in the size of 1: both sides sum in float32, in orders of their own. */
const tolerance = 1e-5;

const work = temporaryFolder();
const threads = 2;
const training = { threads, learningRate: 1e-3, maxSteps: 4, seed: 3 };
const table = new SentenceTable();
const titled = cases.map((one) => [one.name, one] as const);
const encoders = titled.filter(([, { labels }]) => !labels);

needing('python').describe('sentence encoders in bertune and in Python', () => {
  let reference: Reference;
  beforeAll(() => {
    reference = new Reference();
    writeFileSync(join(work, 'corpus.txt'), messages(80).join('\n'));
    writeFileSync(join(work, 'labeled.csv'), labeledCsv(labeledMessages(40)));
  });
  afterAll(() => {
    process.stdout.write(String(table));
    reference.close();
  });

  describe('every folder of test/fixtures/sentence', () => {
    test.each(encoders)('%s gives the vectors of encode', async (name, one) => {
      await expectSameVectors(name, 'encode', sentenceFolder(one), texts, one.calls);
    });

    test.each(titled)('%s, exported, gives them in transformers.js', async (name, one) => {
      const [folder, output] = [sentenceFolder(one), join(work, `${name}-exported`)];
      await exportModel({ model: folder, output, dtypes: ['fp32'], threads });
      const exported = await ExportedSentence.open(folder, output, 'fp32');
      const found = await exported.run(texts, {}, one.labels ? 'logits' : 'sentence_embedding');
      const python = await reference.encode(folder, texts, [{}]);
      expectSame(found, vectorsOf(python, 0), name, 'transformers.js');
      await exported.dispose();
    });

    test.each(encoders)('%s, adapted, gives them too', async (name, one) => {
      const output = join(work, name, 'adapted');
      const corpus = { files: [join(work, 'corpus.txt')] };
      await adapt({ ...training, model: sentenceFolder(one), corpus, output, batchTokens: 128 });
      await expectSameVectors(name, 'adapted', output, texts, one.calls);
    });

    test.each(titled)('%s, fine-tuned, gives logits', async (name, one) => {
      const output = join(work, name, 'classifier');
      const train = { files: [join(work, 'labeled.csv')] };
      // A plain BERT with a pooler would become BertForSequenceClassification.
      const reads = name.startsWith('plain') ? 'mean' : undefined;
      await finetune({
        ...training,
        method: 'finetune',
        model: sentenceFolder(one),
        train,
        output,
        batchSize: 8,
        reads,
      });
      await expectSameScores(name, output, texts);
    });
  });

  test('a masked language model without a pooler, fine-tuned, gives logits of the mean', async () => {
    const [folder, output] = [join(work, 'without-pooler'), join(work, 'without-pooler-tuned')];
    const saved = {
      folder,
      kind: 'BertForMaskedLM',
      config: hubConfig,
      tokenizer: tokenizerFixture('uncased'),
    } as const;
    await reference.save(saved);
    await finetune({
      ...training,
      method: 'finetune',
      model: folder,
      train: { files: [join(work, 'labeled.csv')] },
      output,
      batchSize: 8,
    });
    // Python makes one that nothing reads, and says so.
    const absent = ['pooler.dense.bias', 'pooler.dense.weight'];
    await expectSameScores('masked LM without a pooler', output, texts, absent);
  });

  needing('models').describe('all-MiniLM-L6-v2', () => {
    const name = 'all-MiniLM-L6-v2';
    const folder = join(models, 'all-minilm-l6-v2');

    needing('data').test('embed writes the vectors of encode for 3,000 texts', async () => {
      const many = manyTexts();
      expect(many).toHaveLength(3000);
      const [input, output] = [join(work, 'texts.jsonl'), join(work, 'vectors.jsonl')];
      writeFileSync(input, many.map((text) => JSON.stringify({ text })).join('\n'));
      await embed({ model: folder, input: { files: [input], textColumn: 'text' }, output, threads });
      const python = await reference.encode(folder, many, [{}]);
      expectSame(readVectors(output), vectorsOf(python, 0), name, 'encode');
    });

    needing('data').test('adapted and fine-tuned', async () => {
      const some = manyTexts().filter((_, i) => i % 20 === 0);
      const [adapted, tuned] = [join(work, 'adapted'), join(work, 'tuned')];
      const corpus = { files: [join(work, 'corpus.txt')] };
      await adapt({ ...training, learningRate: 1e-4, model: folder, corpus, output: adapted, batchTokens: 512 });
      await expectSameVectors(name, 'adapted', adapted, some, [{}]);
      const train = { files: [join(data, 'intents', 'banking77_train_10.csv')] };
      await finetune({ ...training, method: 'finetune', learningRate: 1e-4, model: folder, train, output: tuned });
      await expectSameScores(name, tuned, some);
    });
  });

  async function expectSameVectors(
    name: string,
    comparison: Comparison,
    folder: string,
    of: readonly string[],
    calls: readonly Call[],
  ): Promise<void> {
    const python = await reference.encode(folder, of, calls.map(pythonCall));
    const inVectors = python.said
      .flatMap(weightsNamed)
      .filter((weight) => !/^(cls\.predictions|pooler)\./.test(weight));
    expect(inVectors).toEqual([]);
    const model = await loadModel(folder, { threads });
    for (const [number, call] of calls.entries()) {
      expectSame(await model.embed(of, optionsOf(call)), vectorsOf(python, number), name, comparison);
    }
    await model.dispose();
  }

  /** @param absent weights that Python misses */
  async function expectSameScores(
    name: string,
    folder: string,
    of: readonly string[],
    absent: readonly string[] = [],
  ): Promise<void> {
    const python = await reference.encode(folder, of, [{}]);
    expect(python.said.flatMap(weightsNamed).sort()).toEqual(absent);
    const model = await openModel(folder, { threads });
    expect(python.labels).toEqual(model.labels);
    const found = await model.scores(of);
    const expected = vectorsOf(python, 0).map((logits) => scoresOf(logits, python.labels));
    const labels = (rows: typeof found) => rows.map(([best]) => best?.label);
    expect(labels(found)).toEqual(labels(expected));
    const scores = (rows: typeof found) => rows.map((row) => Float32Array.from(row, ({ score }) => score));
    expectSame(scores(found), scores(expected), name, 'classifier');
    await model.dispose();
  }

  function expectSame(
    found: readonly Float32Array[],
    expected: readonly Float32Array[],
    name: string,
    comparison: Comparison,
  ): void {
    const size = Math.max(1, ...expected.map((row) => row.reduce((most, value) => Math.max(most, Math.abs(value)), 0)));
    const difference = largestDifference(found, expected) / size;
    table.note(name, comparison, difference);
    expect(difference, name).toBeLessThanOrEqual(tolerance);
  }
});

function pythonCall({ promptText, ...call }: Call): Record<string, unknown> {
  return promptText === undefined ? call : { ...call, prompt: promptText };
}

/**
 * Weights that a warning says are missing or left over, or the warning. The head that adapting trained is left over in
 * Python, and the pooler beside it missing: neither has a part in a vector.
 */
function weightsNamed(warning: string): string[] {
  const rows = warning.match(/^\S+(?= +\| (UNEXPECTED|MISSING))/gm);
  return rows ? [...rows] : [warning];
}

/** The vectors of a .jsonl file. */
function readVectors(path: string): Float32Array[] {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.map((line) => Float32Array.from((JSON.parse(line) as { vector: number[] }).vector));
}

function vectorsOf({ vectors }: PythonEncoding, call: number): Float32Array[] {
  return vectors[call] ?? [];
}
