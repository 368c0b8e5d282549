import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomBelow } from '../../src/core/random.ts';
import { audit } from '../../src/jobs/audit.ts';
import { calibrate } from '../../src/jobs/calibrate.ts';
import { curve } from '../../src/jobs/curve.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { inspect } from '../../src/jobs/inspect.ts';
import { openModel } from '../../src/jobs/model.ts';
import { predict } from '../../src/jobs/predict.ts';
import { predictFile } from '../../src/jobs/predictFile.ts';
import type { FinetuneOptions, LabelsResult, NumberResult } from '../../src/jobs/types.ts';
import { createServer } from '../../src/server/server.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening, readJson } from './runs.ts';
import { saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const columns = { textColumn: 'question', pairColumn: 'answer' } as const;
const names = { text: 'question', pair: 'answer' };
const threads = 1;

const things = ['order', 'parcel', 'refund', 'invoice', 'card', 'account', 'password', 'delivery'];
const verbs = ['track', 'find', 'close', 'open'];

interface Row {
  readonly question: string;
  readonly answer: string;
  readonly label: 'same' | 'other';
  readonly labels: readonly string[];
  readonly likeness: number;
}

/** Pairs that are about the same thing or not, and do the same or not: neither text alone says it. */
function rowsOf(count: number, seed: number): Row[] {
  return Array.from({ length: count }, (_, i) => {
    const draw = (limit: number, j: number) => randomBelow(limit, seed, 'sample', i, j);
    const [thing, verb] = [draw(things.length, 0), draw(verbs.length, 1)];
    const [isThing, isVerb] = [i % 2 === 0, draw(2, 2) === 0];
    const other = isThing ? thing : (thing + 1 + draw(things.length - 1, 3)) % things.length;
    const otherVerb = isVerb ? verb : (verb + 1 + draw(verbs.length - 1, 4)) % verbs.length;
    return {
      question: `please ${verbs[verb]} my ${things[thing]} now`,
      answer: `i want to ${verbs[otherVerb]} the ${things[other]}`,
      label: isThing ? 'same' : 'other',
      labels: [...(isThing ? ['thing'] : []), ...(isVerb ? ['verb'] : [])],
      likeness: 10 + 20 * Number(isThing) + 10 * Number(isVerb) + draw(3, 5) / 2,
    };
  });
}

const train = { files: [at('train.jsonl')], ...columns };
const held = { files: [at('held.jsonl')], ...columns };
const ofLabels = { labelColumn: 'labels' };
const ofNumbers = { labelColumn: 'likeness' };
const heldRows = rowsOf(160, 2);

beforeAll(async () => {
  const write = (name: string, rows: readonly object[]) =>
    writeFileSync(at(name), `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  write('train.jsonl', rowsOf(400, 1));
  write('held.jsonl', heldRows);
  await saveTinyModel(at('base'));
});

const several = (more: Partial<FinetuneOptions>): FinetuneOptions & { readonly task: 'several-labels' } => ({
  ...{ model: at('base'), train: { ...train, ...ofLabels }, eval: { ...held, ...ofLabels }, threads, output: '' },
  ...more,
  task: 'several-labels',
});
const number = (more: Partial<FinetuneOptions>): FinetuneOptions & { readonly task: 'number' } => ({
  ...{ model: at('base'), train: { ...train, ...ofNumbers }, eval: { ...held, ...ofNumbers }, threads, output: '' },
  ...more,
  task: 'number',
});
const methods = [
  ['words', {}],
  ['frozen', { cache: false }],
  ['finetune', { maxSteps: 12, learningRate: 3e-3 }],
] as const;

/** Answers from a list, one at a time and streamed are those of the file. */
async function expectSameAnswers(model: string, shown: (answer: object) => string[]): Promise<object[]> {
  const listed: object[] = [];
  const opened = await openModel(model, { threads });
  const asked = heldRows.map(({ question, answer }) => ({ text: question, pair: answer }));
  listed.push(...(await opened.predict(asked)));
  for (const i of [0, 7]) {
    const [alone] = await opened.predict(asked.slice(i, i + 1));
    expect(shown(alone ?? {})).toEqual(shown(listed[i] ?? {}));
  }
  await opened.dispose();
  const streamed: object[] = [];
  for await (const one of predict({ model, input: held, threads })) streamed.push(one);
  expect(streamed.map(shown)).toEqual(listed.map(shown));
  for (const [i, one] of streamed.entries()) expect(one).toMatchObject(asked[i] ?? {});
  return listed;
}

describe.each(methods)('several labels of a pair, by %s', (method, settings) => {
  const output = at(`labels-${method}`);

  test('are learned, measured again, told alike everywhere, inspected and exported', async () => {
    const result = await finetune(several({ method, output, ...settings }));
    // Of a network at random there is no more to expect than that its figures are its own.
    if (method === 'words') expect(result.microF1).toBeGreaterThan(0.9);
    expect(readJson(output, 'config.json')).toMatchObject({ text_pairs: names });
    expect(await inspect({ model: output })).toMatchObject({ task: 'several-labels', pairs: names });
    const data = { ...held, ...ofLabels };
    const again = (await evaluate({ model: output, data, threads })) as LabelsResult;
    expect(again.loss).toBeCloseTo(result.loss, 5);
    expect(again.microF1).toBeCloseTo(result.microF1, 10);
    const toldOf = (answer: object) =>
      ((answer as { labels: { label: string }[] }).labels ?? []).map(({ label }) => label).sort();
    const told = await expectSameAnswers(output, toldOf);
    const exact = heldRows.filter(({ labels }, i) => toldOf(told[i] ?? {}).join() === labels.join());
    expect(exact.length / heldRows.length).toBeCloseTo(result.exactMatch, 10);
    await predictFile({ model: output, input: held, output: `${output}.csv`, threads });
    expect(readFileSync(`${output}.csv`, 'utf8').split('\n')).toHaveLength(heldRows.length + 2);
    if (method !== 'words') await expectExported(output);
  }, 60_000);
});

describe.each(methods)('a number of a pair, by %s', (method, settings) => {
  const output = at(`number-${method}`);

  test('is learned, measured again, told alike everywhere, inspected and exported', async () => {
    const result = await finetune(number({ method, output, ...settings }));
    // Of a network at random there is no more to expect than that its figures are its own.
    if (method === 'words') expect(result.r2).toBeGreaterThan(0.9);
    expect(readJson(output, 'config.json')).toMatchObject({ text_pairs: names });
    expect(await inspect({ model: output })).toMatchObject({ task: 'number', pairs: names });
    const again = (await evaluate({ model: output, data: { ...held, ...ofNumbers }, threads })) as NumberResult;
    expect(again.rmse).toBeCloseTo(result.rmse, 4);
    const numberOf = (answer: object) => (answer as { value: number }).value;
    const told = await expectSameAnswers(output, (answer) => [numberOf(answer).toFixed(3)]);
    const squares = told.map((answer, i) => (numberOf(answer) - (heldRows[i]?.likeness ?? 0)) ** 2);
    expect(Math.sqrt(squares.reduce((a, b) => a + b, 0) / squares.length)).toBeCloseTo(result.rmse, 3);
    if (method !== 'words') await expectExported(output);
  }, 60_000);
});

/** The export agrees on random pairs, and on those of a file. */
async function expectExported(model: string): Promise<void> {
  for (const [name, input] of [
    ['random', undefined],
    ['file', held],
  ] as const) {
    const output = `${model}-onnx-${name}`;
    const { files, compared } = await exportModel({ model, output, dtypes: ['fp32'], threads, input });
    expect(files[0]?.largestDifference).toBeLessThan(1e-4);
    expect(compared).toBe(input ? heldRows.length : 32);
    expect(readJson(output, 'config.json')).toMatchObject({ text_pairs: names });
  }
  const one = { files: held.files, textColumn: 'question' };
  await expect(
    exportModel({ model, output: `${model}-onnx-one`, dtypes: ['fp32'], threads, input: one }),
  ).rejects.toThrow(/labels pairs of texts \(question with answer\); name the column of the second text/);
}

describe('of single texts', () => {
  const single = { files: train.files, textColumn: 'answer' };
  const measured = { files: held.files, textColumn: 'answer' };

  test('such labels and numbers are left to chance', async () => {
    const labels = await finetune(
      several({
        ...{ method: 'words', output: at('single-labels') },
        ...{ train: { ...single, ...ofLabels }, eval: { ...measured, ...ofLabels } },
      }),
    );
    expect(labels.exactMatch).toBeLessThan(0.5);
    const numbers = await finetune(
      number({
        ...{ method: 'words', output: at('single-number') },
        ...{ train: { ...single, ...ofNumbers }, eval: { ...measured, ...ofNumbers } },
      }),
    );
    expect(numbers.r2).toBeLessThan(0.15);
  });
});

describe('methods compete on pairs', () => {
  const steps = { maxSteps: 3, budget: 60, learningRate: 1e-3 } as const;

  test('for one label', async () => {
    const { ladder, method } = await finetune({
      ...{ model: at('base'), train: { ...train, labelColumn: 'label' }, eval: { ...held, labelColumn: 'label' } },
      ...{ output: at('ladder'), threads, trainLimit: 200, ...steps },
    });
    expect(ladder?.chosen).toBe(method);
    expect(ladder?.rungs.map((rung) => rung.method)).toEqual(expect.arrayContaining(['words', 'frozen', 'finetune']));
    const accuracyOf = (name: string) => ladder?.rungs.find((rung) => rung.method === name)?.accuracy;
    expect(accuracyOf('words')).toBeGreaterThan(0.9);
    expect(accuracyOf(method)).toBeGreaterThan(0.9);
    expect(await evaluate({ model: at('ladder'), data: { ...held, labelColumn: 'label' }, threads })).toMatchObject({
      accuracy: expect.toSatisfy((accuracy: number) => accuracy > 0.9),
    });
  }, 120_000);

  test('for several labels and a number', async () => {
    const labels = await finetune(several({ output: at('ladder-labels'), ...steps }));
    const numbers = await finetune(number({ output: at('ladder-number'), ...steps }));
    for (const { ladder, method } of [labels, numbers]) {
      expect(ladder?.rungs.map((rung) => rung.method)).toEqual(['words', 'frozen', 'finetune']);
      expect(method).toBe('words');
      expect(ladder?.rungs[0]?.score).toBeGreaterThan(0.9);
    }
  }, 120_000);
});

describe('what is not as it should be', () => {
  test.each([
    [
      'several labels',
      several({ method: 'words', output: at('refused'), train: { ...train, pairColumn: 'labels', ...ofLabels } }),
    ],
    [
      'a number',
      number({ method: 'words', output: at('refused'), train: { ...train, pairColumn: 'likeness', ...ofNumbers } }),
    ],
  ])('%s in the column of the second text', async (_, options) => {
    await expect(finetune(options)).rejects.toThrow(/is the second text of the pairs; choose another label/);
  });

  test('pairs to measure single texts', async () => {
    await expect(
      finetune(
        several({ method: 'words', output: at('refused'), train: { ...train, pairColumn: undefined, ...ofLabels } }),
      ),
    ).rejects.toThrow(/train holds single texts and eval pairs/);
  });

  test('rows without a second text are left out, and counted', async () => {
    const rows = [...rowsOf(60, 3), { ...rowsOf(1, 3)[0], answer: '  ' }];
    writeFileSync(at('gaps.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
    for (const run of [several, number]) {
      const heard = listening();
      const of = run === several ? ofLabels : ofNumbers;
      const gaps = { files: [at('gaps.jsonl')], ...columns, ...of };
      await finetune(run({ method: 'words', output: at(`gaps-${run.name}`), train: gaps }), heard);
      expect(heard.notes()).toContain('train: 1 row without a text in column question or answer left out');
    }
  });

  test('a model of pairs given one column, a model of single texts given two', async () => {
    const one = { files: held.files, textColumn: 'question' };
    const message = /labels pairs of texts \(question with answer\); name the column of the second text by pairColumn/;
    for (const [model, of] of [
      ['labels-frozen', ofLabels],
      ['labels-words', ofLabels],
      ['number-finetune', ofNumbers],
      ['number-words', ofNumbers],
    ] as const) {
      await expect(evaluate({ model: at(model), data: { ...one, ...of } })).rejects.toThrow(message);
      await expect(predict({ model: at(model), input: one }).next()).rejects.toThrow(message);
    }
    const plain = /labels single texts, so answer \(pairColumn\) has no use; leave it out/;
    for (const [model, of] of [
      ['single-labels', ofLabels],
      ['single-number', ofNumbers],
    ] as const) {
      await expect(evaluate({ model: at(model), data: { ...held, ...of } })).rejects.toThrow(plain);
    }
  });

  test('jobs on single texts say so', async () => {
    const data = { ...train, labelColumn: 'label' };
    await expect(audit({ data })).rejects.toThrow('data are single texts here; leave out pairColumn');
    await expect(curve({ train: data })).rejects.toThrow('train are single texts here; leave out pairColumn');
    await expect(
      finetune({ ...{ model: at('base'), train: data, output: at('refused') }, outOfScope: { files: held.files } }),
    ).rejects.toThrow('outOfScope are single texts, and these are pairs; leave it out');
  });
});

describe('a classifier of pairs', () => {
  const model = at('trusted');
  beforeAll(async () => {
    const data = { ...train, labelColumn: 'label' };
    await finetune({
      model: at('base'),
      train: data,
      eval: { ...held, labelColumn: 'label' },
      output: model,
      method: 'words',
      threads,
    });
  });

  test('is calibrated on pairs, and on nothing else', async () => {
    writeFileSync(
      at('fresh.jsonl'),
      rowsOf(300, 9)
        .map((row) => JSON.stringify(row))
        .join('\n'),
    );
    const fresh = { files: [at('fresh.jsonl')], ...columns, labelColumn: 'label' };
    await expect(calibrate({ model, data: { ...fresh, pairColumn: undefined } })).rejects.toThrow(
      /labels pairs of texts \(question with answer\); name the column of the second text by pairColumn/,
    );
    expect((await calibrate({ model, data: fresh, threads })).texts).toBeGreaterThan(100);
    // Also where its words are scaled anew.
    rmSync(join(model, 'trust'), { recursive: true });
    expect((await calibrate({ model, data: fresh, threads })).scaling).toBeDefined();
    expect((await inspect({ model })).pairs).toEqual({ text: 'question', pair: 'answer' });
  });

  test('leaves pairs unlabeled in a program and over HTTP as predict does', async () => {
    const asked = { answered: 0.5, coverage: 0.9 } as const;
    const texts = heldRows.map(({ question, answer }) => ({ text: question, pair: answer }));
    const opened = await openModel(model, { threads });
    const { decisions, promised } = await opened.decide(texts, asked);
    await expect(opened.decide(['a single text'], asked)).rejects.toThrow(
      /labels pairs of texts .* number 0 is a single/,
    );
    await opened.dispose();
    const without = decisions.filter(({ label }) => label === null).length;
    expect(without).toBeGreaterThan(5);
    expect(without).toBeLessThan(texts.length - 5);
    const input = { files: held.files, ...columns };
    const predicted = [];
    for await (const { text, pair, ...decision } of predict({ model, input, threads, ...asked }))
      predicted.push(decision);
    expect(predicted).toEqual(decisions);
    const server = await createServer({ models: [model], port: 0, threads, ...asked });
    const response = await fetch(`${server.url}/predict`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ texts: texts.slice(0, 200) }),
    });
    const answer = (await response.json()) as { predictions: { scores: object[] }[]; promised: string[] };
    await server.close();
    expect(answer.promised).toEqual(promised);
    expect(answer.predictions.map(({ scores, ...decision }) => decision)).toEqual(decisions.slice(0, 200));
  });

  test.each(['words', 'frozen'] as const)('explains by the words of both texts, by %s', async (method) => {
    const path = method === 'words' ? model : at('labels-one');
    if (method === 'frozen') {
      const data = { ...train, labelColumn: 'label' };
      await finetune({ model: at('base'), train: data, output: path, method, threads, cache: false });
    }
    const input = { files: held.files, ...columns };
    const pairs = heldRows.slice(0, 20);
    const explained = [];
    for await (const one of predict({ model: path, input, explain: true, threads })) explained.push(one);
    const opened = await openModel(path, { threads });
    for (const [i, { question, answer }] of pairs.entries()) {
      const { explanation, label } = explained[i] as {
        explanation?: { label: string; words: readonly Word[] };
        label?: string;
      };
      expect(explanation).toMatchObject({ label, method: 'occlusion' });
      const words = explanation?.words ?? [];
      expect(words.map(({ text }) => text)).toEqual([...question.split(' '), ...answer.split(' ')]);
      for (const { text, of, start, end } of words) {
        expect((of === 'pair' ? answer : question).slice(start, end)).toBe(text);
      }
      // Without the last word of the second text it is as a pair that never had it.
      const last = words.at(-1);
      const [whole, without] = await opened.scores([
        { text: question, pair: answer },
        { text: question, pair: answer.slice(0, last?.start) },
      ]);
      const chanceOf = (scores: typeof whole) => Math.log(scores?.find((one) => one.label === label)?.score ?? 0);
      expect(last?.weight).toBeCloseTo(chanceOf(whole) - chanceOf(without), 4);
    }
    await opened.dispose();
  });
});

interface Word {
  readonly text: string;
  readonly of?: string;
  readonly start: number;
  readonly end: number;
  readonly weight: number;
}
