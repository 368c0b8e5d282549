import { cpSync, writeFileSync } from 'node:fs';
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
  cpSync(at('model'), at('copy'), { recursive: true });
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
    expect(stdout).toMatch(/\n +right +of the seeds +tokens a text +unknown +parameters +a run\n/);
    expect(stdout).toContain(`\nfrozen, 2 seeds, ${heldOut} test texts; intervals of 95 %\n`);
    const json = await runInProcess([...words('model', 'copy'), '--eval', at('test.csv'), '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ seeds: 2, models: [{}, { gain: { outcome: 'alike' } }] });
  });

  test.each([
    ['one model', words('model'), 'error: --model: give two models or more to compare\n'],
    ['a model twice', words('model', 'model'), `error: --model: ${at('model')} is given twice\n`],
  ])('%s is refused', async (_, given, line) => {
    const { code, stderr, stdout } = await runInProcess([...given, '--eval', at('test.csv')]);
    expect({ code, stderr, stdout }).toEqual({ code: 2, stderr: line, stdout: '' });
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
