import { cpSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CompareOptions, compare } from '../../src/jobs/compare.ts';
import { runInProcess } from '../cli/terminal.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening } from './runs.ts';
import { labeledCsv, labeledMessages, saveTinyModel, tinyConfig } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const heldOut = 90;

beforeAll(async () => {
  await saveTinyModel(at('model'));
  cpSync(at('model'), at('twin'), { recursive: true });
  cpSync(at('model'), at('copy'), { recursive: true });
  // Of frozen vectors, dropout is none of the model.
  const config = JSON.parse(readFileSync(at('copy/config.json'), 'utf8'));
  writeFileSync(at('copy/config.json'), JSON.stringify({ ...config, hidden_dropout_prob: 0.3 }));
  // Every text has the same vector, so that no classifier on vectors beats a guess.
  await saveTinyModel(at('blind'), { ...tinyConfig, initializerRange: 0 });
  writeFileSync(at('train.csv'), labeledCsv(labeledMessages(120)));
  writeFileSync(at('test.csv'), labeledCsv(labeledMessages(heldOut, 12)));
  writeFileSync(at('corpus.txt'), 'where is my parcel ?\ni want to cancel the order now\n'.repeat(10));
});

const options = (models: readonly string[], more: Partial<CompareOptions> = {}): CompareOptions => ({
  ...{ models: models.map(at), train: { files: [at('train.csv')] }, eval: { files: [at('test.csv')] } },
  ...{ threads: 1, seeds: 2, labelsPerClass: 20, ...more },
});

describe('models compared', () => {
  test('one that sees nothing is worse than the first, its copy is as good', async () => {
    const result = await compare(options(['model', 'blind', 'copy'], { corpus: { files: [at('corpus.txt')] } }));
    expect(result).toMatchObject({ method: 'frozen', seeds: 2, texts: heldOut });
    const [first, blind, copy] = result.models;
    expect(first?.gain).toBeUndefined();
    expect(blind?.gain?.outcome).toBe('worse');
    expect(copy?.gain).toMatchObject({ mean: 0, low: 0, high: 0, outcome: 'alike' });
    expect(copy?.accuracies).toEqual(first?.accuracies);
    // A guess gets one of both classes right.
    const counts = labeledMessages(heldOut, 12).filter(({ label }) => label === 'wants').length;
    const guesses = [counts / heldOut, 1 - counts / heldOut];
    for (const accuracy of blind?.accuracies ?? []) {
      expect(Math.min(...guesses.map((guess) => Math.abs(guess - accuracy)))).toBeLessThan(1e-12);
    }
    const difference = (blind?.accuracy.mean ?? 0) - (first?.accuracy.mean ?? 0);
    expect(blind?.gain?.mean).toBeCloseTo(difference, 12);
    expect(blind?.gain?.low).toBeLessThan(difference);
    expect(blind?.gain?.high).toBeGreaterThan(difference);
    expect(first?.perplexity?.corpus).toBeGreaterThan(1);
    expect(copy?.perplexity).toEqual(first?.perplexity);
    // To it, every piece is as likely as any other.
    expect(blind?.perplexity?.corpus).toBeCloseTo(tinyConfig.vocabularySize, 1);
    expect(copy?.vocabulary).toEqual(first?.vocabulary);
    expect(first?.vocabulary?.tokens).toBeGreaterThan(5);
    // Counted by hand, from the words that the vocabulary has whole.
    expect(first?.vocabulary?.pieces).toBeCloseTo(piecesByHand(), 12);
    expect(first?.bytes).toBeGreaterThan(4 * (first?.parameters ?? 0) * 0.9);
    expect(first?.bytes).toBeLessThan(statSync(at('model/model.safetensors')).size * 1.1);
    for (const { textsPerSecond } of result.models) expect(textsPerSecond).toBeGreaterThan(0);
  });

  test('everyday text is measured without a corpus, too', async () => {
    const general = { files: [at('corpus.txt')] };
    const { models } = await compare(options(['model', 'copy'], { general, seeds: 1 }));
    expect(models[0]?.perplexity).toEqual({ general: expect.any(Number) });
    const both = await compare(options(['model', 'copy'], { general, corpus: general, seeds: 1 }));
    expect(both.models[0]?.perplexity?.corpus).toBe(models[0]?.perplexity?.general);
  });

  test('seeds draw other labels, and are measured once where they change nothing', async () => {
    const drawn = await compare(options(['model', 'copy'], { labelsPerClass: 3, seeds: 4 }));
    expect(new Set(drawn.models[0]?.accuracies).size).toBeGreaterThan(1);
    const hooks = listening();
    const all = await compare(options(['model', 'copy'], { labelsPerClass: undefined, seeds: 4 }), hooks);
    expect(all.seeds).toBe(1);
    expect(all.models.map(({ accuracies }) => accuracies.length)).toEqual([1, 1]);
    expect(hooks.notes().filter((note) => note.startsWith('a seed changes nothing here'))).toHaveLength(1);
  });
});

describe('the command', () => {
  const words = (...models: string[]) => [
    ...['compare', '--model', ...models.map(at), '--train', at('train.csv')],
    ...['--seeds', '2', '--labels-per-class', '20', '--threads', '1'],
  ];

  test('says which is worse and by how much, and what it stands on', async () => {
    const { code, stdout } = await runInProcess([...words('model', 'blind'), '--eval', at('test.csv')]);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    const [, low, high] =
      /^\S+blind is worse than \S+model, by (\d+\.\d) to (\d+\.\d) points$/.exec(lines[0] ?? '') ?? [];
    expect(Number(low)).toBeGreaterThan(0);
    expect(Number(high)).toBeGreaterThan(Number(low));
    expect(stdout).toMatch(
      /\n +right +of the seeds +tokens a text +pieces a word +unknown +parameters +weights +a run +texts\/s\n/,
    );
    expect(stdout).toContain(`\nfrozen, 2 seeds, ${heldOut} test texts; intervals of 95 %\n`);
    const json = await runInProcess([...words('model', 'copy'), '--eval', at('test.csv'), '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ seeds: 2, models: [{}, { gain: { outcome: 'alike' } }] });
  });

  test.each([
    ['one model', words('model'), 'error: --model: give two models or more to compare\n'],
    [
      'a model twice',
      words('model', 'model'),
      `error: --model: ${at('model')} is given twice; leave one of them out\n`,
    ],
    [
      'a copy of a model',
      words('model', 'blind', 'twin'),
      `error: --model: ${at('twin')} is the same model as ${at('model')}; leave one of them out\n`,
    ],
  ])('%s is refused', async (_, given, line) => {
    const { code, stderr, stdout } = await runInProcess([...given, '--eval', at('test.csv')]);
    expect({ code, stderr, stdout }).toEqual({ code: 2, stderr: line, stdout: '' });
  });

  test('models are also given one by one, or as --models', async () => {
    const rest = ['--train', at('train.csv'), '--eval', at('test.csv'), '--seeds', '1', '--threads', '1', '--json'];
    for (const given of [
      ['--models', at('model'), at('blind')],
      ['--model', at('model'), '--model', at('blind')],
    ]) {
      const { code, stdout } = await runInProcess(['compare', ...given, ...rest]);
      expect(code).toBe(0);
      const { models } = JSON.parse(stdout) as { models: { model: string }[] };
      expect(models.map(({ model }) => model)).toEqual([at('model'), at('blind')]);
    }
  });

  test('without test texts it says which flag is missing, of a model that is not there its name', async () => {
    const lacking = await runInProcess(words('model', 'copy'));
    expect(lacking.code).toBe(2);
    expect(lacking.stderr).toContain('--eval');
    const gone = await runInProcess([...words('model', 'gone'), '--eval', at('test.csv')]);
    expect(gone.code).not.toBe(0);
    expect(gone.stderr).toContain(at('gone'));
  });
});

/** Pieces of a word in the test texts, by a greedy reading of the vocabulary that is written anew here. */
function piecesByHand(): number {
  const vocabulary = new Set(readFileSync(at('model/vocab.txt'), 'utf8').split('\n'));
  let [words, pieces] = [0, 0];
  for (const { text } of labeledMessages(heldOut, 12)) {
    for (const word of text.split(' ')) {
      words++;
      // What it does not have whole, it spells.
      pieces += vocabulary.has(word) ? 1 : word.length;
    }
  }
  return pieces / words;
}
