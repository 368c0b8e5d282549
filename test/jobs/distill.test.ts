import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { InterruptedError, UsageError } from '../../src/core/errors.ts';
import { softmax } from '../../src/evaluation/classification.ts';
import { saveText } from '../../src/hub/saveText.ts';
import { calibrate } from '../../src/jobs/calibrate.ts';
import { distill } from '../../src/jobs/distill.ts';
import { Answers, AnswersWriter } from '../../src/jobs/distilling/answers.ts';
import { turnedTo } from '../../src/jobs/distilling/rotation.ts';
import { readWholeTexts } from '../../src/jobs/distilling/texts.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel, openModel } from '../../src/jobs/model.ts';
import { textHashes } from '../../src/jobs/trust/textHashes.ts';
import { readLearned } from '../../src/jobs/trust/trust.ts';
import type { DistillOptions } from '../../src/jobs/types.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { runInProcess } from '../cli/terminal.ts';
import { temporaryFolder } from '../temporary.ts';
import { describeResuming, sixSteps } from './resumeCases.ts';
import { listening, readJson, weightsOf } from './runs.ts';
import {
  labeledCsv,
  labeledMessages,
  messages,
  randomValues,
  saveTinyClassifier,
  saveTinyModel,
  tinyConfig,
  tinyModel,
  writeVocabulary,
} from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const cache = at('cache');
const corpus = { files: [at('corpus.txt')] };
const held = messages(40, 3);

const run = (output: string, more: Partial<DistillOptions> = {}, hooks = listening()) =>
  distill(
    {
      ...{ teacher: at('encoder'), model: at('student'), corpus, output: at(output), cache, threads: 1 },
      ...{ batchTokens: 256, maxSteps: 40, learningRate: 2e-3, ...more },
    },
    hooks,
  );

beforeAll(async () => {
  await saveTinyModel(at('student'));
  await saveTinyModel(at('encoder'), { ...tinyConfig, layers: 1, initializerRange: 0.3 });
  await saveTinyModel(at('wide'), { ...tinyConfig, hiddenSize: 48, intermediateSize: 96, initializerRange: 0.3 });
  writeFileSync(at('corpus.txt'), messages(200).join('\n'));
  writeFileSync(at('held.txt'), held.join('\n'));
  writeFileSync(at('labeled.csv'), labeledCsv(labeledMessages(120)));
  const training = {
    method: 'finetune',
    epochs: 6,
    learningRate: 2e-3,
    batchSize: 8,
    evalFraction: 0.1,
    threads: 1,
  } as const;
  await finetune({
    model: at('student'),
    train: { files: [at('labeled.csv')] },
    output: at('classifier'),
    ...training,
  });
});

describe('vectors of a sentence encoder', () => {
  test('are learned by a student of a shape alone, which then gives what was measured', async () => {
    writeFileSync(
      at('shape.json'),
      JSON.stringify({ ...readJson(at('student'), 'config.json'), num_hidden_layers: 1 }),
    );
    const fresh = { model: undefined, modelConfig: at('shape.json'), tokenizer: at('student') };
    const result = await run('fresh', { ...fresh, eval: { files: [at('held.txt')] } });
    expect(result).toMatchObject({ match: 'vectors', energy: 1, texts: 200, answersFound: 0, steps: 40 });
    expect(result.lossBefore).toBeCloseTo(1 - (result.cosineBefore ?? 0), 6);
    expect(result.cosineAfter).toBeGreaterThan((result.cosineBefore ?? 1) + 0.1);
    const open = (name: string) => loadModel(at(name), { threads: 1 });
    const [student, teacher] = [await open('fresh'), await open('encoder')];
    const [own, asked] = [await student.embed(held), await teacher.embed(held)];
    const cosines = own.map((vector, i) => cosine(vector, asked[i] ?? new Float32Array()));
    // The teacher's numbers are kept in half precision.
    expect(cosines.reduce((sum, one) => sum + one, 0) / held.length).toBeCloseTo(result.cosineAfter ?? 0, 4);
    // It is a language model as well, and no classifier.
    expect((await student.fillMask('where is my [MASK] ?')).masks).toHaveLength(1);
    expect(student.labels).toBeNull();
    await Promise.all([student.dispose(), teacher.dispose()]);
    expect(readJson(at('fresh'), 'modules.json')).toHaveLength(2);
    expect(readFileSync(join(at('fresh'), 'README.md'), 'utf8')).toMatch(/Mean cosine to the teacher/);
  });

  test('are turned to what a student gives already, which it then comes nearer to', async () => {
    const { lossBefore, lossAfter } = await run('vectors', { maskedWeight: 0 });
    expect(lossAfter).toBeLessThan(0.9 * (lossBefore ?? 0));
    // What a model gives is nearest to itself.
    cpSync(at('vectors'), at('copy'), { recursive: true });
    const { cosineBefore } = await run('itself', { teacher: at('vectors'), model: at('copy'), maxSteps: 1 });
    expect(cosineBefore).toBeGreaterThan(0.9999);
  });

  test('of another width are turned into it', async () => {
    const { energy, lossBefore, lossAfter } = await run('turned', { teacher: at('wide'), maskedWeight: 0 });
    expect(energy).toBeGreaterThan(0.8);
    expect(energy).toBeLessThan(1);
    expect(lossAfter).toBeLessThan(0.9 * (lossBefore ?? 0));
    // Without masked words there is no head for them.
    const model = await openModel(at('turned'), { threads: 1 });
    expect(model.heads).toEqual(['pooled']);
    await model.dispose();
    const unit = await run('unit', { teacher: at('vectors'), model: at('wide'), maxSteps: 2 });
    expect(unit.energy).toBe(1);
  });

  test('that have the length 1 are learned by one whose vectors have it, too', async () => {
    await saveNormalized(at('normalized'));
    await run('like-normalized', { teacher: at('normalized'), maxSteps: 2 });
    expect(readJson(at('like-normalized'), 'modules.json')).toMatchObject([{}, {}, { path: '2_Normalize' }]);
    const model = await loadModel(at('like-normalized'), { threads: 1 });
    for (const vector of await model.embed(held)) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    await model.dispose();
  });
});

describe('labels of a classifier', () => {
  test('are learned with their probabilities, and the saved student gives what was measured', async () => {
    const result = await run('labels', {
      teacher: at('classifier'),
      eval: { files: [at('held.txt')] },
      temperature: 3,
    });
    expect(result).toMatchObject({ match: 'labels', labels: ['asks', 'wants'] });
    expect(result.lossAfter).toBeLessThan((result.lossBefore ?? 0) / 2);
    const scores = await Promise.all(
      ['labels', 'classifier'].map(async (name) => {
        const model = await openModel(at(name), { threads: 1 });
        const rows = await model.scores(held).finally(() => model.dispose());
        return rows.map((row) => ['asks', 'wants'].map((label) => row.find((one) => one.label === label)?.score ?? 0));
      }),
    );
    const [own = [], asked = []] = scores;
    const same = own.filter(([a = 0, b = 0], i) => a > b === (asked[i]?.[0] ?? 0) > (asked[i]?.[1] ?? 0)).length;
    expect(result.agreementAfter).toBeCloseTo(same / held.length, 9);
    const softened = (row: readonly number[]) => softmax(row.map((score) => Math.log(score) / 3));
    const losses = own.map((row, i) => {
      const [p, q] = [softened(asked[i] ?? []), softened(row)];
      return 9 * p.reduce((sum, share, c) => sum + share * Math.log(share / (q[c] ?? 0)), 0);
    });
    expect(losses.reduce((sum, one) => sum + one, 0) / held.length).toBeCloseTo(result.lossAfter ?? 0, 3);
    expect(readFileSync(join(at('labels'), 'README.md'), 'utf8')).toMatch(/Agreement with the teacher/);
  });

  test('the student knows the texts that it and its teacher learned from: no promise may stand on them', async () => {
    const { trained, isPart } = await readLearned({ name: 'labels', folder: at('labels') });
    expect(isPart).toBeUndefined();
    const teacher = await readLearned({ name: 'classifier', folder: at('classifier') });
    expect(trained).toEqual(Uint32Array.from([...new Set([...textHashes(messages(200)), ...teacher.trained])]).sort());
    expect(trained.length).toBeGreaterThan(teacher.trained.length);
    const data = { files: [at('labeled.csv')] };
    const again = calibrate({ model: at('labels'), data, threads: 1 });
    await expect(again).rejects.toThrow(/^data has \d+ texts? that the model did not learn from; 20 are the fewest/);
  });

  test('stopped and resumed it ends with the same bits', async () => {
    const labels = { teacher: at('classifier'), maxSteps: 6, saveSteps: 2 };
    await run('labels-whole', labels);
    await expect(run('labels-stopped', labels, listening(3))).rejects.toThrow(InterruptedError);
    await run('labels-stopped', { ...labels, resume: true });
    expect(weightsOf(at('labels-stopped')).equals(weightsOf(at('labels-whole')))).toBe(true);
  });

  test('of a classifier on words alone are learned as well, and it has no vectors to teach', async () => {
    const train = { files: [at('labeled.csv')] };
    await finetune({ model: at('student'), train, output: at('words'), method: 'words', threads: 1 });
    const result = await run('of-words', { teacher: at('words'), eval: { files: [at('held.txt')] } });
    expect(result.lossAfter).toBeLessThan(result.lossBefore ?? 0);
    await expect(run('refused', { teacher: at('words'), match: 'vectors' })).rejects.toThrow(
      /words has no encoder, which match vectors needs; it can teach match labels/,
    );
  });

  test('a classifier can teach its vectors, where they are asked for', async () => {
    expect(await run('of-classifier', { teacher: at('classifier'), match: 'vectors', maxSteps: 2 })).toMatchObject({
      match: 'vectors',
    });
  });
});

describeResuming(
  'distill',
  (output, hooks, more) =>
    distill(
      {
        ...{
          teacher: at('wide'),
          model: at('student'),
          corpus,
          output,
          cache: false,
          batchTokens: 256,
          accumulationSteps: 2,
        },
        ...{ learningRate: 1e-3, evalFraction: 0.1, dropout: 0.1, ...sixSteps, ...more },
      },
      hooks,
    ),
  [() => ({ teacher: at('encoder') }), /settings? changed: .*teacher \(/],
);

describe('answers', () => {
  test('are kept for the next run, for as long as teacher and texts are the same', async () => {
    const own = { cache: at('kept'), maxSteps: 1 };
    expect((await run('first', own)).answersFound).toBe(0);
    const hooks = listening();
    expect((await run('second', own, hooks)).answersFound).toBe(200);
    expect(hooks.notes()).toContain("the teacher's answers to 200 texts as given before");
    expect(weightsOf(at('second')).equals(weightsOf(at('first')))).toBe(true);
    expect((await run('third', { ...own, teacher: at('wide') })).answersFound).toBe(0);
    writeFileSync(at('other.txt'), messages(201).join('\n'));
    expect((await run('fourth', { ...own, corpus: { files: [at('other.txt')] } })).answersFound).toBe(0);
  });

  test('without a cache are made anew, with the same result', async () => {
    await run('uncached', { cache: false, maxSteps: 1 });
    expect((await run('uncached-again', { cache: false, maxSteps: 1 })).answersFound).toBe(0);
    expect(weightsOf(at('uncached-again')).equals(weightsOf(at('uncached')))).toBe(true);
  });
});

test('texts that are empty or came before are left out, and longer ones cut: each is told', async () => {
  const hooks = listening();
  const texts = ['where is my order', 'where is my order', '   ', 'pay the\u2028invoice', messages(30).join(' ')];
  writeFileSync(at('odd.jsonl'), texts.map((text) => JSON.stringify({ text })).join('\n'));
  const options = { corpus: { files: [at('odd.jsonl')] }, maxSteps: 1, maxLength: 16, evalFraction: 0 };
  expect(await run('odd', options, hooks)).toMatchObject({ texts: 3, lossBefore: null, cosineAfter: null });
  expect(hooks.notes()).toEqual(
    expect.arrayContaining([
      '1 text left out that came before',
      '1 text without a token left out',
      '1 text longer than 16 tokens truncated for the student',
      'nothing is held out: how near the student is to its teacher is not measured',
    ]),
  );
});

test('what cannot be taught is refused by name, and nothing is left of it', async () => {
  const refused = (more: Partial<DistillOptions>) => run('refused', more);
  await expect(refused({ teacher: at('student') })).rejects.toThrow(
    new UsageError(`teacher and model are both ${at('student')}: a student learns from another model`),
  );
  await expect(refused({ model: undefined })).rejects.toThrow(/needs the student: model, or modelConfig and tokenizer/);
  await expect(refused({ tokenizer: at('student') })).rejects.toThrow(/tokenizer is for a new student/);
  await expect(refused({ match: 'labels' })).rejects.toThrow(
    `teacher ${at('encoder')} has no classification head, which match labels needs; it can teach match vectors`,
  );
  await saveTinyClassifier(at('others'), ['wants', 'asks']);
  await expect(refused({ teacher: at('classifier'), model: at('others') })).rejects.toThrow(
    /others is a classifier of other labels than its teacher .*classifier \(such as wants\)/,
  );
  writeFileSync(at('blank.jsonl'), '{"text": " "}');
  await expect(refused({ corpus: { files: [at('blank.jsonl')] } })).rejects.toThrow(/corpus has no text with a token/);
  await expect(refused({ batchTokens: 8 })).rejects.toThrow(/batchTokens 8 holds no row of 64 tokens/);
  expect(existsSync(at('refused'))).toBe(false);
});

describe('the command', () => {
  const flags = ['--model', at('student'), '--corpus', at('corpus.txt'), '--cache', cache, '--threads', '1'];
  const small = ['--batch-tokens', '256', '--max-steps', '3'];

  test('says how near the student came to its teacher', async () => {
    const words = ['distill', '--teacher', at('classifier'), ...flags, ...small, '--output', at('command')];
    const { code, stdout } = await runInProcess(words);
    expect(code).toBe(0);
    expect(stdout).toMatch(/same label as the teacher +[\d.]+ % +-> +[\d.]+ %\nloss +[\d.]+ +-> +[\d.]+\n/);
    expect(stdout).toMatch(/200 texts: \d+s for the teacher's answers, \d+s for training\n3 steps, /);
    const again = await runInProcess([
      'distill',
      '--teacher',
      at('encoder'),
      ...flags,
      ...small,
      '--output',
      at('c2'),
      '--json',
    ]);
    expect(JSON.parse(again.stdout)).toMatchObject({ match: 'vectors', steps: 3, output: at('c2') });
  });

  test('is refused with its flags named', async () => {
    const words = ['distill', '--teacher', at('encoder'), '--corpus', at('corpus.txt'), '--output', at('refused')];
    const { code, stderr } = await runInProcess(words);
    expect(code).toBe(2);
    expect(stderr).toContain('distill needs the student: --model, or --model-config and --tokenizer for a new one');
    const both = await runInProcess([...words, '--model', at('student'), '--model-config', at('shape.json')]);
    expect(both.stderr).toContain('give --model or --model-config, not both');
  });
});

describe('parts of a lesson', () => {
  test('texts come back as they were, in order, with the tokens of each', async () => {
    const texts = ['pay the\u2028invoice', 'where is my order ?', '"quoted"', 'line\nbreak', 'where is my card'];
    writeFileSync(at('parts.jsonl'), texts.map((text) => JSON.stringify({ text })).join('\n'));
    const tokenizer = loadTokenizer(at('student'));
    const found = await readWholeTexts({
      ...{ records: { files: [at('parts.jsonl')], flag: 'corpus' }, tokenizer, maxLength: 6, prompt: 'please ' },
      ...{ folder: at('parts'), heldOutFraction: 0, heldOutLimit: 0, seed: 0, onProgress: () => {} },
    });
    const batches: string[][] = [];
    for await (const batch of found.batches(2)) batches.push(batch);
    expect(batches.map((batch) => batch.length)).toEqual([2, 2, 1]);
    expect(batches.flat()).toEqual(texts);
    for (const [i, text] of texts.entries()) {
      const { ids } = tokenizer.encode(`please ${text}`);
      expect([...found.store.read(i).ids]).toEqual(ids.slice(0, 4));
    }
    found.close();
  });

  test('answers are read by their number, from several files', () => {
    const rows = Array.from({ length: 5 }, (_, i) => Float32Array.of(i, -i / 4, 0.1));
    const paths = [at('a.f16'), at('b.f16')];
    for (const [i, path] of paths.entries()) {
      const writer = new AnswersWriter(path);
      writer.add(rows.slice(3 * i, 3 * i + 3));
      writer.close();
    }
    const answers = new Answers(paths, 3, 5, 3);
    for (const i of [4, 0, 3, 2]) {
      expect(answers.read(i)[1]).toBe(-i / 4);
      expect(answers.read(i)[2]).toBeCloseTo(0.1, 4);
    }
    expect(() => answers.read(5)).toThrow(/no row 5 of 5/);
    answers.close();
  });

  test('vectors of few directions keep their cosines when they are turned, also far from the origin', async () => {
    // Of 6 numbers, but all in the plane of two directions, around a place far away from the origin.
    const directions = [
      [1, 2, 0, -1, 3, 1],
      [0, 1, 1, 2, 0, -1],
    ];
    const rows = Array.from({ length: 40 }, (_, i) => {
      const [a, b] = [5 + Math.sin(i), -4 + Math.cos(3 * i)];
      return Float32Array.from({ length: 6 }, (__, j) => a * (directions[0]?.[j] ?? 0) + b * (directions[1]?.[j] ?? 0));
    });
    const writer = new AnswersWriter(at('plane.f16'));
    writer.add(rows);
    writer.close();
    const answers = new Answers([at('plane.f16')], 40, 40, 6);
    const shared = { answers, signal: undefined };
    const narrow = await turnedTo({ ...shared, heldOut: answers, size: 2, own: undefined, folder });
    const wide = await turnedTo({ ...shared, heldOut: undefined, size: 8, own: undefined, folder: temporaryFolder() });
    expect(narrow.energy).toBeCloseTo(1, 4);
    expect(narrow.isNormalized).toBe(false);
    for (let i = 1; i < 40; i++) {
      const expected = cosine(rows[0] ?? Float32Array.of(), rows[i] ?? Float32Array.of());
      for (const { answers: turned } of [narrow, wide])
        expect(cosine(turned.read(0), turned.read(i))).toBeCloseTo(expected, 3);
      expect(narrow.heldOut.read(i)).toEqual(narrow.answers.read(i));
    }
    const line = await turnedTo({ ...shared, heldOut: undefined, size: 1, own: undefined, folder: temporaryFolder() });
    expect(line.energy).toBeLessThan(1);
    // A student that gives the same but for a turn (and a mirror) has nothing to unlearn.
    const student = ([x = 0, y = 0]: Iterable<number>) => Float32Array.of(0.6 * x + 0.8 * y, 0.8 * x - 0.6 * y);
    const own = async (numbers: readonly number[]) => numbers.map((i) => student(narrow.answers.read(i)));
    const near = await turnedTo({ ...shared, heldOut: undefined, size: 2, own, folder: temporaryFolder() });
    for (let i = 0; i < 40; i++)
      expect(cosine(near.answers.read(i), student(narrow.answers.read(i)))).toBeCloseTo(1, 4);
    expect(near.energy).toBeCloseTo(1, 4);
  });
});

async function saveNormalized(path: string): Promise<void> {
  const model = tinyModel().withSentence({
    ...{ pooling: { modes: ['mean'], includePrompt: true }, path: '1_Pooling', classifier: '3_Dense' },
    modules: [{ type: 'Normalize', path: '2_Normalize' }],
  });
  const tokenizerFiles = loadTokenizer(writeVocabulary(path)).files();
  await saveText(path, { model, head: 'pooled', values: randomValues(model, ['encoder'], 4), tokenizerFiles });
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0) / (Math.hypot(...a) * Math.hypot(...b));
}
