import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { Graph } from '../../src/graph/graph.ts';
import { loadText } from '../../src/hub/textFolder.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { classNumbers } from '../../src/jobs/classNumbers.ts';
import { embed } from '../../src/jobs/embed.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { loadModel } from '../../src/jobs/model.ts';
import { predict } from '../../src/jobs/predict.ts';
import type { Prediction } from '../../src/jobs/types.ts';
import { blockInputs } from '../../src/models/text/block.ts';
import { asTensors } from '../../src/nn/parameters.ts';
import { Scope } from '../../src/nn/scope.ts';
import { BlockBuilder } from '../../src/text/packing.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { builtCommand } from '../cli/build.ts';
import { TestFolder } from '../data/files.ts';
import { listening, readJson } from './runs.ts';
import { labeledCsv, labeledMessages, messages, saveTinyClassifier, saveTinyModel, tinyConfig } from './tiny.ts';

const folder = new TestFolder();
const at = (...names: string[]) => join(folder.path, ...names);
const root = fileURLToPath(new URL('../..', import.meta.url));
const common = { threads: 1, learningRate: 1e-3 };

beforeAll(async () => {
  await folder.create();
  await saveTinyModel(at('tiny'));
  await saveTinyClassifier(at('classifier'), ['asks', 'wants']);
  await folder.write('corpus.txt', messages(200).join('\n'));
  await folder.write('held.txt', messages(60, 99).join('\n'));
  await folder.write('labeled.csv', labeledCsv(labeledMessages(60)));
});
afterAll(() => folder.remove());

describe('masked language models', () => {
  const options = () => ({ ...common, model: at('tiny'), corpus: { files: [at('corpus.txt')] }, maxLength: 32 });
  const held = () => ({ files: [at('held.txt')] });

  test('the saved model measures what adapt measured, before and after', async () => {
    const output = at('adapted');
    const result = await adapt({ ...options(), output, eval: held(), maxSteps: 8, batchTokens: 256 });
    for (const [model, loss] of [
      [at('tiny'), result.evalLossBefore],
      [output, result.evalLossAfter],
    ] as const) {
      const measured = await evaluate({ model, data: held(), maxLength: 32, threads: 1 });
      expect(measured.loss).toBeCloseTo(Number(loss), 5);
      expect(measured).toMatchObject({ texts: 60 });
    }
    expect(result.evalLossAfter).toBeLessThan(Number(result.evalLossBefore));
  });

  test('the held-out loss does not move with the batch', async () => {
    const losses = await Promise.all(
      [64, 256, 1024].map(async (batchTokens) => {
        const output = at(`batch-${batchTokens}`);
        return (await adapt({ ...options(), output, eval: held(), maxSteps: 1, batchTokens })).evalLossBefore;
      }),
    );
    expect(losses[1]).toBeCloseTo(Number(losses[0]), 5);
    expect(losses[2]).toBeCloseTo(Number(losses[0]), 5);
  });

  test('little held out: said, since the loss is a rough guess', async () => {
    const hooks = listening();
    await adapt({ ...options(), output: at('little'), evalFraction: 0.05, maxSteps: 2, batchTokens: 256 }, hooks);
    expect(hooks.notes().join('\n')).toMatch(
      /^only \d+ masked tokens held out: the loss before and after is a rough guess; hold out more with eval/m,
    );
  });

  test('nothing held out: said, and no loss made up', async () => {
    const hooks = listening();
    const result = await adapt(
      { ...options(), output: at('blind'), evalFraction: 0, maxSteps: 2, batchTokens: 256 },
      hooks,
    );
    expect(result).toMatchObject({ evalLossBefore: null, evalLossAfter: null, perplexityAfter: null, steps: 2 });
    expect(hooks.notes()).toContain('nothing is held out: the loss before and after is not measured');
  });

  test("the base's pooler is kept beside the model, unchanged, and finetune starts from it", async () => {
    const poolerOf = async (path: string) =>
      (await loadText(path, { head: 'pooled', beside: ['pooler'] })).beside.get('pooler.weight');
    expect(await poolerOf(at('adapted'))).toEqual(await poolerOf(at('tiny')));
    expect(readFileSync(at('adapted', 'model.safetensors')).includes('pooler')).toBe(false);
    const hooks = listening();
    const train = { files: [at('labeled.csv')] };
    await finetune(
      { ...common, method: 'finetune', model: at('adapted'), train, output: at('from-adapted'), maxSteps: 1 },
      hooks,
    );
    expect(hooks.notes().filter((note) => note.includes('started at random'))).toEqual([
      `${at('adapted')} has no classifier for these labels: started at random`,
    ]);
  });

  test('an aborted job stops before it trains and leaves no folder', async () => {
    const hooks = { signal: AbortSignal.abort() };
    await expect(adapt({ ...options(), output: at('deep', 'aborted') }, hooks)).rejects.toThrow(
      'stopped before the first step; there was nothing to save yet',
    );
    expect(existsSync(at('deep'))).toBe(false);
  });
});

describe('finetune', () => {
  const train = (rows: { text: string; label: string | number }[]) => {
    writeFileSync(at('train.csv'), labeledCsv(rows));
    return { files: [at('train.csv')] };
  };
  const tune = (name: string, data: { files: string[] }, more: object = {}) =>
    finetune({
      ...common,
      method: 'finetune',
      model: at('tiny'),
      train: data,
      output: at(name),
      maxSteps: 3,
      batchSize: 8,
      ...more,
    });

  test('integer labels keep their order by value, in config.json too', async () => {
    const rows = labeledMessages(60).map(({ text, label }) => ({ text, label: label === 'asks' ? 10 : 2 }));
    const result = await tune('integers', train(rows));
    expect(result.labels).toEqual(['2', '10']);
    expect(readJson(at('integers', 'config.json'))).toMatchObject({
      id2label: { 0: '2', 1: '10' },
      label2id: { 2: 0, 10: 1 },
      architectures: ['BertForSequenceClassification'],
    });
    expect(result.confusion.flat().reduce((sum, n) => sum + n, 0)).toBe(result.count);
  });

  test('labels per class, and balanced weights, change what is trained', async () => {
    const data = train(labeledMessages(80));
    await tune('few', data, { labelsPerClass: 5 });
    expect(readJson(at('few', 'run.json'))).toMatchObject({ data: { train: 10 } });
    const rare = train(labeledMessages(60).filter(({ label }, i) => label === 'asks' || i % 6 === 0));
    await tune('plain', rare);
    await tune('balanced', rare, { classWeights: 'balanced' });
    const weights = (name: string) => readFileSync(at(name, 'model.safetensors'));
    expect(weights('plain').equals(weights('balanced'))).toBe(false);
  });

  test('--random-start has nothing of the base', async () => {
    await tune('random', train(labeledMessages(40)), { randomStart: true, learningRate: 1e-12 });
    const words = async (path: string) =>
      (await loadText(path, { head: 'pooled' })).values.get('embeddings.word.weight') ?? new Float32Array();
    const [base, random] = [await words(at('tiny')), await words(at('random'))];
    const same = base.filter((value, i) => Math.abs(value - Number(random[i])) < 1e-6);
    expect(same.length).toBeLessThan(base.length / 100);
  });
});

describe('use', () => {
  test('confusion[true][predicted]', async () => {
    const texts = messages(40);
    const model = await loadModel(at('classifier'), { threads: 1 });
    const predicted = (await model.classify(texts)).map(({ label }) => label);
    await model.dispose();
    // Every text is truly "asks", so all counts stand in its row.
    await folder.write('asks.csv', labeledCsv(texts.map((text) => ({ text, label: 'asks' }))));
    const result = await evaluate({ model: at('classifier'), data: { files: [at('asks.csv')] }, threads: 1 });
    const asks = predicted.filter((label) => label === 'asks').length;
    expect(result).toMatchObject({
      labels: ['asks', 'wants'],
      confusion: [
        [asks, 40 - asks],
        [0, 0],
      ],
      accuracy: asks / 40,
    });
  });

  test('1,500 texts of mixed lengths are labeled in order, as one by one', async () => {
    const texts = messages(1500).map((text, i) => (i % 7 === 0 ? `${text} `.repeat(1 + (i % 5)) : text).trim());
    writeFileSync(at('many.jsonl'), texts.map((text, i) => JSON.stringify({ id: `t${i}`, text })).join('\n'));
    const rows = [];
    for await (const row of predict({ model: at('classifier'), input: { files: [at('many.jsonl')] }, threads: 1 }))
      rows.push(row);
    expect(rows.map(({ id }) => id)).toEqual(texts.map((_, i) => `t${i}`));
    expect(rows.map(({ text }) => text)).toEqual(texts);
    const model = await loadModel(at('classifier'), { threads: 1 });
    for (let i = 0; i < texts.length; i += 3) {
      const [alone] = await model.classify([texts[i] as string]);
      expect(Math.abs(Number(alone?.score) - Number((rows[i] as Prediction).score))).toBeLessThan(1e-5);
    }
    await model.dispose();
  });

  test('int8 gives nearly the same labels and scores', async () => {
    const texts = messages(300);
    const [exact, int8] = await Promise.all([
      loadModel(at('classifier'), { threads: 1 }),
      loadModel(at('classifier'), { threads: 1, int8: true }),
    ]);
    const [expected, found] = [await exact.classify(texts), await int8.classify(texts)];
    const equal = found.filter(({ label }, i) => label === expected[i]?.label).length;
    expect(equal).toBeGreaterThan(0.97 * texts.length);
    const errors = found.map(({ score }, i) => Math.abs(score - Number(expected[i]?.score)));
    expect(Math.max(...errors)).toBeLessThan(0.1);
    expect(Math.max(...errors)).toBeGreaterThan(0);
    await Promise.all([exact.dispose(), int8.dispose()]);
    const data = { files: [at('held.txt')] };
    await expect(evaluate({ model: at('tiny'), data, int8: true, threads: 1 })).rejects.toThrow(
      'int8 is for classifiers',
    );
  });

  test.each(['mean', 'cls'] as const)('%s vectors are those of the encoder', async (pooling) => {
    const output = at(`${pooling}.jsonl`);
    const result = await embed({ model: at('tiny'), input: { files: [at('held.txt')] }, output, pooling, threads: 1 });
    expect(result).toEqual({ count: 60, dimensions: 32, output });
    const rows = readFileSync(output, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const i of [0, 17, 59]) {
      const hidden = await hiddenStates(rows[i].text);
      const expected =
        pooling === 'cls' ? hidden[0] : hidden[0]?.map((_, j) => meanOf(hidden.map((row) => Number(row[j]))));
      rows[i].vector.forEach((value: number, j: number) => {
        expect(Math.abs(value - Number(expected?.[j]))).toBeLessThan(1e-5);
      });
    }
  });

  test('fill-mask: probabilities over the whole vocabulary, one entry a mask, targets alone when asked', async () => {
    const model = await loadModel(at('tiny'), { threads: 1 });
    const text = '[MASK] is my [MASK] ?';
    const all = await model.fillMask(text, { topK: tinyConfig.vocabularySize });
    expect(all.masks.map(({ position }) => position)).toEqual([1, 4]);
    for (const { candidates } of all.masks) {
      expect(candidates.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 6);
      expect(candidates.map(({ score }) => score)).toEqual(candidates.map(({ score }) => score).sort((a, b) => b - a));
      expect(new Set(candidates.map(({ tokenId }) => tokenId)).size).toBe(tinyConfig.vocabularySize);
    }
    const some = await model.fillMask(text, { targets: ['refund', '##a'] });
    some.masks.forEach(({ candidates }, i) => {
      expect(candidates.map(({ token }) => token).sort()).toEqual(['##a', 'refund']);
      for (const candidate of candidates) expect(all.masks[i]?.candidates).toContainEqual(candidate);
    });
    expect(model.tokens('my [MASK]').map(({ token }) => token)).toEqual(['[CLS]', 'my', '[MASK]', '[SEP]']);
    await model.dispose();
  });

  test('class numbers of labels, and the row of one that is not known', () => {
    expect([...classNumbers(['b', 'a', 'b'], ['a', 'b'], '--data')]).toEqual([1, 0, 1]);
    expect(() => classNumbers(['a', 'c'], ['a', 'b'], '--data')).toThrow(
      '--data: label "c" in row 2 was not seen in training; known labels: a, b',
    );
  });
});

test('a program imports the package by its name, with types', async () => {
  await builtCommand();
  mkdirSync(at('program', 'node_modules'), { recursive: true });
  symlinkSync(root, at('program', 'node_modules', 'bertune'));
  cpSync(join(root, 'tsconfig.json'), at('program', 'base.json'));
  const source = `import { type AdaptResult, adapt, loadModel, UsageError } from 'bertune';
const run: (options: Parameters<typeof adapt>[0]) => Promise<AdaptResult> = adapt;
// @ts-expect-error: no such option
if (false) await adapt({ model: 'a', corpus: { files: [] }, output: 'b', learnigRate: 1 });
const failure: unknown = await loadModel('none').catch((error: unknown) => error);
if (typeof run !== 'function' || !(failure instanceof UsageError)) throw new Error('wrong');
`;
  writeFileSync(at('program', 'main.mts'), source);
  writeFileSync(
    at('program', 'main.mjs'),
    source
      .replace('type AdaptResult, ', '')
      .replace(/const run: .*? = adapt;/, 'const run = adapt;')
      .replace('failure: unknown', 'failure')
      .replace('error: unknown', 'error'),
  );
  const run = (...words: string[]) => execFileSync(process.execPath, words, { cwd: at('program'), stdio: 'pipe' });
  const flags = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--skipLibCheck',
    '--types',
    'node',
  ];
  const types = ['--typeRoots', join(root, 'node_modules/@types')];
  expect(() => run(join(root, 'node_modules/typescript/bin/tsc'), ...flags, ...types, 'main.mts')).not.toThrow();
  expect(() => run('main.mjs')).not.toThrow();
});

/** Hidden states [tokens][hiddenSize] of one text alone in its block. */
async function hiddenStates(text: string): Promise<Float32Array[]> {
  const { model, values } = await loadText(at('tiny'), { head: 'pooled' });
  const tokenizer = loadTokenizer(at('tiny'));
  const { ids } = tokenizer.encode(text);
  const shape = { rows: 1, width: ids.length + 2 };
  const { hiddenSize } = model.config;
  const specs = model.parameters(['encoder']);
  const graph = new Graph();
  graph.output('hidden', model.encode(new Scope(graph, specs, { training: false }), blockInputs(graph, shape)));
  const builder = new BlockBuilder(shape.rows, shape.width, tokenizer.frame);
  builder.add(ids);
  const program = await onnxEngine({ threads: 1 }).compile(graph);
  const { hidden } = await program.run({ ...asTensors(values, specs), ...builder.block });
  await program.dispose();
  const data = hidden?.data as Float32Array;
  return Array.from({ length: shape.width }, (_, i) => data.slice(i * hiddenSize, (i + 1) * hiddenSize));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
