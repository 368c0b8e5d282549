import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { regressionMetrics } from '../../src/evaluation/regression.ts';
import { card } from '../../src/jobs/card.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { inspect } from '../../src/jobs/inspect.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { predict } from '../../src/jobs/predict.ts';
import { predictFile } from '../../src/jobs/predictFile.ts';
import type { FinetuneOptions, LabelsResult, NumberResult } from '../../src/jobs/types.ts';
import { temporaryFolder } from '../temporary.ts';
import { ratedMessages, topicMessages, topicNames } from './answered.ts';
import { listening, readJson, weightsOf } from './runs.ts';
import { saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const topics = topicMessages(160);
const rated = ratedMessages(160);
const threads = 1;

beforeAll(async () => {
  await saveTinyModel(at('tiny'));
  const lines = (rows: readonly object[]) => `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;
  writeFileSync(at('topics.jsonl'), lines(topics));
  writeFileSync(at('more.jsonl'), lines(topicMessages(80, 77)));
  const csv = topics.map(({ text, labels }) => `"${text}",${labels.join('; ')}`);
  writeFileSync(at('topics.csv'), `text,tags\n${csv.join('\n')}\n`);
  const columns = topics.map(({ text, labels }) => [
    `"${text}"`,
    ...topicNames.map((name) => Number(labels.includes(name))),
  ]);
  writeFileSync(at('columns.csv'), `text,${topicNames.join()}\n${columns.map((row) => row.join()).join('\n')}\n`);
  writeFileSync(
    at('rated.csv'),
    `text,urgency\n${rated.map(({ text, urgency }) => `${text},${urgency}`).join('\n')}\n`,
  );
  const more = ratedMessages(80, 78);
  writeFileSync(
    at('morerated.csv'),
    `text,urgency\n${more.map(({ text, urgency }) => `${text},${urgency}`).join('\n')}\n`,
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

const several = (
  output: string,
  more: Partial<FinetuneOptions> = {},
): FinetuneOptions & { readonly task: 'several-labels' } => ({
  ...{ model: at('tiny'), train: { files: [at('topics.jsonl')] }, eval: { files: [at('more.jsonl')] }, threads },
  ...{ output: at(output), ...more },
  task: 'several-labels',
});
const numbers = (
  output: string,
  more: Partial<FinetuneOptions> = {},
): FinetuneOptions & { readonly task: 'number' } => ({
  ...{ model: at('tiny'), train: { files: [at('rated.csv')] }, eval: { files: [at('morerated.csv')] }, threads },
  ...{ output: at(output), ...more },
  task: 'number',
});

describe('several labels', () => {
  let result: Awaited<ReturnType<typeof learn>>;
  const hooks = listening();
  const learn = () => finetune(several('words', { method: 'words' }), hooks);

  beforeAll(async () => {
    result = await learn();
  });

  test('are learned from lists of words, and what there is of each is told', () => {
    expect(result.labels).toEqual(topicNames);
    expect(result.microF1).toBeGreaterThan(0.95);
    expect(result.exactMatch).toBeGreaterThan(0.85);
    const without = topics.filter(({ labels }) => labels.length === 0).length;
    expect(hooks.notes().join('\n')).toContain(`train: ${without} texts without a label: of none of them`);
    expect(hooks.notes().join('\n')).toMatch(/4 labels, \d\.\d\d a text: account \d+, address \d+/);
  });

  test.each([
    ['a separator', { files: [at('topics.csv')], labelSeparator: ';' }],
    ['a column for each', { files: [at('columns.csv')], labelColumns: topicNames }],
  ])('%s gives the same model', async (name, train) => {
    const other = await finetune(several(name, { method: 'words', train }));
    expect({ ...other, output: '', method: '' }).toEqual({ ...result, output: '', method: '' });
  });

  test('config.json names the kind and the thresholds; evaluate and predict go by them', async () => {
    expect(readJson(at('words'), 'config.json')).toMatchObject({
      problem_type: 'multi_label_classification',
      id2label: Object.fromEntries(topicNames.map((name, i) => [i, name])),
      label_thresholds: result.perLabel.map(({ threshold }) => threshold),
    });
    const measured = (await evaluate({
      model: at('words'),
      data: { files: [at('more.jsonl')] },
      threads,
    })) as LabelsResult;
    expect(measured.perLabel).toEqual(result.perLabel);
    const told: string[] = [];
    for await (const { text, ...answer } of predict({
      model: at('words'),
      input: { files: [at('more.jsonl')] },
      threads,
    })) {
      told.push(
        'labels' in answer
          ? answer.labels
              .map(({ label }) => label)
              .sort()
              .join()
          : text,
      );
    }
    const exact = topicMessages(80, 77).filter(({ labels }, i) => labels.sort().join() === told[i]);
    expect(exact.length / 80).toBeCloseTo(result.exactMatch, 10);
  });

  test('the encoder as it is and the encoder trained do as well as they should, and are read from their folders', async () => {
    const frozen = await finetune(several('frozen', { method: 'frozen', cache: false }));
    const trained = await finetune(several('trained', { method: 'finetune', epochs: 12, learningRate: 1e-3 }));
    // By chance it is the share of texts that have a label: 0.4.
    for (const one of [frozen, trained]) expect(one.averagePrecision).toBeGreaterThan(0.7);
    for (const [name, one] of Object.entries({ frozen, trained })) {
      const again = (await evaluate({ model: at(name), data: { files: [at('more.jsonl')] }, threads })) as LabelsResult;
      expect(again.loss).toBeCloseTo(one.loss, 5);
      expect(again.microF1).toBeCloseTo(one.microF1, 10);
    }
    expect(trained.steps).toBe(120);
  });

  test('a model for the same labels is gone on with', async () => {
    const heard = listening();
    const { steps } = await finetune(several('further', { model: at('frozen'), maxSteps: 2 }), heard);
    expect(steps).toBe(2);
    expect(heard.notes().join('\n')).toContain('the model has a classifier for these labels, which is trained on');
  });

  test('methods compete on folds of the training texts, and those for one label are named', async () => {
    const { ladder, method } = await finetune(several('ladder', { maxSteps: 3 }));
    expect(ladder?.rungs.map((rung) => rung.method)).toEqual(['words', 'frozen', 'finetune']);
    expect(ladder?.chosen).toBe(method);
    expect(method).toBe('words');
    expect(ladder?.left.map((one) => one.method)).toEqual([
      'hybrid',
      'finetune+words',
      'contrastive',
      'contrastive+words',
    ]);
    expect(ladder?.rungs[0]?.score).toBeGreaterThan(0.95);
  });

  test('a model tells labels with their probabilities; classify is for one', async () => {
    const model = await loadModel(at('words'), { threads });
    const [answer] = await model.predict(['where is my parcel . open my account']);
    if (!answer || !('labels' in answer)) throw new Error('no labels');
    expect(answer.labels.map(({ label }) => label).sort()).toEqual(['account', 'delivery']);
    await expect(model.classify(['a'])).rejects.toThrow(
      'answers with several labels, which classify does not; use predict',
    );
    await model.dispose();
  });

  test('a file of answers has the labels in one column, and with scores one for each', async () => {
    const output = at('told.csv');
    const { labels, added } = await predictFile({
      ...{ model: at('words'), input: { files: [at('topics.csv')] }, output, scores: true, threads },
    });
    expect(added).toEqual(['labels', ...topicNames.map((name) => `score_${name}`)]);
    const [header, first] = readFileSync(output, 'utf8').split('\n');
    expect(header).toBe(`text,tags,${added.join()}`);
    expect(first).toContain(topics[0]?.labels.join(';'));
    expect(labels.delivery).toBeGreaterThan(40);
  });

  test('is exported, inspected and described', async () => {
    const { files } = await exportModel({ model: at('trained'), output: at('exported'), dtypes: ['fp32'], threads });
    expect(files[0]?.largestDifference).toBeLessThan(1e-4);
    expect(readJson(at('exported'), 'config.json').problem_type).toBe('multi_label_classification');
    expect(readJson(at('exported'), 'config.json').label_thresholds).toHaveLength(4);
    expect((await inspect({ model: at('frozen') })).task).toBe('several-labels');
    await card({ model: at('frozen'), license: 'mit' });
    const text = readFileSync(at('frozen/README.md'), 'utf8');
    expect(text).toContain('of which a text may have several or none');
    expect(text).toContain('Logistic regression of each label against the rest on the vectors of the frozen encoder');
  });

  test.each<[string, Partial<FinetuneOptions>, string]>([
    [
      'hybrid',
      { method: 'hybrid' },
      'method hybrid is for one label a text; several labels can be learned by method words, frozen or finetune',
    ],
    [
      'class weights',
      { classWeights: 'balanced' },
      'classWeights is an option of task one-label, not of several-labels',
    ],
    ['unlabeled texts', { unlabeled: { files: ['a'] } }, 'unlabeled is an option of task one-label'],
    ['descriptions', { labelTexts: 'names' }, 'labelTexts is an option of task one-label'],
    ['the loss of a number', { loss: 'huber' }, 'loss is an option of task number, not of several-labels'],
    [
      'texts without a separator',
      { train: { files: [at('topics.csv')] } },
      'column tags holds no lists; say what stands between the labels of a text with labelSeparator',
    ],
    [
      'a label that was not seen',
      { method: 'words', eval: { files: [at('unseen.jsonl')] } },
      'eval: label "weather" in row 1 was not seen in training; known labels: account, address, delivery, payment',
    ],
    ['no label at all', { train: { files: [at('none.jsonl')] } }, 'train: no text has a label in labels'],
    [
      'columns of other numbers',
      { train: { files: [at('rated.csv')], labelColumns: ['urgency'] } },
      'row 1, which is neither 1 nor 0',
    ],
  ])('is refused in one line: %s', async (_, more, message) => {
    writeFileSync(at('unseen.jsonl'), JSON.stringify({ text: 'rain', labels: ['weather'] }));
    writeFileSync(
      at('none.jsonl'),
      `${JSON.stringify({ text: 'a', labels: [] })}\n${JSON.stringify({ text: 'b', labels: [] })}\n`,
    );
    await expect(finetune(several('refused', more))).rejects.toThrow(message);
  });

  test('lists are no single label, and what reads them is named', async () => {
    const options = { ...several('refused'), task: 'one-label' } as const;
    await expect(finetune(options)).rejects.toThrow('several labels a text are learned with task several-labels');
    await expect(evaluate({ model: at('words'), data: { files: [at('topics.csv')] } })).rejects.toThrow(
      'labelSeparator',
    );
  });

  test('a separator that never occurs is told', async () => {
    const heard = listening();
    const train = { files: [at('topics.csv')], labelSeparator: '|' };
    await finetune(several('odd', { method: 'words', train, eval: undefined }), heard).catch(() => {});
    expect(heard.notes().join('\n')).toContain('labelSeparator "|" stands in no row of column tags');
  });
});

describe('a number', () => {
  let result: Awaited<ReturnType<typeof learn>>;
  const learn = () => finetune(numbers('numbers', { method: 'words' }));

  beforeAll(async () => {
    result = await learn();
  });

  test('is learned on its own scale, with an interval that holds', () => {
    expect(result.name).toBe('urgency');
    expect(result.r2).toBeGreaterThan(0.5);
    expect(result.interval?.share).toBe(0.9);
    expect(result.interval?.held).toBeGreaterThan(0.75);
    expect(readJson(at('numbers'), 'config.json')).toMatchObject({
      problem_type: 'regression',
      id2label: { 0: 'urgency' },
    });
  });

  test.each(['frozen', 'finetune'] as const)(
    '%s: what is saved says the same, and the figures are those of its answers',
    async (method) => {
      const learned = await finetune(
        numbers(
          `number-${method}`,
          method === 'frozen' ? { method, cache: false } : { method, epochs: 6, learningRate: 1e-3 },
        ),
      );
      expect(learned.r2).toBeGreaterThan(0.2);
      const measured = (await evaluate({
        model: at(`number-${method}`),
        data: { files: [at('morerated.csv')] },
        threads,
      })) as NumberResult;
      expect(measured.rmse).toBeCloseTo(learned.rmse, 3);
      const model = await loadModel(at(`number-${method}`), { threads });
      expect(model.labels).toBeNull();
      const answers = await model.predict(ratedMessages(80, 78).map(({ text }) => text));
      const values = answers.map((answer) => ('value' in answer ? answer.value : Number.NaN));
      const targets = ratedMessages(80, 78).map(({ urgency }) => urgency);
      expect(regressionMetrics(targets, values).mae).toBeCloseTo(measured.mae, 10);
      const [first] = answers;
      if (!first || !('value' in first) || first.low === null) throw new Error('no interval');
      expect(first.value - first.low).toBeCloseTo(measured.interval?.margin ?? 0, 10);
      await model.dispose();
    },
  );

  test('a model of one is gone on with, on the same scale', async () => {
    const { rmse, steps } = await finetune(
      numbers('further-number', { model: at('number-frozen'), maxSteps: 1, learningRate: 1e-9 }),
    );
    expect(steps).toBe(1);
    const before = (await evaluate({
      model: at('number-frozen'),
      data: { files: [at('morerated.csv')] },
      threads,
    })) as NumberResult;
    expect(rmse).toBeCloseTo(before.rmse, 3);
  });

  test('an interrupted run goes on to the same weights, with the interval that it had found', async () => {
    const steps = { method: 'finetune', maxSteps: 6, saveSteps: 100 } as const;
    const whole = await finetune(numbers('whole', steps));
    await expect(finetune(numbers('stopped', steps), listening(3))).rejects.toThrow(InterruptedError);
    const heard = listening();
    const resumed = await finetune(numbers('stopped', { ...steps, resume: true }), heard);
    expect(weightsOf(at('stopped'))).toEqual(weightsOf(at('whole')));
    expect(resumed.interval).toEqual(whole.interval);
    // Nothing was tried again.
    expect(heard.notes().join('\n')).not.toContain('an interval of');
  });

  test('methods compete, and Huber is another loss', async () => {
    const { ladder } = await finetune(numbers('number-ladder', { maxSteps: 3, loss: 'huber' }));
    expect(ladder?.measure).toBe('R²');
    expect(ladder?.rungs.map((rung) => rung.method)).toEqual(['words', 'frozen', 'finetune']);
    const plain = await finetune(numbers('squared', { method: 'words' }));
    const huber = await finetune(numbers('huber', { method: 'words', loss: 'huber' }));
    expect(plain.rmse).toBe(result.rmse);
    expect(huber.rmse).not.toBe(plain.rmse);
    expect(huber.r2).toBeGreaterThan(0.5);
  });

  test('a file of answers has it with its interval; scores are of labels', async () => {
    const output = at('told.jsonl');
    const { added } = await predictFile({ model: at('numbers'), input: { files: [at('rated.csv')] }, output, threads });
    expect(added).toEqual(['value', 'low', 'high']);
    const row: unknown = JSON.parse(readFileSync(output, 'utf8').split('\n')[0] ?? '');
    expect(row).toMatchObject({ text: rated[0]?.text, value: expect.any(Number), low: expect.any(Number) });
    const scores = predictFile({
      model: at('numbers'),
      input: { files: [at('rated.csv')] },
      output,
      scores: true,
      threads,
    });
    await expect(scores).rejects.toThrow('answers with a number, which has no scores of labels');
  });

  test('is exported, inspected and described', async () => {
    const heard = listening();
    const { files } = await exportModel(
      { model: at('number-finetune'), output: at('number-exported'), dtypes: ['fp32'], threads },
      heard,
    );
    expect(files[0]?.largestDifference).toBeLessThan(1e-4);
    expect(heard.notes().join('\n')).toContain("transformers.js' text-classification makes 1 of any number");
    expect(await inspect({ model: at('frozen') })).toMatchObject({ task: 'several-labels' });
    expect(await inspect({ model: at('numbers') })).toMatchObject({ task: 'number', labels: ['urgency'] });
    expect(readFileSync(at('numbers/README.md'), 'utf8')).toContain(
      'A model that tells a number of a text, its urgency',
    );
  });

  test.each<[string, string, string]>([
    ['a text', 'text,urgency\na b,1\nc d,high\n', '"high" in row 2 of column urgency is no number'],
    ['nothing', 'text,urgency\na b,\nc d,NaN\n', 'all 2 rows have nothing in column urgency'],
    [
      'a decimal comma',
      'text,urgency\na b,"1,5"\nc d,2\n',
      '"1,5" in row 1 of column urgency is no plain number: write 1.5',
    ],
    ['a percentage', 'text,urgency\na b,5 %\nc d,2\n', '"5 %" in row 1 of column urgency is no plain number: write 5'],
    ['too much', 'text,urgency\na b,1\nc d,1e300\n', '"1e300" in row 2 of column urgency is beyond what weights'],
    ['too little', 'text,urgency\na b,1e-300\nc d,2e-300\n', 'which weights of 32 bits do not hold'],
    [
      'one number throughout',
      'text,urgency\na b,2\nc d,2\n',
      'every number in column urgency is 2; there is nothing to learn',
    ],
  ])('is refused in one line: %s', async (name, content, message) => {
    const file = at(`${name}.csv`);
    writeFileSync(file, content);
    const train = { files: [file], labelColumn: 'urgency' };
    await expect(finetune(numbers('refused', { train }))).rejects.toThrow(message);
  });

  test('labels that look like measurements are offered it', async () => {
    const heard = listening();
    const options = {
      ...numbers('refused'),
      train: { files: [at('rated.csv')], labelColumn: 'urgency' },
      task: 'one-label',
    } as const;
    await finetune({ ...options, eval: undefined, method: 'words' }, heard).catch(() => {});
    expect(heard.notes().join('\n')).toContain('look like measurements, not like classes');
    expect(heard.notes().join('\n')).toContain('a number is learned with task number');
  });
});
