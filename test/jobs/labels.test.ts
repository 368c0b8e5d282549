import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { card } from '../../src/jobs/card.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { nearestDescription } from '../../src/jobs/finetune/described.ts';
import { readableName } from '../../src/jobs/finetune/descriptions.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel } from '../../src/jobs/model.ts';
import type { FinetuneOptions } from '../../src/jobs/types.ts';
import { TestFolder } from '../data/files.ts';
import { readTensors } from '../models/fixtures.ts';
import { listening, readJson } from './runs.ts';
import { labeledCsv, labeledMessages, messages, saveTinyClassifier, saveTinyModel } from './tiny.ts';

const folder = new TestFolder();
const at = (...names: string[]) => join(folder.path, ...names);
const data = (name: string) => ({ files: [at(name)] });
const rows = labeledMessages(80);
const heldRows = labeledMessages(40, 12);
const added = (count: number, seed: number) =>
  messages(count, seed).map((text) => ({ text: `not work ${text.slice(0, 12)} not work`, label: 'broken' }));

beforeAll(async () => {
  await folder.create();
  await saveTinyModel(at('tiny'));
  await saveTinyClassifier(at('hub'), ['wants', 'asks']);
  await folder.write('train.csv', labeledCsv(rows));
  await folder.write('held.csv', labeledCsv([...heldRows, ...added(20, 31)]));
  await folder.write('new.csv', labeledCsv(added(20, 30)));
  await folder.write('all.csv', labeledCsv([...rows.slice(0, 30), ...added(20, 30)]));
  await folder.write('old.csv', labeledCsv(heldRows));
  await finetune(options({ output: at('run'), eval: data('old.csv') }));
});
afterAll(() => folder.remove());

let runs = 0;
function options(more: Partial<FinetuneOptions> = {}): FinetuneOptions {
  return {
    ...{ model: at('tiny'), train: data('train.csv'), eval: data('held.csv'), method: 'frozen' },
    ...{ reads: more.model === undefined ? 'mean' : undefined },
    ...{ output: at(`run-${++runs}`), cache: false, threads: 1, ...more },
  };
}

/** Rows of the classifier on vectors that a run wrote. */
async function rowsOf(run: string) {
  const tensors = await readTensors(at(run, '2_Dense', 'model.safetensors'));
  const weight = tensors.get('linear.weight') as Float32Array;
  const bias = tensors.get('linear.bias') as Float32Array;
  const size = weight.length / bias.length;
  return { bias, row: (c: number) => weight.slice(c * size, (c + 1) * size) };
}

describe('a classifier that is fine-tuned on other classes', () => {
  test('keeps those that it knows, though they have no text, and adds the new ones', async () => {
    const hooks = listening();
    const result = await finetune(
      options({ model: at('run'), train: data('new.csv'), method: undefined, output: at('more') }),
      hooks,
    );
    expect(hooks.notes()).toContain(
      'keeps 2 classes, adds 1: broken; 2 have no text in train (labels replace: only those of train)',
    );
    expect(result.method).toBe('frozen');
    expect(result.labels).toEqual(['asks', 'wants', 'broken']);
    expect(readJson(at('more'), 'config.json').label2id).toEqual({ asks: 0, wants: 1, broken: 2 });
    const [before, after] = [await rowsOf('run'), await rowsOf('more')];
    for (const c of [0, 1]) {
      expect(after.row(c)).toEqual(before.row(c));
      expect(after.bias[c]).toBe(before.bias[c]);
    }
    // Neither the old classes nor the new one are drowned.
    const recall = result.confusion.map((row, c) => (row[c] ?? 0) / row.reduce((sum, n) => sum + n, 0));
    expect(Math.min(...recall)).toBeGreaterThan(0.7);
  });

  test('is measured, used and described like any other', async () => {
    const measured = await evaluate({ model: at('more'), data: data('held.csv'), threads: 1 });
    const { accuracy } = readJson(at('more'), 'run.json').result as { accuracy: number };
    expect('accuracy' in measured && measured.accuracy).toBeCloseTo(accuracy, 9);
    const model = await loadModel(at('more'), { threads: 1 });
    expect(model.labels).toEqual(['asks', 'wants', 'broken']);
    const predictions = await model.classify(added(20, 31).map(({ text }) => text));
    await model.dispose();
    expect(predictions.filter(({ label }) => label === 'broken').length).toBeGreaterThan(14);
    expect(await card({ model: at('more'), overwrite: true })).toBeDefined();
  });

  test('keeps the order of its classes when all of them have texts, and is trained on from its own rows', async () => {
    const hooks = listening();
    const result = await finetune(
      options({ model: at('run'), train: data('all.csv'), method: undefined, maxSteps: 1, learningRate: 1e-9 }),
      hooks,
    );
    expect(hooks.notes()).toContain('keeps 2 classes, adds 1: broken (labels replace: only those of train)');
    expect(result.method).toBe('finetune');
    expect(result.labels).toEqual(['asks', 'wants', 'broken']);
    const [before, after] = [await rowsOf('run'), await rowsOf(`run-${runs}`)];
    for (const c of [0, 1]) {
      const row = before.row(c);
      for (const [j, value] of after.row(c).entries()) expect(value).toBeCloseTo(row[j] as number, 5);
    }
    expect(result.accuracy).toBeGreaterThan(0.8);
  });

  test('is one of transformers, whose classifier reads the pooler', async () => {
    const hooks = listening();
    const result = await finetune(
      options({ model: at('hub'), train: data('new.csv'), method: undefined, output: at('pooler') }),
      hooks,
    );
    expect(result.labels).toEqual(['wants', 'asks', 'broken']);
    expect(readJson(at('pooler'), 'config.json')).toMatchObject({ architectures: ['BertForSequenceClassification'] });
    const [before, after] = [
      await readTensors(at('hub', 'model.safetensors')),
      await readTensors(at('pooler', 'model.safetensors')),
    ];
    const [old, now] = [before.get('classifier.weight'), after.get('classifier.weight')];
    expect(now?.slice(0, old?.length)).toEqual(old);
    const measured = await evaluate({ model: at('pooler'), data: data('held.csv'), threads: 1 });
    expect('accuracy' in measured && measured.accuracy).toBeCloseTo(result.accuracy, 9);
  });

  test('starts over when it is asked to', async () => {
    const hooks = listening();
    const train = data('all.csv');
    const result = await finetune(options({ model: at('run'), train, labels: 'replace' }), hooks);
    expect(result.labels).toEqual(['asks', 'broken', 'wants']);
    expect(hooks.notes().join()).not.toContain('keeps');
  });

  test('says which labels differ by their spelling alone', async () => {
    const train = {
      files: [await folder.write('typo.csv', labeledCsv([...added(9, 3), { text: 'how do i pay', label: ' Asks' }]))],
    };
    const hooks = listening();
    await finetune(options({ model: at('run'), train }), hooks);
    expect(hooks.notes().join('\n')).toMatch(/"\s?Asks" differs from "asks" in case, spaces or Unicode form alone/);
  });

  test.each(['finetune', 'contrastive', 'hybrid'] as const)('is not made to forget by %s', async (method) => {
    await expect(finetune(options({ model: at('run'), train: data('new.csv'), method }))).rejects.toThrow(
      /method \w+ would forget the classes of .*run that have no text in train: asks, wants; give texts of them/,
    );
  });

  test('cannot read something else and keep its classes', async () => {
    await expect(finetune(options({ model: at('run'), train: data('new.csv'), reads: 'cls' }))).rejects.toThrow(
      /reads: the classifier of .* reads something else, so that its 2 classes cannot be kept/,
    );
  });
});

describe('one text a class', () => {
  const single = [
    { text: 'where is my parcel', label: 'parcel' },
    { text: 'i want to pay the invoice', label: 'pay' },
    { text: 'close my account', label: 'close' },
  ];

  test('makes a classifier, measured or not', async () => {
    const train = { files: [await folder.write('single.csv', labeledCsv(single))] };
    for (const method of [undefined, 'finetune', 'contrastive', 'words'] as const) {
      const hooks = listening();
      const steps = method === 'finetune' || method === 'contrastive' ? { maxSteps: 2 } : {};
      const reads = method === 'words' ? { reads: undefined } : {};
      const given = options({ train, eval: undefined, method, ...steps, ...reads });
      const result = await finetune(given, hooks);
      expect(hooks.notes().join('\n')).toContain('no class has two texts, so none is held out');
      expect(result).toMatchObject({ count: 0, accuracy: Number.NaN });
      expect(readJson(given.output, 'run.json').result).toMatchObject({ count: 0, accuracy: null });
      const model = await loadModel(given.output, { threads: 1 });
      const [prediction] = await model.classify(['where is my parcel']);
      await model.dispose();
      if (method === undefined) expect(prediction?.label).toBe('parcel');
    }
  });

  test('is taken without a comparison that could say nothing', async () => {
    const train = data('single.csv');
    const held = { files: [await folder.write('singleHeld.csv', labeledCsv(single))] };
    const hooks = listening();
    const result = await finetune(options({ train, eval: held, method: undefined }), hooks);
    expect(result.ladder).toBeUndefined();
    expect(hooks.notes().join('\n')).toContain('methods cannot be compared');
    expect(result.accuracy).toBe(1);
  });
});

describe('texts that describe classes', () => {
  test('make a classifier without a labeled text: the nearest by cosine', async () => {
    const described = [
      { text: 'where is', label: 'asks' },
      { text: 'i want', label: 'wants' },
      { text: 'not work not work', label: 'broken' },
    ];
    const labelTexts = { files: [await folder.write('descriptions.csv', labeledCsv(described))] };
    const given = options({ train: undefined, labelTexts, method: undefined });
    const result = await finetune(given);
    expect(result).toMatchObject({ method: 'frozen', described: 3, steps: 0 });
    expect(result.labels).toEqual(['asks', 'broken', 'wants']);
    const encoder = await loadModel(at('tiny'), { threads: 1 });
    const texts = heldRows.slice(0, 8).map(({ text }) => text);
    const vectors = await encoder.embed([...texts, ...described.map(({ text }) => text)]);
    await encoder.dispose();
    const cosine = (a: Float32Array, b: Float32Array) =>
      a.reduce((sum, x, j) => sum + x * (b[j] as number), 0) / (Math.hypot(...a) * Math.hypot(...b));
    const nearest = texts.map((_, i) => {
      const cosines = described.map((_, k) =>
        cosine(vectors[i] as Float32Array, vectors[texts.length + k] as Float32Array),
      );
      return described[cosines.indexOf(Math.max(...cosines))]?.label;
    });
    const model = await loadModel(given.output, { threads: 1 });
    expect((await model.classify(texts)).map(({ label }) => label)).toEqual(nearest);
    await model.dispose();
    expect(String(readJson(given.output, 'run.json').result)).toBeDefined();
  });

  test('are names that are made readable', async () => {
    expect(readableName('Refund_not_showing_up')).toBe('refund not showing up');
    expect(readableName('refundNotShowingUp')).toBe('refund not showing up');
    expect(readableName('pay-HTTPError.card')).toBe('pay http error card');
    expect(readableName('退款')).toBe('退款');
    expect(readableName('__')).toBe('__');
    await expect(finetune(options({ train: undefined, labelTexts: 'names' }))).rejects.toThrow(
      'labelTexts names has no classes to name: give train, a classifier as model, or a file',
    );
    const numbers = { files: [await folder.write('numbers.csv', 'text,label\nhow,0\nwhere,1\n')] };
    await expect(finetune(options({ train: numbers, labelTexts: 'names' }))).rejects.toThrow('the labels are numbers');
  });

  test('of classes that a model knows alone teach nothing', async () => {
    const { output: model } = await finetune(options({ eval: data('old.csv') }));
    const labelTexts = { files: [await folder.write('known.csv', 'label,text\nasks,where is it\n')] };
    const given = options({ model, train: undefined, eval: undefined, labelTexts });
    await expect(finetune(given)).rejects.toThrow(
      `${model} knows every class that labelTexts describes, so that nothing is learned`,
    );
    expect(existsSync(given.output)).toBe(false);
  });

  test('stand for a class without a labeled text beside others that have some', async () => {
    const labelTexts = { files: [await folder.write('one.csv', 'label,text\nbroken,not work not work\n')] };
    const hooks = listening();
    const result = await finetune(options({ labelTexts }), hooks);
    expect(hooks.notes()).toContain('1 class known by descriptions alone: broken');
    expect(result.labels).toEqual(['asks', 'broken', 'wants']);
    expect(result.described).toBe(1);
    const broken = result.confusion[1] ?? [];
    expect(broken[1]).toBeGreaterThan(5);
  });

  test('count as texts of their class where folds say that they help', async () => {
    const good = { files: [await folder.write('good.csv', 'label,text\nasks,where is\nwants,i want\n')] };
    const bad = { files: [await folder.write('bad.csv', 'label,text\nwants,where is\nasks,i want\n')] };
    const few = { labelsPerClass: 3, eval: data('old.csv') };
    const [helped, hindered] = [listening(), listening()];
    const result = await finetune(options({ ...few, labelTexts: good }), helped);
    expect(helped.notes().join('\n')).toMatch(
      /descriptions count as texts of their classes: cross-entropy [\d.]+ with/,
    );
    expect(result.described).toBe(2);
    const without = await finetune(options({ ...few, labelTexts: bad }), hindered);
    expect(hindered.notes().join('\n')).toMatch(/descriptions are left out: cross-entropy/);
    expect(without.described).toBeUndefined();
    const plain = await finetune(options(few));
    // Vectors that are made together with others may differ in their last bits.
    expect(without.loss).toBeCloseTo(plain.loss, 5);
  });

  test('are the names of the labels, tried on folds, where nothing is asked for and a label has few texts', async () => {
    const renamed = (of: typeof heldRows) =>
      of.map(({ text, label }) => ({ text, label: label === 'asks' ? 'where is' : 'i want' }));
    const wrong = (of: typeof heldRows) =>
      of.map(({ text, label }) => ({ text, label: label === 'asks' ? 'i want' : 'where is' }));
    const numbered = (of: typeof heldRows) =>
      of.map(({ text, label }) => ({ text, label: label === 'asks' ? 'Q17' : 'Q18' }));
    const run = async (name: string, label: typeof renamed, more: Partial<FinetuneOptions> = {}) => {
      const hooks = listening();
      const train = { files: [await folder.write(`${name}.csv`, labeledCsv(label(rows)))] };
      const held = { files: [await folder.write(`${name}-held.csv`, labeledCsv(label(heldRows)))] };
      const result = await finetune(options({ labelsPerClass: 3, train, eval: held, ...more }), hooks);
      return { described: result.described, notes: hooks.notes().join('\n') };
    };
    const helped = await run('telling', renamed);
    expect(helped.described).toBe(2);
    expect(helped.notes).toMatch(/names of the labels \(labelTexts\) count as texts of their classes: cross-entropy/);
    const hindered = await run('wrong', wrong);
    expect(hindered.described).toBeUndefined();
    expect(hindered.notes).toMatch(/names of the labels \(labelTexts\) are left out: cross-entropy/);
    const many = {
      labelsPerClass: undefined,
      train: { files: [await folder.write('hundreds.csv', labeledCsv(renamed(labeledMessages(400))))] },
    };
    for (const [name, label, more] of [
      ['none', renamed, { labelTexts: 'none' }],
      ['many', renamed, many],
      ['numbers', numbered, {}],
      ['words', renamed, { method: 'words', reads: undefined }],
    ] as const) {
      const { described, notes } = await run(name, label, more);
      expect(described, name).toBeUndefined();
      expect(notes, name).not.toContain('names of the labels');
    }
  });

  test('have weights that are unit vectors of their sums, as long as one scale', () => {
    const vectors = { data: Float32Array.from([3, 4, 0, 1, 5, 0]), size: 2 };
    const { weight, bias } = nearestDescription(vectors, [0, 0, 1], 2);
    // Lengths are 5, 1 and 5; the first class's sum of unit vectors is (0.6, 1.8).
    const length = 16 / (11 / 3);
    const expected = [0.6 / Math.hypot(0.6, 1.8), 1.8 / Math.hypot(0.6, 1.8), 1, 0].map((x) => x * length);
    for (const [i, value] of expected.entries()) expect(weight[i]).toBeCloseTo(value, 6);
    expect([...bias]).toEqual([0, 0]);
  });
});
