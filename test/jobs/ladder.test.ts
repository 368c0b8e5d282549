import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { foldsOf } from '../../src/jobs/finetune/labeled.ts';
import { methodNames } from '../../src/jobs/finetune/methods.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import type { FinetuneOptions, Ladder } from '../../src/jobs/types.ts';
import { TestFolder } from '../data/files.ts';
import { listening, readJson } from './runs.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel } from './tiny.ts';

const folder = new TestFolder();
const at = (...names: string[]) => join(folder.path, ...names);
const project = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const noisy = (count: number, seed: number) =>
  labeledMessages(count, seed).map(({ text, label }, i) => ({ text, label: i % 5 === 0 ? 'asks' : label }));

beforeAll(async () => {
  await folder.create();
  await saveTinyModel(at('tiny'));
  await folder.write('train.csv', labeledCsv(noisy(60, 11)));
  await folder.write('held.csv', labeledCsv(noisy(40, 12)));
  await folder.write(
    'other.csv',
    labeledCsv(noisy(25, 13).map(({ text }, i) => ({ text, label: i % 2 ? 'asks' : 'wants' }))),
  );
});
afterAll(() => folder.remove());

let runs = 0;
function options(more: Partial<FinetuneOptions> = {}): FinetuneOptions {
  return {
    ...{ model: at('tiny'), train: { files: [at('train.csv')] }, eval: { files: [at('held.csv')] } },
    ...{ output: at(`run-${++runs}`), threads: 1, maxSteps: 6, learningRate: 1e-3, budget: 60, ...more },
  };
}

/** What a run found out about the methods. */
function ladderOf({ ladder }: { readonly ladder?: Ladder }): Ladder {
  if (!ladder) throw new Error('the run climbed no ladder');
  return ladder;
}

/** Whether something speaks against the method that was chosen, by the rule that it was chosen by. */
function expectTheBest({ chosen, rungs }: Ladder): void {
  expect(rungs.filter(({ difference }) => difference === null).map(({ method }) => method)).toEqual([chosen]);
  const place = rungs.findIndex(({ difference }) => difference === null);
  for (const [i, { method, difference }] of rungs.entries()) {
    if (!difference) continue;
    const { mean, low, high } = difference;
    const standardError = (high - low) / (2 * 1.959964);
    // A simpler one is worse; a dearer one is not better by more than a tie.
    if (i < place) expect(mean, method).toBeLessThan(0);
    else expect(mean <= 0 || mean < 0.25 * standardError + 1e-9, method).toBe(true);
  }
}

test('bert-mini-sentences and the intents of corpora: every method is tried, and the best is what the folder holds', async () => {
  const output = at('intents');
  const hooks = listening();
  const result = await finetune(
    {
      ...{ model: project('checkpoints/bert-mini-sentences'), output, threads: 1, maxSteps: 1, budget: 60 },
      ...{ train: { files: [project('corpora/intents.train.csv')] }, labelsPerClass: 3 },
      ...{ eval: { files: [project('corpora/intents.test.csv')] }, evalLimit: 60 },
    },
    hooks,
  );
  const ladder = ladderOf(result);
  expect(result.method).toBe(ladder.chosen);
  expect(ladder.rungs.map(({ method }) => method)).toEqual(methodNames);
  expect(ladder.left).toEqual([]);
  expectTheBest(ladder);
  for (const { accuracy, low, high, texts, seconds, bytes } of ladder.rungs) {
    expect(low).toBeLessThanOrEqual(accuracy ?? Number.NaN);
    expect(high).toBeGreaterThanOrEqual(accuracy ?? Number.NaN);
    expect(texts).toBeGreaterThan(0);
    expect(texts).toBeLessThanOrEqual(60);
    expect(Math.min(seconds, bytes)).toBeGreaterThan(0);
  }
  const notes = hooks.notes();
  expect(notes.filter((line) => line.startsWith('chooses the method on folds'))).toHaveLength(1);
  expect(notes.filter((line) => line.startsWith(`${ladder.chosen} does best`))).toHaveLength(1);
  const record = readJson(output, 'run.json');
  expect(record).toMatchObject({
    configuration: { method: ladder.chosen },
    result: { ladder: { chosen: ladder.chosen } },
  });
  const data = { files: [project('corpora/intents.test.csv')] };
  const measured = await evaluate({ model: output, data, limit: 60, threads: 1 });
  expect(measured).toMatchObject({ accuracy: result.accuracy, confusion: result.confusion });
});

describe('the choice', () => {
  test('is made of a BERT with a pooler, too: what competes reads the mean of all tokens', async () => {
    const hooks = listening();
    const result = await finetune(options({ method: undefined }), hooks);
    expect(ladderOf(result).rungs.map(({ method }) => method)).toEqual(methodNames);
    expect(hooks.notes()).toContain('the classifier reads the mean of all tokens');
    const trained = listening();
    await finetune(options({ method: 'finetune', budget: undefined }), trained);
    expect(trained.notes().join('\n')).toMatch(/the classifier reads .*pooler/);
  });

  test('does not go by the texts that measure the result', async () => {
    const [one, other] = [options(), options({ eval: { files: [at('other.csv')] } })];
    const [first, second] = [await finetune(one), await finetune(other)];
    const timeless = ({ chosen, wordsWeight, rungs, left }: Ladder) => ({
      ...{ chosen, wordsWeight, left, rungs: rungs.map((rung) => ({ ...rung, seconds: 0 })) },
    });
    expect(timeless(ladderOf(second))).toEqual(timeless(ladderOf(first)));
    expect(second.accuracy).not.toBe(first.accuracy);
    expectTheBest(ladderOf(first));
    const files = weightFilesOf(one.output);
    expect(files.length).toBeGreaterThan(0);
    expect(weightFilesOf(other.output)).toEqual(files);
    for (const file of files) {
      const [a, b] = [one, other].map(({ output }) => readFileSync(join(output, file)));
      expect(a?.equals(b ?? Buffer.of()), file).toBe(true);
    }
  });

  test('leaves out what takes more time than is stated, and says so', async () => {
    const hooks = listening();
    const ladder = ladderOf(await finetune(options({ budget: 1e-4 }), hooks));
    expect(ladder.rungs.map(({ method }) => method)).toEqual(['words', 'frozen', 'hybrid']);
    expect(ladder.left.map(({ method }) => method)).toEqual(['finetune', 'contrastive']);
    for (const { reason } of ladder.left) {
      expect(reason).toMatch(/^training takes about \d+ seconds?, and the budget is 1 second$/);
    }
    expect(hooks.notes().join('\n')).toContain('in about 1 second (budget)');
    expectTheBest(ladder);
  });

  test('leaves out what there is not enough memory for, and goes on with what there is', async () => {
    const ladder = ladderOf(await finetune(options({ batchSize: 1e13 })));
    expect(ladder.rungs.map(({ method }) => method)).toEqual(['words', 'frozen', 'hybrid']);
    expect(ladder.left.map(({ method }) => method)).toEqual(['finetune', 'contrastive']);
    for (const { reason } of ladder.left) expect(reason).toContain('more than there is memory for');
  });

  test('falls on vectors where no text can be held out', async () => {
    const hooks = listening();
    const result = await finetune(options({ labelsPerClass: 1 }), hooks);
    expect(result.method).toBe('frozen');
    expect(result.ladder).toBeUndefined();
    expect(hooks.notes().join('\n')).toContain('no class has two texts that differ, so methods cannot be compared');
  });

  test('knows a class of one text', async () => {
    const train = {
      files: [
        await folder.write('rare.csv', labeledCsv([...noisy(40, 11), { text: 'close my account', label: 'leaves' }])),
      ],
    };
    const result = await finetune(options({ train }));
    expect(result.labels).toEqual(['asks', 'leaves', 'wants']);
    expectTheBest(ladderOf(result));
  });

  test('is not made where the model has a classifier for the labels', async () => {
    const first = await finetune(
      options({ method: 'frozen', maxSteps: undefined, learningRate: undefined, budget: undefined }),
    );
    const hooks = listening();
    const again = await finetune(options({ model: first.output, reads: undefined, maxSteps: 2 }), hooks);
    expect(again).toMatchObject({ method: 'finetune', steps: 2 });
    expect(again.ladder).toBeUndefined();
    expect(hooks.notes().join('\n')).toContain('the model has a classifier for these labels, which is trained on');
  });
});

describe('texts without labels', () => {
  const unlabeled = async (count: number) => ({
    files: [await folder.write(`chats-${count}.txt`, `${messages(count, 77).join('\n')}\n`)],
  });

  test('adapt the encoder first, and what is trained starts from whichever does better on folds', async () => {
    const hooks = listening();
    const given = options({ unlabeled: await unlabeled(700) });
    const ladder = ladderOf(await finetune(given, hooks));
    const notes = hooks.notes().join('\n');
    expect(notes).toMatch(/the encoder was adapted to \d+ texts without labels; \d+ % of a text's 10 nearest/);
    const [, before, after, where] =
      /cross-entropy on folds ([\d.]+) before, ([\d.]+) after, so training starts from (.*)/.exec(notes) ?? [];
    expect(where).toBe(Number(after) < Number(before) ? 'there' : 'the encoder as it was');
    const isAdapted = where === 'there' || undefined;
    const named = ladder.rungs.map(({ method, adapted }) => [method, adapted]);
    expect(named).toEqual([
      ['words', undefined],
      ['frozen', undefined],
      ['hybrid', undefined],
      ['frozen', true],
      ['hybrid', true],
      ['finetune', isAdapted],
      ['finetune+words', isAdapted],
      ['contrastive', isAdapted],
      ['contrastive+words', isAdapted],
    ]);
    expectTheBest(ladder);
    expect(ladder.adapted).toBe(ladder.rungs.find(({ difference }) => difference === null)?.adapted);
  });

  test('too few of them, or too little time, leave it as it is', async () => {
    for (const [more, said] of [
      [{ unlabeled: await unlabeled(300) }, undefined],
      [{ unlabeled: await unlabeled(700), budget: 1e-4 }, 'the encoder is not adapted to the texts without labels'],
    ] as const) {
      const hooks = listening();
      const ladder = ladderOf(await finetune(options(more), hooks));
      expect(ladder.rungs.some(({ adapted }) => adapted)).toBe(false);
      expect(hooks.notes().some((line) => line.startsWith('the encoder was adapted'))).toBe(false);
      if (said) expect(hooks.notes().join('\n')).toContain(said);
    }
  });
});

test('repeats of a text, however they are written, and groups are in one fold', () => {
  const texts = [
    'Where is it?',
    'where is it?',
    '  Where  is it? ',
    ...Array.from({ length: 17 }, (_, i) => `text ${'abcdefghijklmnopq'[i]}`),
  ];
  const classes = Int32Array.from(texts, (_, i) => i % 2);
  const groups = texts.map((_, i) => (i > 15 ? 'one' : `group ${i}`));
  const folds = foldsOf({ texts, groups, classes }, 0);
  expect(new Set(folds.slice(0, 3)).size).toBe(1);
  expect(new Set(folds.slice(16)).size).toBe(1);
  expect(new Set(folds)).toEqual(new Set([0, 1, 2, 3, 4]));
});

describe('a run that is stopped', () => {
  test.each([
    'fitting the classifier on words',
    'computing vectors',
    'fitting the classifier',
    'trying finetune, fold 1',
    'trying contrastive, fold 2',
  ])('while %s leaves nothing behind', async (activity) => {
    const controller = new AbortController();
    const given = options();
    const onEvent = (event: { type: string; activity?: string }) => {
      if (event.activity === activity) controller.abort();
    };
    await expect(finetune(given, { onEvent, signal: controller.signal })).rejects.toMatchObject({
      name: 'InterruptedError',
      message: expect.stringContaining('stopped before'),
    });
    expect(existsSync(given.output)).toBe(false);
  });

  test('after the choice goes on without choosing again, and ends as if never stopped', async () => {
    // Whether two words far from each other are alike: nothing that adds up words, or means of random vectors, can tell.
    const train = { files: [await folder.write('alike.csv', labeledCsv(alike(160, 1)))] };
    const held = { files: [await folder.write('alike-held.csv', labeledCsv(alike(60, 2)))] };
    const more = { train, eval: held, maxSteps: 150, learningRate: 3e-3, batchSize: 16 };
    const whole = options(more);
    const result = await finetune(whole);
    const ladder = ladderOf(result);
    expect(ladder.chosen).toMatch(/^(finetune|contrastive)/);
    expectTheBest(ladder);
    const stopped = options(more);
    await expect(finetune(stopped, listening(20))).rejects.toThrow('stopped after step 20 of 150');
    const hooks = listening();
    const resumed = await finetune({ ...stopped, resume: true }, hooks);
    expect(
      hooks.events.filter((event) => event.type === 'progress' && String(event.activity).startsWith('trying')),
    ).toEqual([]);
    expect(hooks.notes()).toContain('resumed after step 20');
    const timeless = { tokensPerSecond: 0, output: '', ladder: undefined };
    expect({ ...resumed, ...timeless }).toEqual({ ...result, ...timeless });
    expect(ladderOf(resumed).chosen).toBe(ladder.chosen);
    expect(weightFilesOf(stopped.output)).toEqual(weightFilesOf(whole.output));
    for (const file of weightFilesOf(whole.output)) {
      const [a, b] = [whole, stopped].map(({ output }) => readFileSync(join(output, file)));
      expect(a?.equals(b ?? Buffer.of()), file).toBe(true);
    }
  });

  test('after the choice of an adapted encoder adapts it again, to the same bits', async () => {
    const train = { files: [await folder.write('thirty.csv', labeledCsv(noisy(30, 21)))] };
    const unlabeled = { files: [await folder.write('beside.txt', `${messages(700, 77).join('\n')}\n`)] };
    const more = { train, unlabeled, maxSteps: 60, learningRate: 3e-3, seed: 1 };
    const whole = options(more);
    const result = await finetune(whole);
    expect(ladderOf(result)).toMatchObject({
      chosen: expect.stringMatching(/^(finetune|contrastive)$/),
      adapted: true,
    });
    const stopped = options(more);
    await expect(finetune(stopped, listening(20))).rejects.toThrow('stopped after step 20 of 60');
    const hooks = listening();
    const resumed = await finetune({ ...stopped, resume: true }, hooks);
    expect(hooks.notes()).toContain('resumed after step 20');
    const timeless = { tokensPerSecond: 0, output: '', ladder: undefined };
    expect({ ...resumed, ...timeless }).toEqual({ ...result, ...timeless });
    for (const file of weightFilesOf(whole.output)) {
      const [a, b] = [whole, stopped].map(({ output }) => readFileSync(join(output, file)));
      expect(a?.equals(b ?? Buffer.of()), file).toBe(true);
    }
  });

  test('in the fit of the method that was chosen keeps the report when it begins anew', async () => {
    const controller = new AbortController();
    const given = options({ budget: 1e-4 });
    let hasChosen = false;
    const onEvent = (event: { type: string; text?: string; activity?: string }) => {
      hasChosen ||= event.type === 'note' && String(event.text).includes('does best');
      if (hasChosen && event.type === 'progress' && String(event.activity).startsWith('fitting')) controller.abort();
    };
    await expect(finetune(given, { onEvent, signal: controller.signal })).rejects.toThrow('stopped before');
    const resumed = await finetune({ ...given, resume: true });
    expect(ladderOf(resumed).chosen).toBe(resumed.method);
    expect(readJson(given.output, 'run.json')).toMatchObject({ result: { ladder: { chosen: resumed.method } } });
  });
});

/** Texts with two of two words, labeled by whether these are the same. */
function alike(count: number, seed: number): { text: string; label: string }[] {
  const words = ['order', 'parcel'];
  return labeledMessages(count, seed).map(({ text }, i) => {
    const [a, b] = [i % 2, (i >> 1) % 2];
    const between = text.replace(/^(i want|where is) /, '').replaceAll(/order|parcel/g, 'item');
    return { text: `${words[a]} ${between} ${words[b]}`, label: a === b ? 'same' : 'other' };
  });
}

/** Every file of numbers in a model's folder. */
function weightFilesOf(output: string): string[] {
  const names = readdirSync(output, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('model.safetensors') && !name.startsWith('checkpoints')).sort();
}
