import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomBelow } from '../../src/core/random.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { inspect } from '../../src/jobs/inspect.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { predict } from '../../src/jobs/predict.ts';
import { predictFile } from '../../src/jobs/predictFile.ts';
import type { JobEvent, TextPair } from '../../src/jobs/types.ts';
import { createServer } from '../../src/server/server.ts';
import type { DataOptions } from '../../src/settings/data.ts';
import { runCommand } from '../cli/build.ts';
import { temporaryFolder } from '../temporary.ts';
import { saveTinyClassifier, saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const fixtures = join(import.meta.dirname, '../fixtures/pairs');
const byPython = join(fixtures, 'classifier');
const { classifier } = JSON.parse(gunzipSync(readFileSync(join(fixtures, 'expected.json.gz'))).toString()) as {
  classifier: { pairs: [string, string][]; answers: Record<string, number>[] };
};
const columns = { textColumn: 'question', pairColumn: 'answer' } as const;
const notesOf = (notes: string[]) => ({
  onEvent: (event: JobEvent) => event.type === 'note' && notes.push(event.text),
});

interface PredictAnswer {
  readonly error?: string;
  readonly predictions: [{ readonly scores: readonly { readonly label: string; readonly score: number }[] }];
}

interface Row {
  readonly question: string;
  readonly answer: string;
  readonly label: string;
}

const things = ['order', 'parcel', 'refund', 'invoice', 'card', 'account', 'password', 'delivery'];

/** Pairs of which neither text alone says whether both are about the same thing. */
function rowsOf(count: number, seed: number): Row[] {
  return Array.from({ length: count }, (_, i) => {
    const draw = (limit: number, j: number) => randomBelow(limit, seed, 'sample', i, j);
    const first = draw(things.length, 0);
    const isSame = i % 2 === 0;
    const second = isSame ? first : (first + 1 + draw(things.length - 1, 1)) % things.length;
    const [verb, other] = [['track', 'find', 'close'][draw(3, 2)], ['open', 'update', 'pay'][draw(3, 3)]];
    return {
      question: `please ${verb} my ${things[first]} now`,
      answer: `i want to ${other} the ${things[second]}`,
      label: isSame ? 'same' : 'other',
    };
  });
}

function writeCsv(name: string, rows: readonly Row[]): string {
  const lines = rows.map(({ question, answer, label }) => `"${question}","${answer}",${label}`);
  writeFileSync(at(name), `question,answer,label\n${lines.join('\n')}\n`);
  return at(name);
}

const train = { files: [at('train.csv')], ...columns };
const held = { files: [at('held.csv')], ...columns };

beforeAll(async () => {
  writeCsv('train.csv', rowsOf(400, 1));
  writeCsv('held.csv', rowsOf(160, 2));
  await saveTinyModel(at('base'));
});

describe("a classifier of Python's", () => {
  const asked = classifier.pairs.map(([text, pair]): TextPair => ({ text, pair }));

  test('gives the answers that its pipeline gives, each pair by itself and all together', async () => {
    const model = await loadModel(byPython, { threads: 1 });
    expect(model.pairs).toEqual({ text: 'question', pair: 'answer' });
    const together = await (await loadOpen()).scores(asked);
    for (const [i, answer] of classifier.answers.entries()) {
      for (const { label, score } of together[i] ?? []) expect(score).toBeCloseTo(answer[label] ?? Number.NaN, 5);
      const [alone] = await model.classify([asked[i] as TextPair]);
      expect(alone).toMatchObject({ ...asked[i], label: together[i]?.[0]?.label });
      expect(alone?.score).toBeCloseTo(together[i]?.[0]?.score ?? 0, 5);
    }
    await model.dispose();
  });

  test('tells which text is which, and reads both', async () => {
    const model = await loadOpen();
    const [one, turned, other] = await model.scores([
      { text: 'where is my order', pair: 'it is late' },
      { text: 'it is late', pair: 'where is my order' },
      { text: 'where is my order', pair: 'my card' },
    ]);
    const best = (scores: typeof one) => scores?.map(({ score }) => score.toFixed(3)).join();
    expect(new Set([best(one), best(turned), best(other)]).size).toBe(3);
  });

  test('is inspected, exported with both texts compared, and measured', async () => {
    expect(await inspect({ model: byPython })).toMatchObject({ pairs: { text: 'question', pair: 'answer' } });
    const output = at('exported');
    const { files } = await exportModel({ model: byPython, output, dtypes: ['fp32'] });
    expect(files[0]?.largestDifference).toBeLessThan(1e-4);
    const own = await (await loadOpen()).scores(plain.map(([text, pair]) => ({ text, pair })));
    for (const [i, logits] of (await exportedOn(output)).entries()) {
      const exps = logits.map(Math.exp);
      const sum = exps.reduce((a, b) => a + b, 0);
      for (const [c, label] of ['no', 'partly', 'yes'].entries()) {
        const score = own[i]?.find((one) => one.label === label)?.score;
        expect((exps[c] ?? 0) / sum, label).toBeCloseTo(score ?? Number.NaN, 4);
      }
    }
    const rows = classifier.pairs.map(([question, answer], i) => {
      const [label = ''] = Object.entries(classifier.answers[i] ?? {}).sort(([, a], [, b]) => b - a)[0] ?? [];
      return { question, answer, label };
    });
    const lines = rows.filter(({ question, answer }) => question.trim() !== '' && answer.trim() !== '');
    writeFileSync(at('own.jsonl'), lines.map((row) => JSON.stringify(row)).join('\n'));
    const measured = await evaluate({ model: byPython, data: { files: [at('own.jsonl')], ...columns } });
    expect(measured).toMatchObject({ accuracy: 1, count: lines.length });
  });

  const plain = [
    ['where is my order', 'it is late'],
    ['it is late', 'where is my order'],
    ['my card', 'the card is gone'],
  ] as const;

  /** What transformers.js makes of the exported folder: its own tokenizer with both texts, and the model. */
  async function exportedOn(path: string) {
    const { AutoModelForSequenceClassification, AutoTokenizer, env } = await import('@huggingface/transformers');
    env.allowRemoteModels = false;
    env.localModelPath = '';
    const tokenizer = await AutoTokenizer.from_pretrained(path);
    const model = await AutoModelForSequenceClassification.from_pretrained(path, { dtype: 'fp32' });
    const answers: number[][] = [];
    for (const [text, pair] of plain) {
      const { logits } = await model(tokenizer(text, { text_pair: pair }));
      answers.push(Array.from(logits.data as Float32Array));
    }
    return answers;
  }

  async function loadOpen() {
    const { openModel } = await import('../../src/jobs/model.ts');
    return openModel(byPython, { threads: 1 });
  }
});

describe.each(['words', 'frozen', 'hybrid', 'finetune', 'finetune+words'] as const)('finetune by %s', (method) => {
  const output = at(method);
  const steps = { maxSteps: 30, learningRate: 3e-3 } as const;

  test('learns of pairs, answers alike from a file, a list and as it measured, and says what it was trained on', async () => {
    const network = method === 'words' ? {} : ({ maxLength: 32 } as const);
    const settings = { threads: 1, ...network, ...(method.startsWith('finetune') ? steps : {}) };
    const result = await finetune({ model: at('base'), train, eval: held, output, method, ...settings });
    if (!('accuracy' in result)) throw new Error('no classifier');
    // Words that both have say it; a single text leaves it to chance.
    if (method !== 'frozen' && method !== 'finetune') expect(result.accuracy).toBeGreaterThan(0.9);
    expect(JSON.parse(readFileSync(join(output, 'config.json'), 'utf8'))).toMatchObject({
      text_pairs: { text: 'question', pair: 'answer' },
    });
    expect(readFileSync(join(output, 'README.md'), 'utf8')).toContain(
      'A classifier of pairs of texts (question with answer) with 2 labels',
    );
    expect(await evaluate({ model: output, data: held, threads: 1 })).toMatchObject({ accuracy: result.accuracy });
    const rows = rowsOf(160, 2);
    await predictFile({ model: output, input: held, output: at(`${method}.jsonl`), threads: 1 });
    const written = readFileSync(at(`${method}.jsonl`), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const streamed = [];
    for await (const one of predict({ model: output, input: held, threads: 1 })) streamed.push(one);
    const model = await loadModel(output, { threads: 1 });
    const listed = await model.classify(rows.map(({ question, answer }) => ({ text: question, pair: answer })));
    await model.dispose();
    for (const [i, { question, answer, label }] of rows.entries()) {
      const { label: own, score } = listed[i] ?? {};
      expect(written[i]).toMatchObject({ question, answer, label, predicted_label: own });
      expect(streamed[i]).toMatchObject({ text: question, pair: answer, label: own });
      expect(written[i].score).toBeCloseTo(score ?? 0, 4);
    }
    const right = rows.filter(({ label }, i) => listed[i]?.label === label).length;
    expect(right / rows.length).toBeCloseTo(result.accuracy, 6);
  }, 60_000);
});

test('columns the other way round are told', async () => {
  await finetune({ model: at('base'), train, eval: held, output: at('turning'), method: 'words', threads: 1 });
  const told = async (data: DataOptions) => {
    const notes: string[] = [];
    await evaluate({ model: at('turning'), data, threads: 1 }, notesOf(notes));
    return notes.filter((line) => line.includes('the other way round'));
  };
  expect(await told(held)).toEqual([]);
  expect(await told({ ...held, textColumn: 'answer', pairColumn: 'question' })).toHaveLength(1);
});

test('single texts of such data leave it to chance', async () => {
  const single = { files: [at('train.csv')], textColumn: 'answer' };
  const result = await finetune({
    ...{ model: at('base'), train: single, eval: { ...single, files: [at('held.csv')] } },
    ...{ output: at('single'), method: 'words', threads: 1 },
  });
  if (!('accuracy' in result)) throw new Error('no classifier');
  expect(result.accuracy).toBeLessThan(0.65);
});

describe('refused, in one line', () => {
  const output = at('refused');
  const run = (more: object) => finetune({ model: at('base'), train, output, method: 'words', ...more });

  test.each([
    [
      'the same column twice',
      { train: { ...train, pairColumn: 'question' } },
      /column question is the first text of the pairs/,
    ],
    [
      'the label as second text',
      { train: { ...train, pairColumn: 'label', labelColumn: 'label' } },
      /column label is the second text of the pairs; choose another label/,
    ],
    [
      'a column that is not there',
      { train: { ...train, pairColumn: 'reply' } },
      /has no column reply \(pairColumn\); it has: question, answer, label/,
    ],
    [
      'pairs to measure single texts',
      { train: { ...train, pairColumn: undefined }, eval: held },
      /train holds single texts and eval pairs/,
    ],
    [
      'texts without labels',
      { unlabeled: { files: [at('train.csv')], textColumn: 'question' } },
      /unlabeled helps with single texts/,
    ],
    ['names of labels', { labelTexts: 'names' }, /labelTexts describe single texts/],
    ['windows', { longTexts: 'windows', method: 'frozen' }, /longTexts windows cuts single texts/],
    ['no room', { maxLength: 4, method: 'frozen' }, /maxLength 4 leaves no room for two texts; use at least 5/],
  ])('%s', async (_, more, message) => {
    await expect(run(more)).rejects.toThrow(message);
  });

  test('rows without a second text are left out, and counted', async () => {
    const rows = [...rowsOf(40, 3), { question: 'where is it', answer: ' ', label: 'same' }];
    const notes: string[] = [];
    await finetune(
      {
        model: at('base'),
        train: { files: [writeCsv('gaps.csv', rows)], ...columns },
        output: at('gaps'),
        method: 'words',
      },
      notesOf(notes),
    );
    expect(notes).toContain('train: 1 row without a text in column question or answer left out');
  });

  test('a model of pairs given one column, a model of single texts given two, by every verb', async () => {
    const one = { files: [at('held.csv')], textColumn: 'question' };
    const message = /labels pairs of texts \(question with answer\); name the column of the second text by pairColumn/;
    await expect(evaluate({ model: byPython, data: one })).rejects.toThrow(message);
    await expect(predictFile({ model: byPython, input: one, output: at('none.csv') })).rejects.toThrow(message);
    await expect(predict({ model: byPython, input: one }).next()).rejects.toThrow(message);
    await saveTinyClassifier(at('plain'), ['other', 'same']);
    const plain = /labels single texts, so answer \(pairColumn\) has no use; leave it out/;
    await expect(evaluate({ model: at('plain'), data: held })).rejects.toThrow(plain);
    await expect(predictFile({ model: at('plain'), input: held, output: at('none.csv') })).rejects.toThrow(plain);
    const [pairs, single] = [await loadModel(byPython), await loadModel(at('plain'))];
    await expect(pairs.classify(['where is it'])).rejects.toThrow(/number 0 is a single one; give \{ text, pair \}/);
    await expect(single.classify([{ text: 'a', pair: 'b' }])).rejects.toThrow(
      /labels single texts, and number 0 is a pair/,
    );
    await expect(run({ model: at('plain'), method: 'finetune', maxSteps: 1 })).rejects.toThrow(
      /has a classifier of single texts for these labels, and train holds pairs/,
    );
  });
});

test('lines with a tab on standard input, by the command', async () => {
  const lines = ['where is my order\tit is late', 'my card\tmy account'];
  const words = ['predict', '--model', byPython];
  const { code, stdout } = await runCommand(words, { input: lines.join('\n') });
  expect(code).toBe(0);
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { text: 'where is my order', pair: 'it is late' },
    { text: 'my card', pair: 'my account' },
  ]);
  expect(await runCommand(words, { input: 'where is my order' })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      'a line needs both with one tab between them, or give a file with --input and --pair-column',
    ),
  });
}, 60_000);

test('a server answers pairs, and says what is wrong with single texts', async () => {
  await saveTinyClassifier(at('plain'), ['other', 'same']);
  const server = await createServer({ models: [byPython, at('plain')], port: 0, threads: 1 });
  try {
    const [text, pair] = classifier.pairs[3] ?? ['', ''];
    const ask = async (body: object) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${server.url}/predict`, { method: 'POST', headers, body: JSON.stringify(body) });
      return { status: response.status, answer: (await response.json()) as PredictAnswer };
    };
    const { status, answer } = await ask({ texts: [{ text, pair }], topK: 3 });
    expect(status).toBe(200);
    for (const { label, score } of answer.predictions[0].scores) {
      expect(score).toBeCloseTo(classifier.answers[3]?.[label] ?? Number.NaN, 5);
    }
    expect(await ask({ texts: [text] })).toMatchObject({
      status: 400,
      answer: { error: expect.stringMatching(/labels pairs of texts \(question with answer\)/) },
    });
    expect(await ask({ model: 'plain', texts: [{ text, pair }] })).toMatchObject({
      status: 400,
      answer: { error: expect.stringMatching(/labels single texts, and number 0 is a pair/) },
    });
    expect(await ask({ texts: [{ text }] })).toMatchObject({ status: 400 });
    expect(await ask({ texts: [{ text, pair: ' ' }] })).toMatchObject({
      status: 400,
      answer: { error: 'texts/0/pair is empty' },
    });
    expect(await (await fetch(`${server.url}/health`)).json()).toMatchObject({
      models: [{ pairs: { text: 'question', pair: 'answer' } }, { pairs: null }],
    });
  } finally {
    await server.close();
  }
}, 60_000);
