import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BertuneError, UsageError } from '../../src/core/errors.ts';
import { type NumbersOptions, readNumbers, scalingOf, standardize } from '../../src/data/numbers.ts';
import { TestFolder } from './files.ts';

const folder = new TestFolder();
beforeAll(() => folder.create());
afterAll(() => folder.remove());

const read = (file: string, more: Partial<NumbersOptions> = {}) => readNumbers({ file, flag: '--data', ...more });

describe('readNumbers', () => {
  const content = 'name,x,y,day\nfirst,1,-2.5,2024-01-01\nsecond,1e3,0.125,2024-01-02\nthird,7,8,2024-01-03\n';

  test('takes the columns asked for in their order, from every format alike', async () => {
    const csv = await folder.write('plain.csv', content.replaceAll(/,(2024\S+|day)/g, ''));
    const gzip = await folder.write('plain.csv.gz', content.replaceAll(/,(2024\S+|day)/g, ''));
    const tsv = await folder.write('plain.tsv', content.replaceAll(/,(2024\S+|day)/g, '').replaceAll(',', '\t'));
    const lines =
      '{"name":"first","x":1,"y":-2.5}\n{"name":"second","x":1000,"y":0.125}\n{"name":"third","x":7,"y":8}\n';
    const jsonl = await folder.write('plain.jsonl', lines);
    const parquet = await folder.writeParquet('plain.parquet', `SELECT * FROM '${csv}'`);
    for (const file of [csv, gzip, tsv, jsonl, parquet, `SELECT * FROM '${parquet}'`]) {
      const { columns, rows, values } = await read(file, { columns: ['y', 'x'] });
      expect({ columns, rows, values: [...values] }).toEqual({
        columns: ['y', 'x'],
        rows: 3,
        values: [-2.5, 1, 0.125, 1000, 8, 7],
      });
      expect((await read(file)).columns).toEqual(['x', 'y']);
    }
  });

  test('by default, takes neither times nor true and false for numbers', async () => {
    const rows = [1, 2, 3].map((i) => ({
      time: `2024-01-0${i} 10:00:00`,
      on: i === 2,
      x: i,
      'y z': i / 2,
      note: 'ok',
    }));
    const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    const jsonl = await folder.write('typed.jsonl', lines);
    const csv = rows.map((row) => Object.values(row).join()).join('\n');
    const files = [
      jsonl,
      await folder.write('typed.csv', `${Object.keys(rows[0] ?? {}).join()}\n${csv}\n`),
      await folder.writeParquet('typed.parquet', `SELECT * FROM '${jsonl}'`),
      `SELECT * REPLACE (time::TIMESTAMP AS time, x::DECIMAL(9, 2) AS x, "y z"::FLOAT AS "y z") FROM '${jsonl}'`,
    ];
    for (const file of files) {
      const { columns, values } = await read(file);
      expect({ file, columns, values: [...values] }).toEqual({
        file,
        columns: ['x', 'y z'],
        values: [1, 0.5, 2, 1, 3, 1.5],
      });
    }
  });

  test('keeps the order of more rows than it first has room for', async () => {
    const { rows, values } = await read('SELECT i AS a, -i AS b FROM range(5000) t(i)');
    expect(rows).toBe(5000);
    expect([...values]).toEqual(Array.from({ length: 10_000 }, (_, i) => (i % 2 === 0 ? i / 2 : -(i - 1) / 2) + 0));
  });

  test('what is wrong is told in one line with the place and a way out', async () => {
    const csv = await folder.write('named.csv', content);
    const gaps = await folder.write('gaps.csv', 'x,y\n1,2\n3,\n5,6\n');
    const late = await folder.write(
      'late.csv',
      `x,y\n${Array.from({ length: 30 }, (_, i) => `${i},${i === 22 ? 'n/a' : i}`).join('\n')}\n`,
    );
    const words = await folder.write('words.csv', 'a,b\none,two\n');
    const lines = await folder.write(
      'lines.jsonl',
      '{"x":1,"y":2,"z":"7"}\n{"x":3,"y":null,"z":8}\n{"x":5,"y":6,"z":"n/a"}\n',
    );
    const header = await folder.write('header.csv', 'x,y\n');
    const empty = await folder.write('empty.csv', '');
    const plain = await folder.write('plain.txt', '1\n2\n');
    const ragged = await folder.write('ragged.csv', 'x,y\n1,2\n3,4,5\n');
    const huge = await folder.write('huge.csv', 'x,y\n1,1e150\n3,-1e200\n');
    const infinite = await folder.write('infinite.csv', 'x,y\n1,2\n3,inf\n');
    const cases: [string, Partial<NumbersOptions>, typeof BertuneError, string | RegExp][] = [
      [
        csv,
        { columns: ['x', 'z'] },
        UsageError,
        'columns: --data F/named.csv has no column "z"; its columns are name, x, y, day',
      ],
      [csv, { columns: ['x', 'x'] }, UsageError, 'columns names "x" twice'],
      [
        csv,
        { columns: ['x', 'name'] },
        BertuneError,
        '--data: F/named.csv has "first", which is no number, in column "name" of row 1; choose other columns, or leave such rows out with a query',
      ],
      [
        gaps,
        {},
        BertuneError,
        '--data: F/gaps.csv has no value in column "y" of row 2; choose other columns, or leave such rows out with a query',
      ],
      [
        late,
        { columns: ['y'] },
        BertuneError,
        '--data: F/late.csv has "n/a", which is no number, in column "y" of row 23; choose other columns, or leave such rows out with a query',
      ],
      [
        infinite,
        { columns: ['y'] },
        BertuneError,
        /F\/infinite\.csv has "\S+", which is no number, in column "y" of row 2;/,
      ],
      [
        huge,
        {},
        BertuneError,
        '--data: F/huge.csv has "-1e200", which is beyond 1e+150, in column "y" of row 2; choose other columns, or leave such rows out with a query',
      ],
      [
        words,
        {},
        UsageError,
        '--data: F/words.csv has no column of numbers (its columns are a, b); name them with columns',
      ],
      [
        lines,
        { columns: ['x', 'y'] },
        BertuneError,
        '--data: F/lines.jsonl has no value in column "y" of row 2; choose other columns, or leave such rows out with a query',
      ],
      [
        lines,
        { columns: ['x', 'z'], isOfModel: true },
        BertuneError,
        '--data: F/lines.jsonl has "n/a", which is no number, in column "z" of row 3; leave such rows out with a query',
      ],
      [header, { columns: ['x'] }, BertuneError, '--data: F/header.csv has no rows'],
      [empty, {}, BertuneError, '--data: F/empty.csv is empty'],
      [plain, {}, UsageError, '--data: F/plain.txt holds lines of text; give a .csv or .parquet file'],
      [ragged, {}, BertuneError, /^--data: F\/ragged\.csv line 3 has 3 columns, the header has 2/],
      [`${folder.path}/none.csv`, {}, UsageError, '--data: no file at F/none.csv'],
      [`${folder.path}/*.tsv2`, {}, UsageError, '--data: no file matches F/*.tsv2'],
      [`${folder.path}/plain.*`, {}, UsageError, /^--data: F\/plain\.\* names 6 files; give one, or a query over all$/],
      ['SELECT 1 AS x WHERE false', {}, BertuneError, '--data: query has no rows'],
      [
        'FROM (VALUES (1.5), (NULL)) t(x)',
        {},
        BertuneError,
        '--data: query has no value in column "x" of row 2; choose other columns, or leave such rows out with a query',
      ],
      ['SELECT nothing FROM nowhere', {}, UsageError, /^the query for --data: .*nowhere/],
    ];
    for (const [file, more, kind, message] of cases) {
      const error: unknown = await read(file, more).catch((thrown: unknown) => thrown);
      expect(error, file).toBeInstanceOf(kind);
      const found = (error as Error).message.replaceAll(folder.path, 'F');
      expect(found).not.toContain('\n');
      if (typeof message === 'string') expect(found).toBe(message);
      else expect(found).toMatch(message);
    }
  });
});

test('scaling brings the rows it was taken from to mean 0 and deviation 1', () => {
  const table = {
    columns: ['a', 'b', 'same'],
    rows: 4,
    values: Float64Array.of(1, 10, 7, 3, 30, 7, 100, -1, 7, 5, 5, 8),
  };
  const scaling = scalingOf(table, 0, 2);
  expect(scaling).toEqual({ mean: [2, 20, 7], deviation: [1, 10, 1] });
  expect([...standardize(table, scaling)]).toEqual([-1, -1, 0, 1, 1, 0, 98, Math.fround(-2.1), 0, 3, -1.5, 1]);
});
