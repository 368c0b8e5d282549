import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { randomBelow } from '../../src/core/random.ts';
import { card } from '../../src/jobs/card.ts';
import { embed } from '../../src/jobs/embed.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { encoded } from '../../src/jobs/finetune/trained.ts';
import { finetune } from '../../src/jobs/finetune.ts';
import { inspect } from '../../src/jobs/inspect.ts';
import { loadModel, openModel } from '../../src/jobs/model.ts';
import { predict } from '../../src/jobs/predict.ts';
import { TextCutter } from '../../src/jobs/textCutter.ts';
import type { ClassificationResult, FinetuneOptions, Prediction } from '../../src/jobs/types.ts';
import { createServer } from '../../src/server/server.ts';
import { oneLabel } from '../../src/tasks/text/objectives/oneLabel.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening, readJson, weightsOf } from './runs.ts';
import { labeledCsv, labeledMessages, saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const maxLength = 16;
/** Words of one token, of which a window of 16 holds 14. */
const words = ['order', 'parcel', 'refund', 'card', 'account', 'where', 'please', 'track', 'open', 'today'];
const filler = (count: number, seed: number) =>
  Array.from({ length: count }, (_, i) => words[randomBelow(words.length, seed, 'corpus', i)]).join(' ');

/** Labeled texts whose label shows at the end alone, or at the start alone. */
function told(where: 'end' | 'start', count: number, seed = 0): { text: string; label: string }[] {
  return Array.from({ length: count }, (_, i) => {
    const label = i % 2 === 0 ? 'asks' : 'wants';
    const sign = label === 'asks' ? 'how how how how' : 'want want want want';
    const rest = filler(14 + (i % 5), seed + i);
    return { text: where === 'end' ? `${rest} ${sign}` : `${sign} ${rest} ${filler(14, i)}`, label };
  });
}

const rows = told('end', 40);
const held = told('end', 20, 1000);

let runs = 0;
function options(more: Partial<FinetuneOptions> = {}): FinetuneOptions {
  return {
    ...{ model: at('base'), train: { files: [at('end.csv')] }, eval: { files: [at('held.csv')] }, maxLength },
    ...{ output: at(`run-${++runs}`), method: 'frozen', reads: 'mean', cache: false, threads: 1, ...more },
  };
}

/** A copy of a model that reads the start alone. */
function startOf(model: string): string {
  const copy = `${model}-start`;
  cpSync(model, copy, { recursive: true });
  const { most_windows: _, ...config } = readJson(copy, 'config.json');
  writeFileSync(join(copy, 'config.json'), JSON.stringify(config));
  return copy;
}

/** 40 words, and the windows that 14 tokens at most cut them into. */
const long = filler(40, 5);
const windows = [long.split(' ').slice(0, 14), long.split(' ').slice(14, 28), long.split(' ').slice(28)].map((part) =>
  part.join(' '),
);
const mean = (list: readonly ArrayLike<number>[]) =>
  Array.from(list[0] ?? [], (_, i) => list.reduce((sum, row) => sum + (row[i] as number), 0) / list.length);

beforeAll(async () => {
  await saveTinyModel(at('base'));
  writeFileSync(at('end.csv'), labeledCsv(rows));
  writeFileSync(at('held.csv'), labeledCsv(held));
  writeFileSync(at('start.csv'), labeledCsv(told('start', 40)));
  writeFileSync(
    at('short.csv'),
    labeledCsv(labeledMessages(40).map((row) => ({ ...row, text: row.text.slice(0, 20) }))),
  );
  writeFileSync(at('long.txt'), `${long}\n`);
  await finetune(options({ output: at('windows'), longTexts: 'windows' }));
  startOf(at('windows'));
});

describe('what is made of a long text is the mean of what is made of its windows', () => {
  /** By hand, from a model that is given the windows one by one. */
  async function byHand() {
    const model = await openModel(at('windows-start'), { threads: 1 });
    const vector = mean(await model.embed(windows));
    const scores = await model.scores(windows);
    await model.dispose();
    // The mean of logits is, but for a sum that all labels share, that of log-probabilities.
    const logs = ['asks', 'wants'].map((label) =>
      mean(scores.map((one) => [Math.log(one.find((each) => each.label === label)?.score ?? 0)])),
    );
    const powers = logs.map(([value]) => Math.exp(value as number));
    const asks = (powers[0] as number) / powers.reduce((sum, value) => sum + value, 0);
    return { vector, asks };
  }
  const asksOf = ({ label, score }: { label: string; score: number }) => (label === 'asks' ? score : 1 - score);

  const verbs: Record<string, (model: string) => Promise<{ asks: number } | { vector: ArrayLike<number> }>> = {
    async classify(path) {
      const model = await loadModel(path, { threads: 1 });
      const [answer] = await model.classify([long]).finally(() => model.dispose());
      return { asks: asksOf(answer ?? { label: '', score: 0 }) };
    },
    async predict(model) {
      for await (const answer of predict({ model, input: { files: [at('long.txt')] }, threads: 1 })) {
        return { asks: asksOf(answer as Prediction) };
      }
      throw new Error('no answer');
    },
    async evaluate(model) {
      writeFileSync(at('one.csv'), labeledCsv([{ text: long, label: 'asks' }]));
      const result = (await evaluate({ model, data: { files: [at('one.csv')] }, threads: 1 })) as ClassificationResult;
      return { asks: Math.exp(-result.loss) };
    },
    async serve(model) {
      const server = await createServer({ models: [model], port: 0, threads: 1 });
      const response = await fetch(`${server.url}/predict`, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ texts: [long] }) },
      }).finally(() => server.close());
      const { predictions } = (await response.json()) as { predictions: { label: string; score: number }[] };
      return { asks: asksOf(predictions[0] ?? { label: '', score: 0 }) };
    },
    async embed(model) {
      await embed({ model, input: { files: [at('long.txt')] }, output: at('vectors.jsonl'), threads: 1 });
      return { vector: (JSON.parse(readFileSync(at('vectors.jsonl'), 'utf8')) as { vector: number[] }).vector };
    },
  };

  test.each(Object.entries(verbs))('%s', async (_, verb) => {
    const [expected, found] = [await byHand(), await verb(at('windows'))];
    if ('asks' in found) {
      expect(found.asks).toBeCloseTo(expected.asks, 5);
      const start = await verb(at('windows-start'));
      expect('asks' in start && Math.abs(start.asks - expected.asks)).toBeGreaterThan(1e-4);
    } else {
      expect(found.vector).toHaveLength(expected.vector.length);
      for (const [i, value] of expected.vector.entries()) expect(found.vector[i]).toBeCloseTo(value, 5);
    }
  });

  test('and its tokens are those of all windows', async () => {
    const model = await openModel(at('windows'), { threads: 1 });
    const { tokens } = await model.embedCounted([long, 'order']).finally(() => model.dispose());
    expect(tokens).toEqual([40 + 3 * 2, 3]);
  });
});

describe('finetune', () => {
  test.each(['frozen', 'hybrid', 'finetune', 'finetune+words', 'contrastive'] as const)(
    'by %s measures what evaluate does',
    async (method) => {
      const given = options({
        method,
        longTexts: 'windows',
        ...(method === 'frozen' || method === 'hybrid' ? {} : { epochs: 2 }),
      });
      const result = await finetune(given);
      expect(readJson(given.output, 'config.json')).toMatchObject({ most_windows: 16, bertune_format: 2 });
      expect(readJson(given.output, 'run.json').configuration).toMatchObject({ longTexts: 'windows', maxLength });
      expect(readJson(given.output, 'run.json').data).toEqual({ train: 40, heldOut: 20 });
      const again = await evaluate({ model: given.output, data: { files: [at('held.csv')] }, threads: 1 });
      expect(again.loss).toBeCloseTo(result.loss, 5);
      const start = await evaluate({ model: startOf(given.output), data: { files: [at('held.csv')] }, threads: 1 });
      expect(Math.abs(start.loss / result.loss - 1)).toBeGreaterThan(1e-3);
    },
  );

  test('chooses windows on folds where they tell more, and the start where that does', async () => {
    const hooks = [listening(), listening()] as const;
    const [end, start] = [options(), options({ train: { files: [at('start.csv')] } })];
    const result = await finetune(end, hooks[0]);
    expect(result.accuracy).toBeGreaterThan(0.9);
    expect(readJson(end.output, 'config.json')).toHaveProperty('most_windows', 16);
    expect(hooks[0].notes().filter((text) => text.includes('windows'))).toEqual([
      expect.stringMatching(
        /^100 % of the training texts are longer than 16 tokens: they are read in up to 16 windows, which gets \d+\.\d % right on folds of them all, and their start \d+\.\d % \(longTexts\)$/,
      ),
    ]);
    await finetune(start, hooks[1]);
    expect(readJson(start.output, 'config.json')).not.toHaveProperty('most_windows');
    expect(readJson(start.output, 'config.json')).toHaveProperty('bertune_format', 1);
    expect(hooks[1].notes().join('\n')).toContain('16 tokens: their start is read, which gets');
  });

  test('goes on as the folder that it starts from', async () => {
    const hooks = listening();
    const given = options({ model: at('windows'), train: { files: [at('start.csv')] } });
    await finetune(given, hooks);
    expect(readJson(given.output, 'config.json')).toHaveProperty('most_windows', 16);
    expect(hooks.notes().join('\n')).not.toContain('on folds of them all');
    const back = options({ model: at('windows'), longTexts: 'start' });
    await finetune(back);
    expect(readJson(back.output, 'config.json')).not.toHaveProperty('most_windows');
  });

  test('trains on every window with its share of the text', () => {
    const tokenizer = loadTokenizer(at('base'));
    const cutter = new TextCutter(tokenizer, maxLength, '', 16);
    const examples = encoded({ cutter }, { texts: [long, 'where is my card ?'], classes: Int32Array.of(1, 0) });
    expect(examples.map(({ ids, label, weight }) => [tokenizer.decode([...ids]), label, weight])).toEqual([
      ...windows.map((text) => [text, 1, 1 / 3]),
      ['where is my card?', 0, undefined],
    ]);
    const weights = examples.map((one, i) => oneLabel([3, 6]).read(one, i, 0).asked.label?.weight);
    expect(weights).toEqual([2, 2, 2, 3]);
  });

  test('that was stopped goes on with the way that its folds chose', async () => {
    const more = { method: 'finetune', epochs: 2, batchSize: 16, saveSteps: 2 } as const;
    const [whole, stopped] = [options(more), options(more)];
    await finetune(whole);
    await expect(finetune(stopped, listening(3))).rejects.toThrow(InterruptedError);
    const hooks = listening();
    await finetune({ ...stopped, resume: true }, hooks);
    expect(hooks.notes().join('\n')).not.toContain('on folds of them all');
    expect(weightsOf(stopped.output)).toEqual(weightsOf(whole.output));
    expect(readJson(stopped.output, 'config.json')).toHaveProperty('most_windows', 16);
  });

  test('keeps the vectors of either way apart', async () => {
    const cache = at('cache');
    const found: (number | undefined)[] = [];
    for (const longTexts of ['start', 'windows', 'windows', 'start'] as const) {
      found.push((await finetune(options({ longTexts, cache, labelTexts: 'none' }))).head?.vectorsFound);
    }
    expect(found).toEqual([0, 0, 60, 60]);
  });

  test('of short texts is the same to the bit', async () => {
    const train = { files: [at('short.csv')] };
    const given = [
      options({ train }),
      options({ train, longTexts: 'windows' }),
      options({ train, longTexts: 'start' }),
    ];
    const notes: string[][] = [];
    for (const one of given) {
      const hooks = listening();
      await finetune({ ...one, eval: train }, hooks);
      notes.push(hooks.notes());
    }
    const [free, asked, start] = given.map(({ output }) => ['', '2_Dense'].map((at) => weightsOf(join(output, at))));
    expect(asked).toEqual(free);
    expect(start).toEqual(free);
    expect(notes[0]).toEqual(notes[2]);
  });
});

test('inspect, the card and an export tell of the windows', async () => {
  expect(await inspect({ model: at('windows') })).toMatchObject({ mostWindows: 16 });
  expect(await inspect({ model: at('windows-start') })).not.toHaveProperty('mostWindows');
  await card({ model: at('windows') });
  const text = readFileSync(at('windows', 'README.md'), 'utf8');
  expect(text).toContain('reads texts longer than 16 tokens in up to 16 windows and averages their logits');
  expect(text).toContain('| long-texts | windows |');
  const hooks = listening();
  await exportModel({ model: at('windows'), output: at('exported'), dtypes: ['fp32'], threads: 1 }, hooks);
  expect(hooks.notes().join('\n')).toContain('pipelines read their start alone');
  // What is exported reads one window, and says nothing else.
  expect(readJson(at('exported'), 'config.json')).not.toHaveProperty('most_windows');
});

test('a number of windows that is none is refused by its key', async () => {
  cpSync(at('windows'), at('damaged'), { recursive: true });
  const config = readJson(at('damaged'), 'config.json');
  writeFileSync(at('damaged', 'config.json'), JSON.stringify({ ...config, most_windows: 'all' }));
  await expect(loadModel(at('damaged'), { threads: 1 })).rejects.toThrow(
    /damaged: most_windows is "all", not a whole number from 1/,
  );
});
