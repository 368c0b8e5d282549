import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { softmax } from '../../src/evaluation/classification.ts';
import { unscaled } from '../../src/evaluation/trust/scaling.ts';
import { patchTensors } from '../../src/hub/patchTensors.ts';
import { openSafetensors, writeSafetensors } from '../../src/hub/safetensors.ts';
import { calibrate } from '../../src/jobs/calibrate.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { join as joinParts } from '../../src/jobs/join.ts';
import { type LoadModelOptions, loadModel, openModel } from '../../src/jobs/model.ts';
import { predict } from '../../src/jobs/predict.ts';
import { predictFile } from '../../src/jobs/predictFile.ts';
import { readTrust } from '../../src/jobs/trust/trust.ts';
import type { Decision, FinetuneOptions, LoadedModel } from '../../src/jobs/types.ts';
import { TestFolder } from '../data/files.ts';
import { listening, readJson } from './runs.ts';
import { labeledCsv, labeledMessages, saveTinyClassifier, saveTinyModel } from './tiny.ts';

const folder = new TestFolder();
const at = (...names: string[]) => join(folder.path, ...names);
const rows = labeledMessages(120);
const held = labeledMessages(60, 12);
const fresh = labeledMessages(200, 13);
/** Texts of letters and signs that mean nothing here. */
const strange = Array.from({ length: 30 }, (_, i) => `${'xq'.repeat(1 + (i % 3))} , ${i * 7919} . . ${'z9'.repeat(2)}`);

beforeAll(async () => {
  await folder.create();
  await saveTinyModel(at('tiny'));
  await folder.write('train.csv', labeledCsv(rows));
  await folder.write('held.csv', labeledCsv(held));
  await folder.write('fresh.csv', labeledCsv([...fresh, ...rows.slice(0, 5)]));
  await folder.write('strange.txt', `${strange.join('\n')}\n`);
});
afterAll(() => folder.remove());

function options(output: string, more: Partial<FinetuneOptions> = {}): FinetuneOptions {
  return {
    ...{ model: at('tiny'), train: { files: [at('train.csv')] }, eval: { files: [at('held.csv')] } },
    ...{ output: at(output), cache: false, method: 'frozen', threads: 1, labelTexts: 'none', ...more },
  };
}

async function texts<T>(list: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of list) all.push(one);
  return all;
}

describe.each(['frozen', 'hybrid', 'words'] as const)('a classifier by %s', (method) => {
  const input = () => ({ files: [at('held.csv')] });

  test('has calibrated scores in its weights, and says what they were', async () => {
    const hooks = listening();
    const result = await finetune(options(method, { method }), hooks);
    const { calibrated } = result;
    expect(calibrated).toMatchObject({ texts: 120, by: 'folds of the training texts' });
    expect(hooks.notes().join('\n')).toContain('held out in folds: cross-entropy');
    expect(calibrated?.after?.logLoss.value).toBeCloseTo(result.loss, 9);
    const model = await openModel(at(method), { threads: 1 });
    const trust = await readTrust({ name: at(method), folder: at(method) });
    const { logits } = await model.seen(
      held.map(({ text }) => text),
      false,
    );
    await model.dispose();
    if (!trust) throw new Error('nothing is known');
    const lossOf = (row: ArrayLike<number>, i: number) =>
      -Math.log(softmax(row)[model.labels?.indexOf(held[i]?.label ?? '') ?? 0] ?? 0) / held.length;
    const after = logits.reduce((sum, row, i) => sum + lossOf(row, i), 0);
    const before = logits.reduce((sum, row, i) => sum + lossOf(unscaled(row, trust.scaling), i), 0);
    expect(after).toBeCloseTo(result.loss, 5);
    expect(before).toBeCloseTo(calibrated?.before?.logLoss.value ?? 0, 5);
    expect(trust.tuning.count).toBe(120);
  });

  test('leaves texts unlabeled when asked to, the same way everywhere', async () => {
    const asked = { answered: 0.5, coverage: 0.9 } as const;
    const model = await loadModel(at(method), { threads: 1 });
    const { decisions, promised, promises } = await model.decide(
      held.map(({ text }) => text),
      asked,
    );
    await model.dispose();
    const left = decisions.filter(({ label }) => label === null);
    expect(left.length).toBeGreaterThan(10);
    expect(left.length).toBeLessThan(50);
    for (const { why, suggestion } of left) {
      expect(['strange', 'unsure']).toContain(why);
      expect(['asks', 'wants']).toContain(suggestion);
    }
    const inSet = decisions.filter(({ set }, i) => set?.includes(held[i]?.label ?? ''));
    expect(inSet.length / held.length).toBeGreaterThan(0.75);
    expect(promises.map(({ isProven }) => isProven)).toEqual([false, false]);
    expect(promised.join()).toContain('no promise');
    const hooks = listening();
    const streamed = await texts(predict({ model: at(method), input: input(), threads: 1, ...asked }, hooks));
    expect(streamed).toHaveLength(held.length);
    for (const [i, answer] of streamed.entries()) {
      const decision = decisions[i] as Decision;
      expect(answer).toMatchObject({ ...decision, score: expect.closeTo(decision.score, 5) });
    }
    expect(hooks.notes()).toEqual(expect.arrayContaining([...promised]));
    const output = at(`${method}.jsonl`);
    const written = await predictFile({ model: at(method), input: input(), threads: 1, output, ...asked });
    expect(written.added.slice(-4)).toEqual(
      ['predicted_score', 'why', 'suggestion', 'set'].map((name) => name.replace('predicted_score', 'score')),
    );
    expect(written.promised).toEqual(promised);
    const lines = readFileSync(output, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ why }) => why ?? undefined)).toEqual(decisions.map(({ why }) => why));
  });

  test('promises what texts that it has not seen prove', async () => {
    const hooks = listening();
    const result = await calibrate({ model: at(method), data: { files: [at('fresh.csv')] }, threads: 1 }, hooks);
    const again = fresh.filter(({ text }) => rows.some((row) => row.text === text)).length;
    expect(result).toMatchObject({ leftOut: 5 + again, texts: 200 - again });
    expect(result).not.toHaveProperty('scaling');
    expect(hooks.notes().join('\n')).toContain(`data: ${5 + again} texts left out, which the model learned from`);
    expect(readJson(at(method), 'run.json')).toMatchObject({ trust: { promised: result.promised } });
    expect(readFileSync(at(method, 'README.md'), 'utf8')).toContain(result.promised[0]?.slice(1));
    const model = await loadModel(at(method), { threads: 1 });
    const { promises } = await model.decide(['i want my parcel'], { coverage: 0.9 });
    expect(promises).toMatchObject([{ of: 'coverage', isProven: true, texts: 200 - again }]);
    await expect(model.decide(['a'], { mostWrong: 0.001 })).rejects.toThrow(
      /^mostWrong 0.001 cannot be promised with confidence 0.95 on \d+ texts: it takes 2995 answers/,
    );
    await model.dispose();
  });

  test('is measured on texts of no class', async () => {
    const data = { files: [at('held.csv')] };
    const outOfScope = { files: [at('strange.txt')] };
    const result = await evaluate({ model: at(method), data, outOfScope, threads: 1 });
    if (!('calibration' in result) || !result.outOfScope) throw new Error('not measured');
    expect(result.calibration?.logLoss.value).toBeCloseTo(result.loss, 9);
    expect(result.uncalibrated?.count).toBe(held.length);
    expect(result.outOfScope.filter(({ isUsed }) => isUsed)).toHaveLength(1);
    for (const { inside, outside, auroc } of result.outOfScope) {
      expect([inside, outside]).toEqual([held.length, strange.length]);
      expect(auroc).toBeGreaterThanOrEqual(0);
    }
  });
});

test('costs choose what is answered', async () => {
  const input = { files: [at('held.csv')] };
  const answered = async (left: number) => {
    const costs = await folder.write(`costs-${left}.csv`, `label,answer,cost\n*,*,1\n*,,${left}\n`);
    const all = await texts(predict({ model: at('words'), input, costs, threads: 1 }));
    return all.filter((one) => 'label' in one && one.label !== null).length;
  };
  const [dear, free] = [await answered(5), await answered(0)];
  expect(dear).toBeGreaterThan(50);
  expect(free).toBeLessThan(10);
  const lines = [
    '{"label":"*","answer":"*","cost":1}',
    '{"label":"asks","answer":"wants","cost":1}',
    '{"label":"*","answer":null,"cost":5}',
  ];
  const json = await folder.write('costs.jsonl', lines.join('\n'));
  const all = await texts(predict({ model: at('words'), input, costs: json, threads: 1 }));
  expect(all.filter((one) => 'label' in one && one.label !== null)).toHaveLength(dear);
  const bad = await folder.write('bad.csv', 'label,answer,cost\nnone,*,1\n');
  await expect(texts(predict({ model: at('words'), input, costs: bad, threads: 1 }))).rejects.toThrow(
    'costs: row 1: none is no label of the model',
  );
  const half = await folder.write('half.csv', 'label,answer,cost\nasks,wants,1\n');
  await expect(texts(predict({ model: at('words'), input, costs: half, threads: 1 }))).rejects.toThrow(
    'costs does not say what a text costs that is left to a person',
  );
});

test('parts are of one table of costs, whatever it is called', async () => {
  const [input, output] = [{ files: [at('fresh.csv')] }, at('parts.csv')];
  const table = (left: number) => `label,answer,cost\n*,*,1\n*,,${left}\n`;
  const part = (costs: string, shard: string) =>
    predictFile({ model: at('words'), input, output, costs, shard, threads: 1 });
  await part(await folder.write('table.csv', table(0.4)), '1/2');
  await part(await folder.write('renamed.csv', table(0.4)), '2/2');
  expect((await joinParts({ output })).count).toBe(205);
  await part(await folder.write('table.csv', table(5)), '2/2');
  await expect(joinParts({ output: at('parts.csv') })).rejects.toThrow(/other|differ/);
});

describe('a classifier of which nothing is known', () => {
  test('is refused, with the way out', async () => {
    await saveTinyClassifier(at('unknown'), ['asks', 'wants']);
    const model = await loadModel(at('unknown'), { threads: 1 });
    await expect(model.decide(['a'], { abstain: true })).rejects.toThrow(
      /^abstain: nothing is known of how far .*unknown can be trusted; bertune calibrate learns it/,
    );
    await model.dispose();
  });

  test('is calibrated by half of the texts, in its weights alone', async () => {
    const before = await tensorsOf('unknown');
    const result = await calibrate({ model: at('unknown'), data: { files: [at('fresh.csv')] }, threads: 1 });
    expect(result.scaling?.texts).toBeGreaterThan(90);
    expect(result.texts).toBeGreaterThan(90);
    const after = await tensorsOf('unknown');
    const changed = [...after].filter(([name, values]) => !values.every((value, i) => value === before.get(name)?.[i]));
    // Its biases are zeros, which a temperature leaves as they are.
    expect(changed.map(([name]) => name).at(-1)).toBe('classifier.weight');
    expect(changed.every(([name]) => name.startsWith('classifier.'))).toBe(true);
    const evaluated = await evaluate({ model: at('unknown'), data: { files: [at('held.csv')] }, threads: 1 });
    if (!('uncalibrated' in evaluated) || !evaluated.calibration) throw new Error('not measured');
    expect(evaluated.calibration.logLoss.value).toBeLessThan(evaluated.uncalibrated?.logLoss.value ?? 0);
  });

  test('is calibrated in the shard that holds its classifier, to the same weights', async () => {
    await saveTinyClassifier(at('whole'), ['asks', 'wants']);
    cpSync(at('whole'), at('shards'), { recursive: true });
    const file = await openSafetensors(at('shards', 'model.safetensors'));
    const entries = [];
    for (const [name, { shape }] of file.tensors) entries.push({ name, shape, data: await file.read(name) });
    await file.close();
    rmSync(at('shards', 'model.safetensors'));
    const places = Object.fromEntries(
      entries.map(({ name }, i) => [name, `model-0000${1 + (i % 2)}-of-00002.safetensors`]),
    );
    for (const shard of new Set(Object.values(places))) {
      await writeSafetensors(
        at('shards', shard),
        entries.filter(({ name }) => places[name] === shard),
      );
    }
    writeFileSync(at('shards', 'model.safetensors.index.json'), JSON.stringify({ weight_map: places }));
    for (const name of ['whole', 'shards']) {
      await calibrate({ model: at(name), data: { files: [at('fresh.csv')] }, threads: 1 });
    }
    const [whole, shards] = [await predicted('whole'), await predicted('shards')];
    expect(shards).toEqual(whole);
  });

  test('few texts, and models that are no classifiers, are refused', async () => {
    const few = await folder.write('few.csv', labeledCsv(fresh.slice(0, 8)));
    await expect(calibrate({ model: at('unknown'), data: { files: [few] }, threads: 1 })).rejects.toThrow(
      /^data has \d texts that the model did not learn from; 20 are the fewest$/,
    );
    await expect(calibrate({ model: at('tiny'), data: { files: [few] }, threads: 1 })).rejects.toThrow(
      /^calibrate is for classifiers that answer with one label, and .*tiny is no classifier$/,
    );
  });
});

describe('a promise does not stand', () => {
  const input = (name: string) => ({ files: [at(name)] });
  const promisesOf = async (name: string, more: LoadModelOptions = {}) => {
    const model = await loadModel(at(name), { threads: 1, ...more });
    return model.decide(['i want my parcel'], { coverage: 0.9 }).finally(() => model.dispose());
  };

  test('on texts that trained the encoder, where no trial told anything', async () => {
    await finetune(options('encoder', { method: 'finetune', maxSteps: 1 }));
    const again = calibrate({ model: at('encoder'), data: input('train.csv'), threads: 1 });
    await expect(again).rejects.toThrow('data has 0 texts that the model did not learn from');
    const hooks = listening();
    const { promised } = await calibrate({ model: at('encoder'), data: input('fresh.csv'), threads: 1 }, hooks);
    expect(hooks.notes().join('\n')).toContain('texts left out, which the model learned from');
    expect(promised.join('\n')).not.toContain('are not known');
  });

  test('on texts that told when to stop', async () => {
    await finetune(options('patient', { method: 'finetune', maxSteps: 2, patience: 1, evalSteps: 1 }));
    const again = calibrate({ model: at('patient'), data: input('held.csv'), threads: 1 });
    await expect(again).rejects.toThrow('data has 0 texts that the model did not learn from');
  });

  test('on more than the first label of a text', async () => {
    const [first = { text: '', label: '' }] = fresh;
    const file = await folder.write(
      'two-labels.csv',
      labeledCsv([...fresh, { text: first.text, label: first.label === 'asks' ? 'wants' : 'asks' }]),
    );
    const hooks = listening();
    await saveTinyClassifier(at('labels'), ['asks', 'wants']);
    await calibrate({ model: at('labels'), data: { files: [file] }, threads: 1 }, hooks);
    expect(hooks.notes()).toContain('data: 1 of these has another label than before: the first one counts');
  });

  test('on texts by which scores were calibrated, nor on one text twice', async () => {
    await saveTinyClassifier(at('twice'), ['asks', 'wants']);
    const file = await folder.write('copies.csv', labeledCsv([...fresh, ...fresh]));
    const data = { files: [file] };
    const hooks = listening();
    const first = await calibrate({ model: at('twice'), data, threads: 1 }, hooks);
    const different = new Set(fresh.map(({ text }) => text)).size;
    expect((first.scaling?.texts ?? 0) + first.texts).toBe(different);
    expect(hooks.notes().join('\n')).toContain(`data: ${400 - different} texts left out, which are there before`);
    expect(first.promised[0]).toContain('not if the training had them, whose texts are not known');
    const second = await calibrate({ model: at('twice'), data, threads: 1 });
    expect(second.texts).toBe(first.texts);
  });

  test('of texts that are read otherwise', async () => {
    expect((await promisesOf('twice')).promises).toMatchObject([{ isProven: true }]);
    const short = await promisesOf('twice', { maxLength: 5 });
    expect(short.promises).toMatchObject([{ isProven: false, confidence: null }]);
    expect(short.promised[0]).toMatch(/an estimate, no promise: bertune calibrate read texts with maxLength \d+$/);
    const rounded = await promisesOf('twice', { int8: true });
    expect(rounded.promises).toMatchObject([{ isProven: false }]);
    expect(rounded.promised[0]).toContain('bertune calibrate read texts without int8');
  });

  test('of other weights or labels', async () => {
    cpSync(at('twice'), at('rolled'), { recursive: true });
    expect((await promisesOf('rolled')).promises).toMatchObject([{ isProven: true }]);
    const weight = (await tensorsOf('rolled')).get('classifier.weight') as Float32Array;
    const half = weight.length / 2;
    const rolled = Float32Array.of(...weight.subarray(half), ...weight.subarray(0, half));
    await patchTensors(at('rolled', 'model.safetensors'), new Map([['classifier.weight', rolled]]));
    await expect(promisesOf('rolled')).rejects.toThrow('is of other weights or labels than the folder');
    expect(await texts(predict({ model: at('rolled'), input: input('held.csv'), threads: 1 }))).toHaveLength(60);
    await calibrate({ model: at('rolled'), data: input('fresh.csv'), threads: 1 });
    expect((await promisesOf('rolled')).promises).toMatchObject([{ isProven: true }]);
  });
});

describe('what is promised says on which texts', () => {
  const decided = async (name: string, asked: Parameters<LoadedModel['decide']>[1], more: LoadModelOptions = {}) => {
    const model = await loadModel(at(name), { threads: 1, ...more });
    return model.decide(['i want my parcel'], asked).finally(() => model.dispose());
  };
  const lineOf = async (asked: Parameters<LoadedModel['decide']>[1], more?: LoadModelOptions) =>
    (await decided('some', asked, more)).promised.join('\n');

  beforeAll(async () => {
    const different = fresh.filter(({ text }, i) => fresh.findIndex((one) => one.text === text) === i);
    const byLabel = (label: string) =>
      different.filter((one) => one.label === label && !rows.some((row) => row.text === one.text));
    await folder.write('asks.csv', labeledCsv(byLabel('asks').slice(0, 40)));
    await folder.write('few-wants.csv', labeledCsv([...byLabel('asks').slice(0, 40), ...byLabel('wants').slice(0, 3)]));
    await finetune(options('some', { method: 'words' }));
  });

  test('of one label alone', async () => {
    const hooks = listening();
    const { promised } = await calibrate({ model: at('some'), data: { files: [at('asks.csv')] }, threads: 1 }, hooks);
    expect(hooks.notes().join('\n')).toContain(
      'data has no text of wants: nothing can be promised of texts with such a label',
    );
    expect(promised[0]).toContain('the 40 texts of asks.csv (of 1 of its 2 labels)');
    expect(readFileSync(at('some', 'README.md'), 'utf8')).toContain('(of 1 of its 2 labels)');
    expect(await lineOf({ coverage: 0.99 })).toMatch(
      /; every label stands in every set, for it takes 99 texts to leave any out$/,
    );
  });

  test('a label with three texts stands in every set', async () => {
    const hooks = listening();
    await calibrate({ model: at('some'), data: { files: [at('few-wants.csv')] }, threads: 1 }, hooks);
    expect(hooks.notes().join('\n')).toContain(
      'promises stand on data from now on, no longer on the 40 texts of asks.csv',
    );
    const { promised, promises, decisions } = await decided('some', { coverage: 0.9, sets: 'per-class' });
    expect(promised.join()).toMatch(
      /at least 90 % of texts of each label, like the 43 texts of few-wants.csv, on average over draws of these; 1 of the 2 labels stands in every set, for it takes 9 texts of a label to leave it out$/,
    );
    expect(promises).toMatchObject([{ sets: 'per-class', inEverySet: 1, isProven: true }]);
    expect(decisions[0]?.set).toContain('wants');
    expect((await decided('some', { coverage: 0.9 })).promises).toMatchObject([{ sets: 'split', inEverySet: 0 }]);
  });

  test('which weights they are of, where nobody kept that', async () => {
    cpSync(at('some'), at('unbound'), { recursive: true });
    const file = at('unbound', 'trust', 'trust.json');
    const { weights, ...others } = JSON.parse(readFileSync(file, 'utf8'));
    expect(weights).toMatch(/^[0-9a-f]{64}$/);
    writeFileSync(file, JSON.stringify(others));
    const { promises, promised } = await decided('unbound', { mostWrong: 0.5, coverage: 0.9 });
    expect(promises.map(({ isProven, confidence }) => [isProven, confidence])).toEqual([
      [false, null],
      [false, null],
    ]);
    for (const line of promised) {
      expect(line).toContain('no promise: nobody kept which weights were calibrated: bertune calibrate does');
    }
    expect((await decided('unbound', { abstain: true })).promised[0]).toContain('nobody kept which weights');
    await calibrate({ model: at('unbound'), data: { files: [at('few-wants.csv')] }, threads: 1 });
    expect((await decided('unbound', { coverage: 0.9 })).promises).toMatchObject([{ isProven: true }]);
  });

  test('what says more of another setting is not taken alone', async () => {
    await expect(decided('some', { sets: 'adaptive' })).rejects.toThrow(/^sets goes with coverage; give both/);
    await expect(decided('some', { confidence: 0.9, coverage: 0.9 })).rejects.toThrow(
      /^confidence goes with mostWrong/,
    );
    const alone = predictFile({
      ...{ model: at('some'), input: { files: [at('held.csv')] }, output: at('alone.csv'), threads: 1 },
      confidence: 0.9,
    });
    await expect(alone).rejects.toThrow(/^confidence goes with mostWrong/);
    expect(existsSync(at('alone.csv'))).toBe(false);
  });
});

describe('what measures a model', () => {
  const measured = async (name: string, file: string) => {
    const hooks = listening();
    const asked = { outOfScope: { files: [at('strange.txt')] }, threads: 1 };
    const result = await evaluate({ model: at(name), data: { files: [at(file)] }, ...asked }, hooks);
    if (!('calibration' in result)) throw new Error('not measured');
    return { ...result, notes: hooks.notes().join('\n') };
  };

  test('is told where it trained the model, or calibrated its scores', async () => {
    expect((await measured('frozen', 'train.csv')).notes).toContain(
      '120 of the 120 texts of data trained the model: on texts that it has not seen, it does worse than measured',
    );
    const own = (await measured('twice', 'copies.csv')).notes;
    expect(own).toMatch(/\d+ of the 400 texts of data calibrated its scores/);
    expect(own).not.toContain('trained the model');
    await folder.write(
      'new.csv',
      labeledCsv([
        { text: 'nothing of this kind', label: 'asks' },
        { text: 'nor this', label: 'wants' },
      ]),
    );
    expect((await measured('frozen', 'new.csv')).notes).not.toMatch(/trained|calibrated/);
  });

  test('leaves out what is known of other weights', async () => {
    cpSync(at('frozen'), at('moved'), { recursive: true });
    const before = await measured('moved', 'held.csv');
    expect(before.uncalibrated).toBeDefined();
    const file = at('moved', 'trust', 'trust.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), weights: '0'.repeat(64) }));
    const after = await measured('moved', 'held.csv');
    expect(after.notes).toMatch(
      /what trust\/ of .*moved knows is of other weights or labels than the folder's, and is left out/,
    );
    expect(after).not.toHaveProperty('uncalibrated');
    expect(after.calibration).toEqual(before.calibration);
    expect(after.outOfScope?.map(({ score, isUsed }) => [score, isUsed])).toEqual([
      ['entropy', false],
      ['energy', false],
      ['probability', false],
    ]);
  });
});

describe('texts of no label among those that calibrate', () => {
  const outOfScope = () => ({ files: [at('strange.txt')] });
  const without = async (name: string, more: object) => {
    cpSync(at('words'), at(name), { recursive: true });
    const hooks = listening();
    const result = await calibrate({ model: at(name), data: { files: [at('fresh.csv')] }, threads: 1, ...more }, hooks);
    const trust = await readTrust({ name: at(name), folder: at(name) });
    if (!trust?.fresh) throw new Error('nothing is known');
    return { ...result, fresh: trust.fresh, notes: hooks.notes().join('\n') };
  };

  test('count as wrong answers, and not for sets', async () => {
    const alone = await without('in-scope', {});
    const both = await without('both', { outOfScope: outOfScope() });
    expect(both.texts).toBe(alone.texts + strange.length);
    expect(both.fresh.label.filter((label) => label < 0)).toHaveLength(strange.length);
    expect(both.notes).toContain('30 texts of no class');
    const line = both.promised.find((one) => one.includes('of the answers are wrong')) ?? '';
    if (line) expect(line).toContain('fresh.csv, strange.txt, 30 of them of no label (any answer is wrong)');
    const sets = (result: typeof both) => result.promises.filter(({ of }) => of === 'coverage');
    expect(sets(both)).toEqual(sets(alone));
    // What is promised stands on both: counted here anew.
    for (const promise of both.promises.filter(({ of }) => of === 'most-wrong')) {
      const model = await loadModel(at('both'), { threads: 1 });
      const asked = { mostWrong: promise.value };
      const seen = new Set(rows.map(({ text }) => text));
      const known = fresh.filter(({ text }, i) => !seen.has(text) && fresh.findIndex((one) => one.text === text) === i);
      const { decisions } = await model.decide([...known.map(({ text }) => text), ...strange], asked);
      const answered = decisions.flatMap(({ label }, i) => (label === null ? [] : [label === known[i]?.label]));
      expect(answered.length / decisions.length).toBeCloseTo(promise.answered ?? 0, 9);
      expect(answered.filter((isRight) => !isRight).length / Math.max(1, answered.length)).toBeCloseTo(
        promise.wrong ?? 0,
        9,
      );
      await model.dispose();
    }
  });

  test('are refused where all of them have a label, and nothing is written', async () => {
    cpSync(at('words'), at('labeled'), { recursive: true });
    const before = readFileSync(at('labeled', 'trust', 'trust.json'), 'utf8');
    const data = { files: [at('fresh.csv')] };
    await expect(calibrate({ model: at('labeled'), data, outOfScope: data, threads: 1 })).rejects.toThrow(
      /outOfScope: no text is left without those which are there twice, have a label or trained the model/,
    );
    expect(readFileSync(at('labeled', 'trust', 'trust.json'), 'utf8')).toBe(before);
  });

  test('leave out those that have a label, or come twice', async () => {
    await folder.write('mixed.txt', `${[...strange, strange[0], fresh[0]?.text].join('\n')}\n`);
    const result = await without('mixed', { outOfScope: { files: [at('mixed.txt')] } });
    expect(result.fresh.label.filter((label) => label < 0)).toHaveLength(strange.length);
    expect(result.notes).toContain('2 texts left out, which are there twice, have a label or trained the model');
  });
});

test('the card says that scores were calibrated after the run, and what exports and int8 leave of promises', async () => {
  const card = () => readFileSync(at('encoder', 'README.md'), 'utf8');
  expect(card()).toContain('with `--int8`, another `--max-length`, or exported (ONNX) it is an estimate');
  expect(card()).toMatch(
    /calibrated them: .*fitted to \d+ texts \(half of the texts of fresh.csv\), is in the weights. The results above were measured before that/,
  );
  await calibrate({ model: at('encoder'), data: { files: [at('held.csv')] }, threads: 1 });
  expect(card()).toContain('(half of the texts of fresh.csv)');
  const hooks = listening();
  await exportModel({ model: at('encoder'), output: at('exported'), dtypes: ['fp32'], threads: 1 }, hooks);
  expect(hooks.notes().join('\n')).toMatch(/what calibrate promised of .*encoder is of its answers in bertune/);
});

test('a damaged folder is told by name, and one of a newer version', async () => {
  const file = at('frozen', 'trust', 'trust.json');
  const content = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...content, format: 2 }));
  await expect(loadModel(at('frozen'), { threads: 1 })).rejects.toThrow('was written by a newer version of bertune');
  writeFileSync(file, JSON.stringify({ ...content, tuning: { count: 7, by: 'x' } }));
  await expect(loadModel(at('frozen'), { threads: 1 })).rejects.toThrow('does not belong to');
  rmSync(at('frozen', 'trust', 'model.safetensors'));
  await expect(loadModel(at('frozen'), { threads: 1 })).rejects.toThrow('trust/model.safetensors');
});

test('a run that replaces another leaves nothing of what was known', async () => {
  const output = 'replaced';
  await finetune(options(output));
  expect(existsSync(at(output, 'trust', 'trust.json'))).toBe(true);
  const hooks = listening();
  await finetune(options(output, { method: 'finetune', maxSteps: 1, overwrite: true }), hooks);
  // Which texts it learned from is kept, for calibrate.
  expect(readdirSync(at(output, 'trust'))).toEqual(['trained.json']);
  expect(hooks.notes().join('\n')).toContain('scores are not calibrated: method finetune held no text out');
});

function predicted(name: string): Promise<unknown[]> {
  return texts(predict({ model: at(name), input: { files: [at('held.csv')] }, threads: 1 }));
}

async function tensorsOf(name: string): Promise<Map<string, Float32Array>> {
  const file = await openSafetensors(at(name, 'model.safetensors'));
  try {
    const all = new Map<string, Float32Array>();
    for (const tensor of [...file.tensors.keys()].sort()) all.set(tensor, await file.read(tensor));
    return all;
  } finally {
    await file.close();
  }
}
