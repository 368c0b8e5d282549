import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { findModel } from '../../src/jobs/findModel.ts';
import { Base } from '../../src/jobs/finetune/base.ts';
import { fittedStart } from '../../src/jobs/finetune/frozen.ts';
import { labeledSets } from '../../src/jobs/finetune/labeled.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel } from '../../src/jobs/model.ts';
import type { FinetuneOptions } from '../../src/jobs/types.ts';
import { resolve } from '../../src/settings/resolve.ts';
import { TestFolder } from '../data/files.ts';
import { readTensors } from '../models/fixtures.ts';
import { cases, folderNamed, sentenceFolder } from '../sentenceFolders.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening, readJson, weightsOf } from './runs.ts';
import { labeledCsv, labeledMessages, saveTinyModel } from './tiny.ts';

const folder = new TestFolder();
const at = (...names: string[]) => join(folder.path, ...names);
const rows = labeledMessages(60);
const heldRows = labeledMessages(30, 12);

beforeAll(async () => {
  await folder.create();
  await saveTinyModel(at('tiny'));
  await folder.write('train.csv', labeledCsv(rows));
  await folder.write('held.csv', labeledCsv(heldRows));
});
afterAll(() => folder.remove());

let runs = 0;
function options(more: Partial<FinetuneOptions> = {}): FinetuneOptions {
  return {
    ...{ model: at('tiny'), train: { files: [at('train.csv')] }, eval: { files: [at('held.csv')] } },
    ...{ output: at(`run-${++runs}`), cache: at('cache'), freeze: 'all', threads: 1, labelTexts: 'none', ...more },
  };
}

/** Texts whose vectors a run computed. */
function computed({ events }: ReturnType<typeof listening>): number {
  const totals = events.flatMap((event) =>
    event.type === 'progress' && event.activity === 'computing vectors' ? [event.total ?? 0] : [],
  );
  return totals[0] ?? 0;
}

describe('a head on a frozen encoder', () => {
  test('leaves the encoder as it is and classifies as it was measured', async () => {
    const given = options({ cache: false });
    const result = await finetune(given);
    expect(result.accuracy).toBeGreaterThan(0.85);
    expect(result).toMatchObject({ steps: 0, head: { scored: 60, vectorsFound: 0 } });
    const scores = result.head?.folds ?? [];
    expect(scores).toHaveLength(7);
    // Half a nat of all 60 texts for each step of the grid from its sixth value, squared.
    const totals = scores.map(({ loss }, i) => 60 * loss + 0.5 * (i - 5) ** 2);
    expect(scores[totals.indexOf(Math.min(...totals))]?.c).toBe(result.head?.c);
    const [before, after] = [await tensorsOf(at('tiny')), await tensorsOf(given.output)];
    const kept = [...after].filter(([name]) => before.has(`bert.${name}`) || before.has(name));
    expect(kept.length).toBeGreaterThan(30);
    for (const [name, values] of kept) expect(values, name).toEqual(before.get(`bert.${name}`) ?? before.get(name));
    const model = await loadModel(given.output, { threads: 1 });
    const predictions = await model.classify(heldRows.map(({ text }) => text));
    await model.dispose();
    const right = predictions.filter(({ label }, i) => label === heldRows[i]?.label).length;
    expect(right / heldRows.length).toBeCloseTo(result.accuracy, 9);
    const loss = predictions.reduce((sum, { score, label }, i) => {
      return sum - Math.log(label === heldRows[i]?.label ? score : 1 - score) / heldRows.length;
    }, 0);
    expect(loss).toBeCloseTo(result.loss, 5);
  });

  test.each(['pooling-joined', 'all-kinds', 'prompts', 'classifier'])(
    'goes by all that a sentence encoder has (%s), and is fitted anew from what it wrote',
    async (name) => {
      const one = cases.find((each) => each.name === name);
      if (!one) throw new Error(`no case ${name}`);
      // One of them is a classifier for labels of its own.
      const given = options({ model: sentenceFolder(one), cache: false, labels: 'replace' });
      const result = await finetune(given);
      const again = await finetune(options({ model: given.output, cache: false }));
      expect(again.loss).toBeCloseTo(result.loss, 6);
      const model = await loadModel(given.output, { threads: 1 });
      const predictions = await model.classify(heldRows.map(({ text }) => text));
      await model.dispose();
      const right = predictions.filter(({ label }, i) => label === heldRows[i]?.label).length;
      expect(right / heldRows.length).toBeCloseTo(result.accuracy, 9);
    },
  );

  test('reads what is asked for', async () => {
    const given = options({ reads: 'cls' });
    const hooks = listening();
    await finetune(given, hooks);
    expect(hooks.notes()).toContain('the classifier reads the first token');
    expect(readJson(given.output, '1_Pooling', 'config.json')).toMatchObject({ pooling_mode_cls_token: true });
  });

  test('weighs rare classes more when it is asked to', async () => {
    const rare = [
      ...rows.filter(({ label }) => label === 'asks'),
      ...rows.filter(({ label }) => label === 'wants').slice(0, 4),
    ];
    const train = { files: [await folder.write('rare.csv', labeledCsv(rare))] };
    const [plain, balanced] = [
      await finetune(options({ train })),
      await finetune(options({ train, classWeights: 'balanced' })),
    ];
    const taken = ({ confusion }: typeof plain) => confusion.reduce((sum, row) => sum + (row[1] ?? 0), 0);
    expect(taken(balanced)).toBeGreaterThan(taken(plain));
  });

  test('says what it does when there is nothing to choose by', async () => {
    const hooks = listening();
    const result = await finetune(options({ labelsPerClass: 1 }), hooks);
    expect(result.head).toMatchObject({ folds: [], scored: 0 });
    expect(hooks.notes()).toContain(
      `C ${result.head?.c} for want of texts to choose it by: no class has two that differ`,
    );
  });

  test('its record and card tell how it came about', async () => {
    const given = options();
    const { head } = await finetune(given);
    const record = readJson(given.output, 'run.json');
    expect(record).toMatchObject({ command: 'finetune', status: 'finished', result: { head: { c: head?.c } } });
    expect(record.configuration).toMatchObject({ freeze: 'all', seed: 0, maxLength: 64 });
    expect(record.configuration).not.toHaveProperty('learningRate');
    expect(record.configuration).not.toHaveProperty('batchSize');
    const card = readFileSync(join(given.output, 'README.md'), 'utf8');
    expect(card).toContain(`Logistic regression on the vectors of the frozen encoder, C ${head?.c}.`);
    expect(card).toContain('| freeze | all |');
    expect(card).not.toContain('AdamW');
  });
});

describe('its vectors', () => {
  test('are computed once, for whichever run', async () => {
    const cache = at('once');
    const hooks = [listening(), listening(), listening(), listening()] as const;
    const first = await finetune(options({ cache }), hooks[0]);
    const second = await finetune(options({ cache, seed: 3 }), hooks[1]);
    const distinct = new Set([...rows, ...heldRows].map(({ text }) => text)).size;
    expect(hooks.slice(0, 2).map(computed)).toEqual([distinct, 0]);
    expect([first, second].map(({ head }) => head?.vectorsFound)).toEqual([0, distinct]);
    expect(hooks[1].notes()).toContain(`${distinct} vectors as computed before`);
    expect(second.loss).toBeCloseTo(first.loss, 1);
    // Texts that are new are computed alone, and another way of reading anew.
    const more = [...rows, { text: 'a text that is new', label: 'asks' }];
    const train = { files: [await folder.write('more.csv', labeledCsv(more))] };
    await finetune(options({ cache, train }), hooks[2]);
    expect(computed(hooks[2])).toBe(1);
    await finetune(options({ cache, maxLength: 8, longTexts: 'start' }), hooks[3]);
    expect(computed(hooks[3])).toBe(distinct);
  });

  test('give the same head, bit for bit, whether or not they were there', async () => {
    const cache = at('same');
    const given = [options({ cache }), options({ cache }), options({ cache: false })] as const;
    for (const each of given) await finetune(each);
    const heads = given.map(({ output }) => readFileSync(join(output, '2_Dense', 'model.safetensors')));
    expect(heads[1]?.equals(heads[0] as Buffer)).toBe(true);
    expect(heads[2]?.equals(heads[0] as Buffer)).toBe(true);
  });

  test('of other weights are others', async () => {
    const cache = at('weights');
    await finetune(options({ cache }));
    const hooks = listening();
    await finetune(options({ cache, randomStart: true }), hooks);
    expect(computed(hooks)).toBeGreaterThan(80);
  });

  test('are not kept without a cache, or where it cannot be written', async () => {
    const hooks = listening();
    const blocked = await folder.write('blocked', '');
    await finetune(options({ cache: blocked }), hooks);
    expect(hooks.notes().find((line) => line.startsWith('vectors are not kept for later runs ('))).toContain(
      'cache chooses where they are',
    );
  });

  test('that are damaged are computed anew', async () => {
    const cache = at('damaged');
    const first = await finetune(options({ cache }));
    const [entry = ''] = readdirSync(join(cache, 'vectors'));
    const file = join(cache, 'vectors', entry, 'vectors.bin');
    const bytes = readFileSync(file);
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const second = await finetune(options({ cache }));
    expect(second.head?.vectorsFound).toBe(0);
    expect(second.loss).toBe(first.loss);
  });

  test('that hold no numbers are refused', async () => {
    const model = temporaryFolder();
    await saveTinyModel(model);
    const bytes = weightsOf(model);
    const header = Number(bytes.readBigUInt64LE(0));
    const tensors: Record<string, { data_offsets: number[] }> = JSON.parse(bytes.subarray(8, 8 + header).toString());
    const start = tensors['bert.encoder.layer.1.output.LayerNorm.bias']?.data_offsets[0] ?? 0;
    bytes.writeFloatLE(Number.NaN, 8 + header + start);
    writeFileSync(join(model, 'model.safetensors'), bytes);
    await expect(finetune(options({ model }))).rejects.toThrow(
      /model\.safetensors: bert\.encoder\.layer\.1\.output\.LayerNorm\.bias holds NaN at 0, which is no weight/,
    );
  });
});

describe('training of the whole model on vectors', () => {
  /** Settings that leave every weight as good as it was. */
  const still = { freeze: undefined, method: 'finetune', cache: undefined, maxSteps: 1, learningRate: 1e-9 } as const;
  const fitted = 'training starts from a classifier that is fitted to the vectors of the encoder as it is';

  test.each(['a plain model', 'normalize', 'all-kinds', 'prompts'])(
    'starts from the head that the frozen encoder has: %s',
    async (name) => {
      const read = name === 'a plain model' ? ({ reads: 'mean' } as const) : { model: folderNamed(name) };
      const frozen = await finetune(options({ ...read, cache: false }));
      const hooks = listening();
      const start = await finetune(options({ ...still, ...read }), hooks);
      expect(hooks.notes()).toContain(fitted);
      expect(hooks.notes().join()).not.toContain('started at random');
      expect(start).not.toHaveProperty('head');
      // What is trained on is the head before its scores were calibrated.
      expect(start.loss).toBeCloseTo(frozen.calibration?.before?.logLoss.value ?? 0, 4);
      expect(start.confusion).toEqual(frozen.confusion);
    },
  );

  test('goes on from the classifier that a folder has', async () => {
    const train = { files: [await folder.write('few.csv', labeledCsv(rows.slice(0, 20)))] };
    const first = await finetune(options({ model: folderNamed('normalize'), train, cache: false }));
    const hooks = listening();
    const again = await finetune(options({ ...still, model: first.output }), hooks);
    expect(hooks.notes()).not.toContain(fitted);
    expect(again.loss).toBeCloseTo(first.loss, 4);
    const anew = await finetune(options({ model: folderNamed('normalize'), cache: false }));
    expect(Math.abs(anew.loss - first.loss)).toBeGreaterThan(1e-3);
  });

  test('of a model whose classifier reads the pooler starts at random', async () => {
    const hooks = listening();
    await finetune(options(still), hooks);
    expect(hooks.notes()).not.toContain(fitted);
    expect(hooks.notes().join()).toContain('has no classifier for these labels: started at random');
  });

  test('says once how many texts were cut', async () => {
    for (const more of [{}, still, { ...still, method: 'contrastive' }] as const) {
      const hooks = listening();
      await finetune(options({ reads: 'mean', maxLength: 4, ...more }), hooks);
      expect(hooks.notes().filter((line) => line.endsWith('longer than 4 tokens truncated'))).toHaveLength(1);
    }
  });

  test('starts from a sample of many texts', async () => {
    const hooks = listening();
    const asked = { ...options({ ...still, reads: 'mean' }) };
    const given = resolve('finetune', asked);
    const distinct = rows.map(({ text, label }, i) => ({ text: `${text} ${i}`, label }));
    const set = { texts: distinct.map(({ text }) => text), labels: distinct.map(({ label }) => label) };
    const classes = { labels: ['asks', 'wants'], known: 0 };
    const run = {
      ...{ given, options: asked, engine: onnxEngine({ threads: 1 }), hooks },
      data: await labeledSets(given, { train: set, held: set, classes, described: { texts: [], labels: [] } }, hooks),
      work: () => at('work'),
      found: () => findModel(asked.model),
    };
    const base = await Base.open(run);
    const sampled = await fittedStart(run, base, 20);
    expect(computed(hooks)).toBe(20);
    expect(hooks.notes().join('\n')).toMatch(
      /fitted to the vectors of 20 texts of .*\nC .* of 20 training texts in 5 folds/,
    );
    const whole = await fittedStart(run, base, rows.length);
    expect(sampled.get('classifier.weight')).not.toEqual(whole.get('classifier.weight'));
    expect(whole).toEqual(await fittedStart(run, base));
  });
});

describe('settings of training in steps', () => {
  test.each([
    [{ learningRate: 1e-3 }, 'learningRate is no option of method frozen'],
    [{ epochs: 2 }, 'epochs is no option of method frozen'],
    [{ patience: 2 }, 'patience is no option of method frozen'],
    [{ freezeLayers: 1 }, 'freezeLayers is no option of method frozen'],
    [{ batchSize: 4 }, 'batchSize is no option of method frozen'],
    [{ freeze: undefined }, 'cache is an option of method frozen, not of the default'],
    [{ freeze: undefined, method: 'finetune' }, 'cache is an option of method frozen, not of finetune'],
    [{ reads: 'pooler' }, 'reads pooler cannot be had with method frozen'],
    [{ method: 'finetune' }, 'freeze all is method frozen, not finetune; give one of them'],
  ] as const)('%o', async (more, message) => {
    await expect(finetune(options(more))).rejects.toThrow(message);
  });

  test('a finished run gives its result again, one that was stopped begins anew', async () => {
    const given = options();
    const controller = new AbortController();
    const onEvent = (event: { type: string; activity?: string }) => {
      if (event.activity === 'fitting the classifier') controller.abort();
    };
    await expect(finetune(given, { onEvent, signal: controller.signal })).rejects.toThrow('stopped before the end');
    const hooks = listening();
    const result = await finetune({ ...given, resume: true }, hooks);
    expect(hooks.notes()).toContain(
      `resume: ${given.output} holds no checkpoint, so the run starts from the beginning`,
    );
    expect(await finetune({ ...given, resume: true })).toEqual(JSON.parse(JSON.stringify(result)));
  });

  test('does not go on with the checkpoints of a run in steps', async () => {
    const output = at('steps');
    const { cache: _, ...steps } = options({
      output,
      freeze: undefined,
      method: 'finetune',
      maxSteps: 4,
      saveSteps: 1,
    });
    await expect(finetune(steps, listening(2))).rejects.toThrow('stopped after step 2');
    await expect(finetune(options({ output, resume: true }))).rejects.toThrow('holds checkpoints of a run in steps');
    const result = await finetune(options({ output, overwrite: true }));
    expect(result.head).toBeDefined();
    expect(readdirSync(output)).not.toContain('checkpoints');
  });

  test('a run that takes the place of another leaves none of its modules', async () => {
    const encoder = cases.find(({ name }) => name === 'all-kinds');
    const output = at('replaced');
    await finetune(options({ model: sentenceFolder(encoder ?? { layers: [] }), output }));
    const modules = readdirSync(output).filter((name) => /^\d_/.test(name));
    expect(modules.length).toBeGreaterThan(2);
    writeFileSync(join(output, modules[0] ?? '', 'notes.txt'), 'of someone else');
    const { cache: _, ...steps } = options({
      output,
      freeze: undefined,
      overwrite: true,
      maxSteps: 1,
      reads: 'pooler',
    });
    await finetune(steps);
    expect(readdirSync(output).filter((name) => /^\d_|^modules|sentence/.test(name))).toEqual([modules[0]]);
    expect(readdirSync(join(output, modules[0] ?? ''))).toEqual(['notes.txt']);
  });
});

async function tensorsOf(path: string): Promise<Map<string, Float32Array>> {
  return readTensors(join(path, 'model.safetensors'));
}
