import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { methodNames } from '../../src/jobs/finetune/methods.ts';
import { onTheWay } from '../../src/jobs/finetune/trained.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel } from '../../src/jobs/model.ts';
import type { ClassificationResult, FinetuneOptions, MethodName } from '../../src/jobs/types.ts';
import { TestFolder } from '../data/files.ts';
import { readTensors } from '../models/fixtures.ts';
import { listening, readJson, weightsOf } from './runs.ts';
import { labeledCsv, labeledMessages, saveTinyModel } from './tiny.ts';

const folder = new TestFolder();
const at = (...names: string[]) => join(folder.path, ...names);
/** A fifth of the labels is wrong, so that no method is right about all texts. */
const noisy = (count: number, seed: number) =>
  labeledMessages(count, seed).map(({ text, label }, i) => ({ text, label: i % 5 === 0 ? 'asks' : label }));
const rows = noisy(60, 11);
const heldRows = noisy(40, 12);

beforeAll(async () => {
  await folder.create();
  await saveTinyModel(at('tiny'));
  await folder.write('train.csv', labeledCsv(rows));
  await folder.write('held.csv', labeledCsv(heldRows));
});
afterAll(() => folder.remove());

let runs = 0;
function options(method: MethodName, more: Partial<FinetuneOptions> = {}): FinetuneOptions {
  const isTrained = method.startsWith('finetune') || method.startsWith('contrastive');
  return {
    ...{ model: at('tiny'), train: { files: [at('train.csv')] }, eval: { files: [at('held.csv')] } },
    reads: method === 'words' ? undefined : 'mean',
    ...{ output: at(`run-${++runs}`), threads: 1, method },
    ...(isTrained
      ? { maxSteps: 6, learningRate: 1e-3, batchSize: 16 }
      : { cache: method === 'frozen' ? false : undefined }),
    ...more,
  };
}

/** What the card says of how a method's classifier came about. */
const [onVectors, onWords] = ['the vectors of the frozen encoder, C', 'ogistic regression on TF-IDF weights'];
const told: Readonly<Record<MethodName, readonly string[]>> = {
  words: ['on words, without a network', `L${onWords}`, 'It is no network'],
  frozen: [`Logistic regression on ${onVectors}`],
  hybrid: [`Logistic regression on ${onVectors}; l${onWords}`, 'reads the network alone'],
  finetune: ['AdamW, 6 steps.'],
  'finetune+words': [`AdamW, 6 steps; l${onWords}`, 'reads the network alone'],
  contrastive: ['AdamW, 6 steps.'],
  'contrastive+words': [`AdamW, 6 steps; l${onWords}`, 'reads the network alone'],
};

describe.each(methodNames)('%s', (method) => {
  test('its folder answers, by evaluate and by predict, as the run measured', async () => {
    const given = options(method);
    const result = await finetune(given);
    expect(result).toMatchObject({ method, count: heldRows.length, output: given.output });
    expect(result.accuracy).toBeGreaterThan(0.6);
    expect(result.accuracy).toBeLessThan(1);
    const measured = (await evaluate({
      model: given.output,
      data: { files: [at('held.csv')] },
      threads: 1,
    })) as ClassificationResult;
    expect(measured.confusion).toEqual(result.confusion);
    expect(measured.accuracy).toBe(result.accuracy);
    expect(measured.macroF1).toBe(result.macroF1);
    expect(measured.loss).toBeCloseTo(result.loss, 5);
    const model = await loadModel(given.output, { threads: 1 });
    const answers = await model.classify(heldRows.map(({ text }) => text));
    await model.dispose();
    const right = answers.filter(({ label }, i) => label === heldRows[i]?.label).length;
    expect(right / heldRows.length).toBe(result.accuracy);
    const loss = answers.reduce((sum, { label, score }, i) => {
      return sum - Math.log(label === heldRows[i]?.label ? score : 1 - score) / heldRows.length;
    }, 0);
    expect(loss).toBeCloseTo(result.loss, 4);
    expect(existsSync(join(given.output, 'words'))).toBe(/words|hybrid/.test(method));
    const card = readFileSync(join(given.output, 'README.md'), 'utf8').replace(/\bC [\d.]+/g, 'C');
    for (const sentence of told[method]) expect(card).toContain(sentence);
    expect(card.includes('softmax(log p(network)'), 'words beside a network').toBe(/hybrid|\+words/.test(method));
    expect(readJson(given.output, 'run.json')).toMatchObject({ status: 'finished', configuration: { method } });
  });

  test('a finished run gives its result again, and another takes its place', async () => {
    const given = options(method);
    const result = JSON.parse(JSON.stringify(await finetune(given)));
    expect(await finetune({ ...given, resume: true })).toEqual(result);
    const other = method === 'frozen' ? 'words' : 'frozen';
    const replaced = await finetune(options(other, { output: given.output, overwrite: true }));
    const fresh = await finetune(options(other));
    expect(readdirSync(given.output).sort()).toEqual(readdirSync(fresh.output).sort());
    expect({ ...replaced, output: '' }).toEqual({ ...fresh, output: '' });
  });
});

describe('words', () => {
  test('need no model: one that cannot be read is not asked for', async () => {
    const hooks = listening();
    const given = options('words', { model: at('nowhere') });
    const result = await finetune(given, hooks);
    expect(result.accuracy).toBeGreaterThan(0.6);
    expect(hooks.notes().join('\n')).toContain('reads words alone');
  });

  test.each([
    { reads: 'mean' },
    { maxLength: 32 },
    { randomStart: true },
    { maxSteps: 3 },
    { learningRate: 1e-3 },
  ] as const)('%o counts for networks', async (more) => {
    const [name = ''] = Object.keys(more);
    await expect(finetune(options('words', more))).rejects.toThrow(`${name} is no option of method words`);
  });
});

describe('contrastive', () => {
  const long = { maxSteps: 8, learningRate: 1e-3, batchSize: 16, evalSteps: 3 } as const;

  test.each([{}, { accumulationSteps: 2 }] as const)(
    'stopped and resumed, ends as if never stopped: %o',
    async (more) => {
      const whole = options('contrastive', { ...long, ...more });
      const stopped = options('contrastive', { ...long, ...more });
      const result = await finetune(whole);
      await expect(finetune(stopped, listening(4))).rejects.toThrow('stopped after step 4 of 8');
      const resumed = await finetune({ ...stopped, resume: true });
      const timeless = { tokensPerSecond: 0, output: '' };
      expect({ ...resumed, ...timeless }).toEqual({ ...result, ...timeless });
      expect(weightsOf(stopped.output).equals(weightsOf(whole.output))).toBe(true);
      expect(headOf(stopped.output).equals(headOf(whole.output))).toBe(true);
    },
  );

  test('its weights lie so far on the way from those of the start to the trained ones', async () => {
    const given = options('contrastive', long);
    await finetune(given);
    const before = await readTensors(join(at('tiny'), 'model.safetensors'));
    const name = 'encoder.layer.0.output.dense.weight';
    const after = await readTensors(join(given.output, 'model.safetensors'));
    expect(after.get(name) ?? after.get(`bert.${name}`)).not.toEqual(before.get(`bert.${name}`));
    const reached = onTheWay(
      new Map([
        ['kept', Float32Array.of(1, -2)],
        ['new', Float32Array.of(4)],
      ]),
      new Map([['kept', Float32Array.of(0, 2)]]),
      0.25,
    );
    expect([...(reached.get('kept') ?? [])]).toEqual([0.25, 1]);
    expect([...(reached.get('new') ?? [])]).toEqual([4]);
  });

  test.each([
    ['a model with a pooler, by the mean', { reads: undefined }],
    ['half an encoder', { freezeLayers: 1 }],
    ['balanced classes', { classWeights: 'balanced' }],
  ] as const)('trains %s, and answers as it was measured', async (_, more) => {
    const given = options('contrastive', { ...long, ...more });
    const result = await finetune(given);
    const measured = await evaluate({ model: given.output, data: { files: [at('held.csv')] }, threads: 1 });
    expect(measured).toMatchObject({ accuracy: result.accuracy, confusion: result.confusion });
    expect(measured.loss).toBeCloseTo(result.loss, 5);
  });

  test('cannot read a pooler', async () => {
    await expect(finetune(options('contrastive', { ...long, reads: 'pooler' }))).rejects.toThrow(
      'reads pooler cannot be had with method contrastive, whose head reads vectors; choose a pooling',
    );
  });

  test('of early stopping, too, the classifier belongs to the weights that are kept', async () => {
    // So fast that later evaluations are worse than an earlier one.
    const given = options('contrastive', { ...long, learningRate: 0.05, evalSteps: 1, patience: 3, maxSteps: 12 });
    const result = await finetune(given);
    const measured = await evaluate({ model: given.output, data: { files: [at('held.csv')] }, threads: 1 });
    expect(measured).toMatchObject({ accuracy: result.accuracy, confusion: result.confusion });
    expect(measured.loss).toBeCloseTo(result.loss, 4);
  });
});

function headOf(output: string): Buffer {
  return readFileSync(join(output, '2_Dense', 'model.safetensors'));
}
