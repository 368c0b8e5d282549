import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join as path } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { join } from '../../src/jobs/join.ts';
import { tokenize } from '../../src/jobs/tokenize.ts';
import type { JobEvent } from '../../src/jobs/types.ts';
import { builtCommand, runCommand } from '../cli/build.ts';
import { temporaryFolder } from '../temporary.ts';
import { weightsOf } from './runs.ts';
import { messages, saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const model = path(folder, 'model');
const logs = path(folder, 'logs');
const table = path(folder, 'chats.csv');
const notesOf = (notes: string[]) => ({
  onEvent: (event: JobEvent) => event.type === 'note' && notes.push(event.text),
});

beforeAll(async () => {
  await saveTinyModel(model);
  mkdirSync(logs);
  for (let i = 0; i < 9; i++) {
    // Some texts are longer than the limit, some blank, some hold nothing that is known.
    const lines = messages(700 + 40 * i, i).map(
      (text, j) => [text.repeat(j % 7 === 0 ? 12 : 1), '', '日本'][j % 40] ?? text,
    );
    const text = i === 4 ? '\n' : lines.join('\n');
    writeFileSync(path(logs, `day-${i}.txt.gz`), gzipSync(text));
  }
  const rows = messages(3000, 50).map((text, i) => `"${text}",${i % 90 === 0 ? '' : `c${i % 400}`}`);
  writeFileSync(table, `message,chat\n${rows.join('\n')}\n`);
});

/** Every file of a folder with its bytes. */
function contentOf(at: string): Map<string, Buffer> {
  return new Map(readdirSync(at).map((name) => [name, readFileSync(path(at, name))]));
}

const kinds = {
  'whole files': { files: [logs] },
  'lists of rows': { files: [table], textColumn: 'message', groupColumn: 'chat' },
};

describe.each(Object.entries(kinds))('parts of %s', (kind, corpus) => {
  test.each([1, 3, 7])('%i of them are joined to what one process writes, to the byte', async (of) => {
    const [whole, joined] = [path(folder, `whole ${kind} ${of}`), path(folder, `joined ${kind} ${of}`)];
    const settings = { model, corpus, maxLength: 24, overlap: 4 };
    const { counts } = await tokenize({ ...settings, output: whole });
    const by = new Set<unknown>();
    for (let i = of; i >= 1; i--) by.add((await tokenize({ ...settings, output: joined, shard: `${i}/${of}` })).by);
    expect([...by]).toEqual([kind === 'whole files' || of === 1 ? 'files' : 'rows']);
    expect(await join({ output: joined })).toEqual({ count: counts.texts, parts: of, output: joined });
    expect(contentOf(joined)).toEqual(contentOf(whole));
    expect(contentOf(joined).size).toBe(kind === 'whole files' ? 7 : 8);
  });
});

describe('a tokenized corpus', () => {
  const tokens = path(folder, 'tokens');
  const corpus = kinds['lists of rows'];
  const settings = { model, maxLength: 24, cache: false, maxSteps: 3, batchTokens: 192, threads: 1 } as const;

  test('is adapted to as its texts are: the same weights', async () => {
    await tokenize({ model, corpus, maxLength: 24, output: tokens });
    const [byTexts, byTokens] = [path(folder, 'by-texts'), path(folder, 'by-tokens')];
    const first = await adapt({ ...settings, corpus, output: byTexts });
    const second = await adapt({ ...settings, corpus: { files: [tokens] }, output: byTokens });
    expect({ ...second, output: '', tokensPerSecond: 0 }).toEqual({ ...first, output: '', tokensPerSecond: 0 });
    expect(weightsOf(byTokens).equals(weightsOf(byTexts))).toBe(true);
  });

  test('is measured as its texts are', async () => {
    const given = { model, maxLength: 24, cache: false, threads: 1 } as const;
    const texts = await evaluate({ ...given, data: { files: corpus.files, textColumn: 'message' } });
    expect(await evaluate({ ...given, data: { files: [tokens] } })).toMatchObject({
      ...('perplexity' in texts && { loss: texts.loss, count: texts.count }),
    });
  });

  test.each([
    ['another length', { maxLength: 32 }, /tokens was tokenized for maxLength 24, not 32/],
    ['another overlap', { overlap: 3 }, /was tokenized with overlap 0, not 3/],
    ['another column', { corpus: { files: [tokens], textColumn: 'chat' } }, /with textColumn message, not chat/],
    ['no groups of its own', { corpus: { files: [tokens], groupColumn: 'day' } }, /with groupColumn chat, not day/],
    ['more files', { corpus: { files: [tokens, table] } }, /tokens is a tokenized corpus, which stands alone/],
  ])('is refused for %s', async (_, changes, message) => {
    const output = path(folder, 'refused');
    await expect(adapt({ ...settings, corpus: { files: [tokens] }, output, ...changes })).rejects.toThrow(message);
  });

  test('is refused for another tokenizer, and as texts', async () => {
    const other = path(folder, 'other');
    cpSync(model, other, { recursive: true });
    const vocabulary = path(other, 'vocab.txt');
    writeFileSync(vocabulary, readFileSync(vocabulary, 'utf8').replace('\norder\n', '\nwarder\n'));
    rmSync(path(other, 'tokenizer.json'), { force: true });
    const output = path(folder, 'refused');
    await expect(adapt({ ...settings, model: other, corpus: { files: [tokens] }, output })).rejects.toThrow(
      /tokens was tokenized with the tokenizer of another model/,
    );
    await expect(tokenize({ model, corpus: { files: [tokens] }, output })).rejects.toThrow(
      /tokens holds a tokenized corpus, no texts; give the texts/,
    );
  });

  test('is replaced when it is asked for, other things never', async () => {
    await expect(tokenize({ model, corpus, output: tokens })).rejects.toThrow(/holds a tokenized corpus; .*overwrite/);
    await tokenize({ model, corpus, maxLength: 24, output: tokens, overwrite: true });
    await expect(tokenize({ model, corpus, output: logs, overwrite: true })).rejects.toThrow(/holds other things/);
  });
});

describe('parts', () => {
  const corpus = { files: [logs] };
  const output = path(folder, 'parts');
  const part = (shard: string, more: object = {}, notes: string[] = []) =>
    tokenize({ model, corpus, maxLength: 24, output, shard, ...more }, notesOf(notes));
  const name = (index: number, of = 2) => `${output}.part-${index}-of-${of}`;

  test('that are whole are kept, those of other work or data are made anew', async () => {
    await part('1/2');
    const { ino } = statSync(name(1));
    const notes: string[] = [];
    await part('1/2', {}, notes);
    expect(statSync(name(1)).ino).toBe(ino);
    expect(notes).toContain(`${name(1)} is there already, whole and of the same work: kept`);
    await part('1/2', { overlap: 2 }, notes);
    expect(notes).toContain(`${name(1)} is of other data, another tokenizer or other settings: it is made anew`);
    await expect(adapt({ model, corpus: { files: [output] }, output: path(folder, 'no') })).rejects.toThrow(
      /there are parts alone \(parts\.part-1-of-2\); put them together with bertune join/,
    );
  });

  test('that are missing, foreign, stale or damaged are named', async () => {
    await expect(join({ output })).rejects.toThrow(`${name(2)} is missing`);
    await part('2/2');
    await expect(join({ output })).rejects.toThrow(/cannot be joined .*of another tokenizer or other settings/);
    await part('1/2');
    writeFileSync(path(logs, 'day-9.txt.gz'), gzipSync('one more order'));
    await part('2/2');
    await expect(join({ output })).rejects.toThrow(/cannot be joined .*of other files or rows/);
    await part('1/2');
    renameSync(name(2), path(folder, 'kept'));
    cpSync(name(1), name(2), { recursive: true });
    await expect(join({ output })).rejects.toThrow(/a part under another name/);
    rmSync(name(2), { recursive: true });
    cpSync(path(folder, 'kept'), name(2), { recursive: true });
    rmSync(path(name(2), 'part.json'));
    await expect(join({ output })).rejects.toThrow(/part-2-of-2 is no whole part of a tokenized corpus/);
    writeFileSync(path(name(2), 'part.json'), readFileSync(path(folder, 'kept', 'part.json')));
    writeFileSync(path(name(2), 'texts.bin'), '');
    await expect(join({ output })).rejects.toThrow(/part-2-of-2 is no whole part \(its files end early\)/);
    expect(existsSync(output)).toBe(false);
  });

  test('that were stopped leave nothing', async () => {
    const place = temporaryFolder();
    const controller = new AbortController();
    const onEvent = ({ type }: JobEvent) => {
      if (type === 'progress') controller.abort();
    };
    const stopped = { model, corpus: kinds['lists of rows'], output: path(place, 'a', 'b'), shard: '1/2' };
    await expect(tokenize(stopped, { signal: controller.signal, onEvent })).rejects.toThrow(InterruptedError);
    expect(readdirSync(place)).toEqual([]);
  });
});

test('processes of a Slurm array, one of them killed and run again, make what one process makes', async () => {
  const place = temporaryFolder();
  const big = path(place, 'big.txt');
  writeFileSync(big, messages(30_000, 3).join('\n'));
  const words = ['tokenize', '--model', model, '--corpus', big, '--max-length', '24'];
  const shards = [...words, '--output', path(place, 'tokens'), '--shard', 'auto'];
  const env = (id: number) => ({
    ...process.env,
    ...{ SLURM_ARRAY_TASK_ID: `${id}`, SLURM_ARRAY_TASK_COUNT: '2' },
    ...{ SLURM_ARRAY_TASK_MIN: '0', SLURM_ARRAY_TASK_MAX: '1' },
  });
  const child = spawn(process.execPath, [await builtCommand(), ...shards], { env: env(0), stdio: 'ignore' });
  const gone = new Promise((resolve) => child.on('close', resolve));
  const partial = path(place, 'tokens.part-1-of-2.partial');
  while (!existsSync(path(partial, 'tokens.bin'))) await sleep(2);
  child.kill('SIGKILL');
  await gone;
  expect(existsSync(partial)).toBe(true);
  expect(await runCommand(['join', '--output', path(place, 'tokens')])).toMatchObject({ code: 2 });
  for (const id of [0, 1]) expect(await runCommand(shards, { env: env(id) })).toMatchObject({ code: 0 });
  expect(await runCommand(['join', '--output', path(place, 'tokens')])).toMatchObject({
    ...{ code: 0, stdout: `30,000 rows of 2 parts saved to ${path(place, 'tokens')}; the parts stay\n` },
  });
  expect(await runCommand([...words, '--output', path(place, 'whole')])).toMatchObject({ code: 0 });
  expect(contentOf(path(place, 'tokens'))).toEqual(contentOf(path(place, 'whole')));
  expect(readdirSync(place).filter((name) => name.includes('partial'))).toEqual([]);
}, 120_000);
