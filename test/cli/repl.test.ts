import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { comparedWords, fillMask } from '../../src/cli/fillMask.ts';
import { historyFile, readHistory, writeHistory } from '../../src/cli/history.ts';
import { type ReplOptions, runRepl } from '../../src/cli/repl.ts';
import { UsageError } from '../../src/core/errors.ts';
import type { LoadedModel } from '../../src/jobs/types.ts';
import { Collector } from './terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'bertune-repl-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A model whose answer does not depend on the sentence: the line logic is what is tested here. */
class WordModel implements LoadedModel {
  readonly maskToken = '[MASK]';
  readonly labels = null;
  readonly pairs = null;
  disposed = false;
  readonly path: string;
  readonly #scores: ReadonlyMap<string, number>;

  constructor(path: string, scores: Readonly<Record<string, number>>) {
    this.path = path;
    this.#scores = new Map(Object.entries(scores));
  }

  async fillMask(text: string, { topK = 5, targets }: { topK?: number; targets?: readonly string[] } = {}) {
    if (text.includes('too long')) throw new Error('the text\nis too long');
    const unknown = targets?.find((target) => !this.#scores.has(target));
    if (unknown) throw new UsageError(`"${unknown}" is no word of the vocabulary`);
    const candidates = [...this.#scores]
      .map(([token, score], tokenId) => ({ token, tokenId, score }))
      .filter(({ token }) => !targets || targets.includes(token))
      .sort((a, b) => b.score - a.score)
      .slice(0, topK);
    const masks = text
      .split(' ')
      .flatMap((word, i) => (word.includes('[MASK]') ? [{ position: i + 1, candidates }] : []));
    return { text, masks };
  }

  tokens(text: string) {
    return ['[CLS]', ...text.split(' '), '[SEP]'].map((token, tokenId) => ({ token, tokenId }));
  }

  async predict() {
    return [];
  }

  async classify() {
    return [];
  }

  async decide(): Promise<never> {
    throw new Error('not asked for');
  }
  async entities() {
    return [];
  }
  async explain() {
    return [];
  }

  async embed() {
    return [];
  }

  async dispose() {
    this.disposed = true;
  }
}

const words = {
  'runs/base': { package: 0.4, order: 0.2, refund: 0.1, '##s': 0.05 },
  'runs/adapted': { order: 0.6, refund: 0.25, package: 0.1, parcel: 0.04 },
} as const;

async function transcript(lines: readonly string[], options: Partial<ReplOptions> = {}) {
  const models: WordModel[] = [];
  const output = new Collector();
  const load = async (path: string) => {
    if (path !== 'runs/base' && path !== 'runs/adapted') throw new UsageError(`${path}: no such folder`);
    const model = new WordModel(path, words[path]);
    models.push(model);
    return model;
  };
  await runRepl(Readable.from([lines.join('\n')]), output, load, { model: 'runs/base', ...options });
  return { text: output.text, models };
}

describe('the prompt behind a pipe', () => {
  test('answers each line in order, without echo or prompt', async () => {
    const { text, models } = await transcript(['my [MASK] is late', '/top 2', 'a [MASK] and a [MASK].']);
    expect(text).toBe(
      [
        '  package  40.0 %  ████████████████████████',
        '  order    20.0 %  ████████████',
        '  refund   10.0 %  ██████',
        '  ##s       5.0 %  ███',
        'showing the first 2',
        '[MASK] 1 of 2',
        '  package  40.0 %  ████████████████████████',
        '  order    20.0 %  ████████████',
        '',
        '[MASK] 2 of 2',
        '  package  40.0 %  ████████████████████████',
        '  order    20.0 %  ████████████',
        '',
      ].join('\n'),
    );
    expect(models.map(({ disposed }) => disposed)).toEqual([true]);
  });

  test('an error of a line ends nothing', async () => {
    const { text } = await transcript([
      'no mask here',
      'too long [MASK]',
      '/tpo 3',
      '/constructor',
      '/top zero',
      '/model nowhere',
      '',
      '/top',
    ]);
    expect(text).toBe(
      [
        'no [MASK] in the text: type a sentence with [MASK] where a word is missing, for example: where is my [MASK]?',
        'error: the text?is too long',
        'unknown command /tpo (did you mean /top?); /help lists the commands',
        'unknown command /constructor; /help lists the commands',
        'error: /top must be a positive whole number, got "zero"',
        'error: nowhere: no such folder',
        'showing the first 5',
        '',
      ].join('\n'),
    );
  });

  test('targets restrict, and are cleared', async () => {
    const { text } = await transcript(['/top 1', '/targets refund, order', 'a [MASK]', '/targets', 'a [MASK]']);
    expect(text.split('\n')).toEqual([
      'showing the first 1',
      'ranking only: refund, order',
      '  order   20.0 %  ████████████████████████',
      '  refund  10.0 %  ████████████',
      'ranking all words',
      '  package  40.0 %  ████████████████████████',
      '',
    ]);
  });

  test('compares two models, says what rose and fell, and switches', async () => {
    const { text, models } = await transcript([
      '/top 2',
      '/compare runs/adapted',
      'my [MASK]',
      '/compare',
      '/model runs/adapted',
      'my [MASK]',
    ]);
    expect(text.split('\n')).toEqual([
      'showing the first 2',
      'comparing runs/base with runs/adapted',
      '                   base              adapted       change',
      '  order    20.0 %  ████      60.0 %  ████████████  rose +40.0',
      '  package  40.0 %  ████████  10.0 %  ██            fell −30.0',
      '  refund   10.0 %  ██        25.0 %  █████         rose +15.0',
      'comparing with no other model',
      'the model is runs/adapted',
      '  order   60.0 %  ████████████████████████',
      '  refund  25.0 %  ██████████',
      '',
    ]);
    expect(models.map(({ path, disposed }) => [path, disposed])).toEqual([
      ['runs/base', true],
      ['runs/adapted', true],
      ['runs/adapted', true],
    ]);
  });

  test('shows tokens and help, and leaves with /quit', async () => {
    const { text } = await transcript(['/tokens my order', '/help', '/quit', 'my [MASK]']);
    const lines = text.trimEnd().split('\n');
    expect(lines.slice(0, 4)).toEqual(['  0  [CLS]  0', '  1  my     1', '  2  order  2', '  3  [SEP]  3']);
    expect(lines.slice(5).map((line) => line.trim().split(' ', 1)[0])).toEqual([
      '/top',
      '/targets',
      '/compare',
      '/model',
      '/tokens',
      '/help',
      '/quit',
    ]);
  });

  test('lines that arrive while the model loads are kept', async () => {
    const output = new Collector();
    const load = async (path: string) => {
      await sleep(50);
      return new WordModel(path, words['runs/base']);
    };
    await runRepl(Readable.from(['a [MASK]\n', 'b [MASK]\n']), output, load, { model: 'm', topK: 1 });
    expect(output.text.match(/package/g)).toHaveLength(2);
  });

  test('fails when its first model cannot be loaded', async () => {
    await expect(transcript(['a [MASK]'], { model: 'nowhere' })).rejects.toThrow('nowhere: no such folder');
  });
});

test('the prompt on a terminal: Ctrl-C cancels the line, Ctrl-D leaves, lines are kept', async () => {
  const input = new PassThrough();
  const output = new Collector(true);
  let kept: readonly string[] = [];
  const load = async (path: string) => new WordModel(path, words['runs/base']);
  const done = runRepl(input, output, load, {
    model: 'm',
    topK: 1,
    interactive: true,
    history: ['earlier [MASK]'],
    onHistory: (lines) => {
      kept = lines;
    },
  });
  // Keys arrive one by one, as from a keyboard: a pasted block would be one chunk with the control keys in it.
  for (const keys of ['never [MASK]', '\x03', 'my [MASK]', '\r', '\x1b[A', '\x1b[A', '\r', '\x04']) {
    input.write(keys);
    await sleep(20);
  }
  await done;
  expect(output.text.match(/package {2}40\.0 %/g)).toHaveLength(2);
  expect(output.text).toContain('^C\n');
  expect(kept).toEqual(['earlier [MASK]', 'my [MASK]']);
});

test('words that one vocabulary lacks are shown without a number', async () => {
  const [first, second] = [new WordModel('a/x', words['runs/base']), new WordModel('b/x', words['runs/adapted'])];
  const ask = async (model: WordModel) => ({ model, result: await fillMask(model, 'my [MASK]', { topK: 4 }) });
  const lines = (await comparedWords(await ask(first), await ask(second))).split('\n');
  expect(lines[0]).toMatch(/^ +a\/x +b\/x +change$/);
  expect(lines[4]).toBe('  ##s       5.0 %  █              -                not in both vocabularies');
  expect(lines[5]).toBe('  parcel        -             4.0 %  ▊             not in both vocabularies');
});

test('what rose is told from a base to what was trained from it, whichever is given first', async () => {
  const [base, adapted, again] = ['lineage/base', 'lineage/adapted', 'lineage/again'].map((name) => join(folder, name));
  const record = (model: string | undefined) =>
    JSON.stringify({ format: 1, command: 'adapt', status: 'finished', startedAt: '', configuration: { model } });
  for (const path of [base, adapted, again]) mkdirSync(path as string, { recursive: true });
  writeFileSync(join(adapted as string, 'run.json'), record(base));
  writeFileSync(join(again as string, 'run.json'), record(relative(process.cwd(), adapted as string)));
  const [before, after] = [words['runs/base'], words['runs/adapted']];
  const ask = async (path: string | undefined, known: Readonly<Record<string, number>>) => {
    const model = new WordModel(path as string, known);
    return { model, result: await fillMask(model, 'my [MASK]', { topK: 4 }) };
  };
  const told = await comparedWords(await ask(base, before), await ask(adapted, after));
  expect(told.split('\n')[0]).toMatch(/^ +base +adapted +change$/);
  expect(told).toMatch(/rose \+\d/);
  expect(await comparedWords(await ask(adapted, after), await ask(base, before))).toBe(told);
  // Trained in two runs, the second from a folder that was named in another way.
  const twice = await comparedWords(await ask(again, after), await ask(base, before));
  expect(twice).toBe(told.replace('adapted', 'again  '));
  // Of models that have nothing to do with each other the order is the caller's.
  const others = await comparedWords(await ask('x/after', after), await ask('x/before', before));
  expect(others.split('\n')[0]).toMatch(/^ +after +before +change$/);
});

test('a text without a mask is wrong usage', async () => {
  await expect(fillMask(new WordModel('m', {}), 'my order', { topK: 5 })).rejects.toThrow(
    'no [MASK] in the text: type a sentence with [MASK]',
  );
});

test('the history file is for the user alone and keeps the order', () => {
  const file = historyFile({ XDG_STATE_HOME: folder });
  expect(file).toBe(join(folder, 'bertune', 'history'));
  expect(historyFile({ HOME: '/home/a' })).toBe('/home/a/.local/state/bertune/history');
  expect(readHistory(file)).toEqual([]);
  writeHistory(file, ['last', 'first']);
  expect(readHistory(file)).toEqual(['last', 'first']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});
