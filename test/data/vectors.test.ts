import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { type VectorRow, writeVectors } from '../../src/data/vectors.ts';
import { runSql, TestFolder } from './files.ts';

const folder = new TestFolder();
beforeAll(() => folder.create());
afterAll(() => folder.remove());

async function* stream(rows: readonly VectorRow[], failure?: Error): AsyncGenerator<VectorRow> {
  yield* rows;
  if (failure !== undefined) throw failure;
}

const vector = Float32Array.of(0.1, -1.5, 1e-30, 16777217, Math.PI);
const rows: VectorRow[] = [
  { id: 7, text: 'two\nlines, "quoted"', vector },
  { id: 8, text: '中文 😀', vector: vector.map((value) => -value) },
];

test('Parquet holds the ids, texts and exact float32 vectors in order', async () => {
  const path = join(folder.path, 'new/folder', "it's.parquet");
  expect(await writeVectors(path, stream(rows))).toBe(2);
  const source = `'${path.replaceAll("'", "''")}'`;
  expect(await runSql(`SELECT column_name, column_type FROM (DESCRIBE FROM ${source})`)).toEqual([
    ['id', 'BIGINT'],
    ['text', 'VARCHAR'],
    ['vector', 'FLOAT[]'],
  ]);
  const read = await runSql(`SELECT id, text, list_transform(vector, lambda x: x::DOUBLE) FROM ${source}`);
  expect(read).toEqual(rows.map(({ id, text, vector }) => [String(id), text, Array.from(vector)]));
});

test('Parquet keeps string ids as strings and has no id column where there are none', async () => {
  const mixed = join(folder.path, 'mixed.parquet');
  await writeVectors(
    mixed,
    stream([
      { id: 'k1', text: 'a', vector },
      { id: 2, text: 'b', vector },
    ]),
  );
  expect(await runSql(`SELECT id FROM '${mixed}'`)).toEqual([['k1'], ['2']]);
  const none = join(folder.path, 'none.parquet');
  await writeVectors(none, stream(Array.from({ length: 5000 }, (_, index) => ({ text: `t ${index}`, vector }))));
  expect(await runSql(`SELECT column_name FROM (DESCRIBE FROM '${none}')`)).toEqual([['text'], ['vector']]);
  expect(
    await runSql(
      `SELECT count(*), bool_and(text = 't ' || file_row_number) FROM read_parquet('${none}', file_row_number=true)`,
    ),
  ).toEqual([['5000', true]]);
});

test('JSON lines hold what float32 can tell, in short', async () => {
  const path = join(folder.path, 'vectors.jsonl');
  expect(await writeVectors(path, stream(rows))).toBe(2);
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(lines[0]).toBe(
    '{"id":7,"text":"two\\nlines, \\"quoted\\"","vector":[0.100000001,-1.5,1e-30,16777216,3.14159274]}',
  );
  const parsed = lines.map((line) => JSON.parse(line) as { id: number; text: string; vector: number[] });
  expect(parsed.map(({ vector, ...row }) => ({ ...row, vector: Float32Array.from(vector) }))).toEqual(rows);
});

test.each(['broken.parquet', 'broken.jsonl'])('%s does not appear when the rows fail', async (name) => {
  const path = join(folder.path, name);
  await expect(writeVectors(path, stream(rows, new Error('the model failed')))).rejects.toThrow('the model failed');
  expect(existsSync(path)).toBe(false);
  expect((await readdir(folder.path)).filter((file) => file.includes('partial'))).toEqual([]);
});

test.each(['.parquet', '.jsonl'])('a place for %s that cannot be written to is told before any row', async (ending) => {
  const untouched = () => stream([], new Error('rows were computed'));
  const taken = join(folder.path, `taken${ending}`);
  await mkdir(taken);
  await expect(writeVectors(taken, untouched())).rejects.toThrow(
    new UsageError(`${taken} cannot be written: it is a folder`),
  );
  const long = join(folder.path, 'x'.repeat(250) + ending);
  await expect(writeVectors(long, untouched())).rejects.toThrow(`${long} cannot be written: ENAMETOOLONG`);
});

test('other endings are refused', async () => {
  await expect(writeVectors('x.csv', stream(rows))).rejects.toThrow(
    new UsageError('output: vectors are written to .parquet or .jsonl, not to x.csv'),
  );
});
