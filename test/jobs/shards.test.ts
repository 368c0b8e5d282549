import { copyFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join as path } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { embed } from '../../src/jobs/embed.ts';
import { join } from '../../src/jobs/join.ts';
import { predictFile } from '../../src/jobs/predictFile.ts';
import { shardOf, takenBy } from '../../src/jobs/shards.ts';
import type { JobEvent, JobHooks } from '../../src/jobs/types.ts';
import { temporaryFolder } from '../temporary.ts';
import { saveTinyClassifier } from './tiny.ts';

const folder = temporaryFolder();
const model = path(folder, 'model');
const input = { files: [path(folder, 'rows.jsonl')] };

beforeAll(async () => {
  await saveTinyClassifier(model, ['asks', 'wants']);
  const rows = Array.from({ length: 2700 }, (_, i) => {
    const text = i % 97 === 0 ? ' ' : `where is my order ${i} `.repeat(1 + (i % 5));
    return JSON.stringify({ id: i % 2 ? i : `n${i}`, text, number: i / 7, list: i % 3 ? [i] : null, day: i });
  });
  writeFileSync(path(folder, 'rows.jsonl'), rows.join('\n'));
});

describe('which part', () => {
  const slurm = (id: number, min: number, max: number, count: number) => ({
    ...{ SLURM_ARRAY_TASK_ID: `${id}`, SLURM_ARRAY_TASK_MIN: `${min}`, SLURM_ARRAY_TASK_MAX: `${max}` },
    SLURM_ARRAY_TASK_COUNT: `${count}`,
  });
  test.each([
    ['2/8', {}, { index: 2, of: 8 }],
    ['auto', slurm(0, 0, 7, 8), { index: 1, of: 8 }],
    ['auto', slurm(8, 1, 8, 8), { index: 8, of: 8 }],
    ['auto/4', slurm(5, 1, 7, 4), { index: 3, of: 4 }],
    ['auto', slurm(3, 3, 3, 1), { index: 1, of: 1 }],
    ['auto/8', { JOB_COMPLETION_INDEX: '0' }, { index: 1, of: 8 }],
  ])('%s with %o', (text, env, expected) => {
    expect(shardOf(text, env)).toEqual(expected);
  });
  test.each([
    ['9/8', {}, 'shard 9/8: there is no part 9 of 8; they are numbered from 1'],
    ['auto', {}, /^shard auto: there is neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX/],
    ['auto', { JOB_COMPLETION_INDEX: '0' }, /^shard auto: Kubernetes tells the index alone; .* auto\/8/],
    ['auto/2', { JOB_COMPLETION_INDEX: '2' }, /there is no part 3 of 2/],
    ['auto/2', slurm(1, 1, 3, 3), /^shard auto\/2: Slurm's array has 3 tasks/],
    ['auto', slurm(3, 1, 7, 3), /not evenly numbered/],
  ])('%s with %o is refused', (text, env, message) => {
    expect(() => shardOf(text, env)).toThrow(message);
  });

  test('every row goes to one part, in lists that a run without parts has, too', async () => {
    async function* rows() {
      for (let i = 0; i < 3333; i++) yield i;
    }
    const lists = async (shard?: { index: number; of: number }) => {
      const all: number[][] = [];
      for await (const list of takenBy(rows(), shard)) all.push(list);
      return all;
    };
    const whole = await lists();
    expect(whole.flat()).toEqual(Array.from({ length: 3333 }, (_, i) => i));
    const parts = await Promise.all([1, 2, 3].map((index) => lists({ index, of: 3 })));
    expect(parts.flat().sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0))).toEqual(whole);
  });
});

describe('joined parts are the file of a run without parts, to the byte', () => {
  test.each(['csv', 'jsonl', 'parquet'])('labels in .%s', async (ending) => {
    const [whole, joined] = [path(folder, `whole.${ending}`), path(folder, `joined.${ending}`)];
    await predictFile({ model, input, output: whole, scores: true });
    for (const shard of ['3/4', '1/4', '4/4', '2/4'])
      await predictFile({ model, input, output: joined, scores: true, shard });
    expect(await join({ output: joined })).toEqual({ count: 2700, parts: 4, output: joined });
    expect(readFileSync(joined).equals(readFileSync(whole))).toBe(true);
  });

  test.each(['jsonl', 'parquet'])('vectors in .%s, more parts than there is work for', async (ending) => {
    const [whole, joined] = [path(folder, `vectors.${ending}`), path(folder, `parts.${ending}`)];
    await embed({ model, input, output: whole });
    for (let i = 1; i <= 7; i++) await embed({ model, input, output: joined, shard: `${i}/7` });
    expect(await join({ output: joined })).toMatchObject({ count: 2700, parts: 7 });
    expect(readFileSync(joined).equals(readFileSync(whole))).toBe(true);
  });
});

describe('parts', () => {
  const output = path(folder, 'kept.jsonl');
  const part = (shard: string, more: object = {}, notes: string[] = []) =>
    embed(
      { model, input, output, shard, ...more },
      { onEvent: (event) => event.type === 'note' && notes.push(event.text) },
    );
  const name = (index: number, of = 2) => `${output}.part-${index}-of-${of}`;

  test('that are whole are kept, those of other work or data are made anew', async () => {
    await part('1/2');
    const { mtimeMs } = statSync(name(1));
    const notes: string[] = [];
    expect(await part('1/2', {}, notes)).toMatchObject({ count: 1536, output: name(1) });
    expect(statSync(name(1)).mtimeMs).toBe(mtimeMs);
    expect(notes).toEqual([`${name(1)} is there already, whole and of the same work: kept`]);
    await part('1/2', { maxLength: 8 }, notes);
    expect(notes.filter((note) => note.includes('made anew'))).toEqual([
      `${name(1)} is of other data, another model or other settings: it is made anew`,
    ]);
    expect(statSync(name(1)).mtimeMs).not.toBe(mtimeMs);
    await part('1/2');
  });

  test('of a query are made anew: nothing tells whether its rows changed', async () => {
    const [file, rows] = [path(folder, 'asked.csv'), path(folder, 'answers.csv')];
    const notes: string[] = [];
    const make = (text: string) => {
      writeFileSync(file, `id,text\n1,${text}\n`);
      const files = [`SELECT id, text FROM '${file}' ORDER BY id`];
      return predictFile(
        { model, input: { files }, output: rows, shard: '1/1' },
        { onEvent: (event) => event.type === 'note' && notes.push(event.text) },
      );
    };
    await make('old text');
    await make('new text');
    expect(notes.filter((note) => note.includes('part-1-of-1'))).toEqual([
      `${rows}.part-1-of-1 is there already, but nothing tells whether input changed: it is made anew`,
    ]);
    await join({ output: rows });
    expect(readFileSync(rows, 'utf8')).toMatch(/^id,text,label,score\n1,new text,/);
  });

  test('that are missing, foreign or damaged are named', async () => {
    await expect(join({ output })).rejects.toThrow(`output: ${name(2)} is missing; run it with shard`);
    await part('2/2', { maxLength: 8 });
    await expect(join({ output })).rejects.toThrow(
      /kept\.jsonl\.part-2-of-2 cannot be joined with .*of another model or other settings/,
    );
    copyFileSync(name(1), name(2));
    await expect(join({ output })).rejects.toThrow(/part-2-of-2 cannot be joined with .*a part under another name/);
    writeFileSync(name(2), readFileSync(name(1)).subarray(0, 20_000));
    await expect(join({ output })).rejects.toThrow(/part-2-of-2 is no whole part/);
    await part('2/2');
    await part('1/3');
    await expect(join({ output })).rejects.toThrow('output: there are parts of');
    rmSync(name(1, 3));
    expect(await join({ output })).toMatchObject({ count: 2700, parts: 2 });
    await expect(join({ output: path(folder, 'none.csv') })).rejects.toThrow(
      /there is no part of .*none\.csv; they are called/,
    );
  });

  test.each([
    ['a number', '{"id": 2, "text": "b", "by": [1.5]}'],
    ['one inside a list', '{"id": 1, "text": "b", "by": [2.5]}'],
    ['what a column was read as', '{"id": "1", "text": "b", "by": [1.5]}'],
    ['another column with texts', '{"id": 1, "text": "b", "by": [1.5], "other": "c"}'],
  ])('of rows that differ beside their texts are not joined: %s', async (_, row) => {
    const [file, rows] = [path(folder, 'whole-rows.jsonl'), path(folder, 'mixed.jsonl')];
    const make = (shard: string) =>
      predictFile({ model, input: { files: [file], textColumn: 'text' }, output: rows, shard });
    const first = '{"id": 7, "text": "a", "by": [0.5]}';
    writeFileSync(file, `${first}\n{"id": 1, "text": "b", "by": [1.5]}`);
    await make('1/2');
    writeFileSync(file, `${first}\n${row}`);
    await make('2/2');
    await expect(join({ output: rows })).rejects.toThrow('it is of other rows, or in another order');
    await make('1/2');
    expect(await join({ output: rows })).toMatchObject({ count: 2 });
  });

  test('of vectors whose ids differ are not joined', async () => {
    const [file, vectors] = [path(folder, 'ids.csv'), path(folder, 'ids.parquet')];
    for (const [i, id] of [1, 2].entries()) {
      writeFileSync(file, `id,text\n${id},same text\n`);
      await embed({ model, input: { files: [file] }, output: vectors, shard: `${i + 1}/2` });
    }
    await expect(join({ output: vectors })).rejects.toThrow('it is of other rows, or in another order');
  });

  test.each([
    ['labels', (output: string, hooks: JobHooks) => predictFile({ model, input, output, shard: '1/2' }, hooks)],
    ['vectors', (output: string, hooks: JobHooks) => embed({ model, input, output, shard: '1/2' }, hooks)],
  ])('of %s that were stopped leave nothing', async (_, make) => {
    const place = temporaryFolder();
    const controller = new AbortController();
    const onEvent = ({ type }: JobEvent) => {
      if (type !== 'progress') return;
      seen.push(...readdirSync(place));
      controller.abort();
    };
    const seen: string[] = [];
    await expect(make(path(place, 'stopped.jsonl'), { signal: controller.signal, onEvent })).rejects.toThrow(
      InterruptedError,
    );
    expect(seen.length).toBeGreaterThan(0);
    expect(readdirSync(place)).toEqual([]);
  });

  test.each([
    ['labels', 'csv', predictFile],
    ['vectors', 'parquet', embed],
    ['vectors', 'jsonl', embed],
  ])('of %s in .%s: joining them can be stopped', async (_, ending, make) => {
    const place = temporaryFolder();
    const joined = path(place, `stopped.${ending}`);
    await make({ model, input, output: joined, shard: '1/1' });
    const controller = new AbortController();
    const ended = expect(join({ output: joined }, { signal: controller.signal })).rejects.toThrow(InterruptedError);
    // When it has begun to write.
    while (!readdirSync(place).some((name) => name.includes('.partial-'))) await setImmediate();
    controller.abort();
    await ended;
    expect(readdirSync(place)).toEqual([`stopped.${ending}.part-1-of-1`]);
  });

  test('of rows without an order are refused', async () => {
    const database = { files: ['postgres://me:secret@host/shop?table=a'] };
    await expect(part('1/2', { input: database })).rejects.toThrow(
      'shard: the rows of postgres://me:***@host/shop?table=a have no order of their own',
    );
    const select = `SELECT id, text FROM '${input.files[0]}' WHERE day < 9`;
    await expect(part('1/2', { input: { files: [select] } })).rejects.toThrow(
      'shard: the rows of a query have no order of their own, so parts might repeat some; let it end in ORDER BY a key',
    );
    for (const shard of ['1/2', '2/2']) await part(shard, { input: { files: [`${select} ORDER BY ALL`] } });
    expect(await join({ output })).toMatchObject({ count: 9 });
  });
});
