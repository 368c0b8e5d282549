import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { columnOf } from '../../src/data/columnKinds.ts';
import { openRecords } from '../../src/data/records.ts';
import { readAll, TestFolder, textsOf } from './files.ts';

const folder = new TestFolder();
beforeAll(() => folder.create());
afterAll(() => folder.remove());

describe('the kind of a column', () => {
  const kinds: [kind: string, values: (string | null)[]][] = [
    ['integer', ['1', '-2', '+3', null, '']],
    ['integer', ['1.0', '2.0', null]],
    ['number', ['1', '2.5', '1e5', '.5']],
    ['boolean', ['true', 'False', 'TRUE']],
    ['time', ['2024-01-05', '2024-01-06T10:00:00Z', '2024-01-06 10:00:00.123+02:00', '2024/1/5']],
    ['time', ['05.01.2024', '5/1/24 10:30 PM', '05/01/2024 10:30:11']],
    ['time', ['5 Jan 2024', 'Jan 5, 2024', 'Mon, 05 Jan 2024 10:00:00 +0000', '05-Jan-2024']],
    ['time', ['10:30', '23:59:59']],
    ['id', ['550e8400-e29b-41d4-a716-446655440000', '507f1f77bcf86cd799439011']],
    ['id', ['a@example.org', 'https://example.org/a?b=c']],
    ['text', ['1', '2', 'NA']],
    ['text', ['may 5 of them came', '2024-01-05 was fine']],
    ['text', ['may', 'march', 'deadbeefdeadbeef']],
    ['empty', ['', null, '  ']],
  ];
  test.each(kinds)('is %s of %j', (kind, values) => {
    expect(columnOf('x', values).kind).toBe(kind);
  });

  test('of numbers but for a value says which and where', () => {
    expect(columnOf('x', ['1', '', '2', 'NA', 'n/a']).sample.odd).toEqual({ value: 'NA', row: 4 });
    expect(columnOf('x', ['1,5', '2,5']).sample.odd).toEqual({ value: '1,5', row: 1 });
    for (const value of ['5 %', '1,200.50', '1.200,50', '€ 3', '12\u00a0000', '-7$']) {
      expect(columnOf('x', ['1', value, '2']).sample.odd).toEqual({ value, row: 2 });
    }
    expect(columnOf('x', ['fine', 'good', '1']).sample.odd).toBeUndefined();
    expect(columnOf('x', ['1.2.3', '5 stars', '3, 4', '1']).sample.odd).toBeUndefined();
  });
});

const rows = (header: string, row: (i: number) => string, count = 40) =>
  `${header}\n${Array.from({ length: count }, (_, i) => row(i)).join('\n')}\n`;

describe('names that differ in case or spaces alone', () => {
  test.each(['csv', 'jsonl', 'json', 'tsv'])('in %s: the exact one is taken', async (ending) => {
    const record = { Text: 'wrong', text: 'right', TEXT: 'wrong' };
    const delimiter = ending === 'tsv' ? '\t' : ',';
    const content = ending.startsWith('json')
      ? JSON.stringify(record)
      : [Object.keys(record), Object.values(record)].map((values) => values.join(delimiter)).join('\n');
    const path = await folder.write(`case.${ending}`, content);
    expect(await textsOf(path)).toEqual(['right']);
    expect(await textsOf(path, { textColumn: 'TEXT' })).toEqual(['wrong']);
  });

  test('the only one is taken for it', async () => {
    expect(await textsOf(await folder.write('spaced.csv', 'n, Text ,more\n1,right,x\n2,too,y\n'))).toEqual([
      'right',
      'too',
    ]);
  });

  test('two that are telling by another name are not one', async () => {
    const path = await folder.write('two.csv', 'text,Message\na,b\n');
    await expect(textsOf(path)).rejects.toThrow(/has no single text column/);
  });
});

describe('a text column without a telling name', () => {
  test('is none of keys, or of numbers with a fault', async () => {
    const path = await folder.write('keys.csv', 'ticket_id,Betrag,body\na,"1,5",fine it was\nb,"2,5",bad it was\n');
    expect(await textsOf(path)).toEqual(['fine it was', 'bad it was']);
    const keys = await folder.write('keys.csv', '_id,Betrag\na,"1,5"\nb,"2,5"\n');
    await expect(textsOf(keys)).rejects.toThrow(
      new UsageError(
        `--corpus ${keys} has no single text column; choose one with textColumn: _id, Betrag (numbers, but "1,5")`,
      ),
    );
  });

  test.each(['[]', '{}', '{"data":[]}'])('is not looked for in %s', async (content) => {
    const path = await folder.write('none.json', content);
    await expect(textsOf(path)).rejects.toThrow(/holds no records|has no single text column/);
  });
});

describe('a label column without a telling name', () => {
  const left: [header: string, row: (i: number) => string, kind: string][] = [
    ['text,created_at', (i) => `the text ${i},2024-01-0${(i % 8) + 1}`, 'times'],
    ['text,year', (i) => `the text ${i},${2020 + (i % 3)}`, 'whole numbers'],
    ['text,score', (i) => `the text ${i},${(i % 5) / 2 + 0.1}`, 'numbers'],
    ['text,ticket', (i) => `the text ${i},${7000 + i}`, 'whole numbers'],
    ['text,key', (i) => `the text ${i},507f1f77bcf86cd7994390${10 + (i % 4)}`, 'ids'],
    ['text,answer', (i) => `the text ${i},this is what we said to ${i}`, ''],
    ['text,nothing', (i) => `the text ${i},`, 'no values'],
  ];
  test.each(left)('is not guessed from %s', async (header, row, kind) => {
    const name = header.split(',')[1];
    const path = await folder.write('guess.csv', rows(header, row));
    await expect(readAll(path, { needLabel: true })).rejects.toThrow(
      new UsageError(
        `--corpus ${path} has no single label column; choose one with labelColumn: text, ${name}${kind && ` (${kind})`}`,
      ),
    );
    const parquet = await folder.writeParquet('guess.parquet', `FROM read_csv('${path}', header=true)`);
    await expect(readAll(parquet, { needLabel: true })).rejects.toThrow(/has no single label column/);
  });

  test('is the one left that may hold classes, and what is left out is told', async () => {
    const path = await folder.write(
      'taken.csv',
      rows(',created_at,message,stars,price', (i) => `${i},2024-01-05,the text ${i},${i % 5},${i}.5`),
    );
    const records = await openRecords({ files: [path], flag: '--train', needLabel: true });
    expect(records.taken).toBe(
      'text: message, label: stars; left out: column0 (whole numbers), created_at (times), price (numbers)',
    );
    await records.close();
    expect((await readAll(path, { needLabel: true, labelColumn: 'created_at' })).rows[0]?.label).toBe('2024-01-05');
  });
});

describe('a file without a header', () => {
  const headless: [name: string, content: string][] = [
    ['texts', 'the parcel was great\nthe shop was awful\nthe food was lovely\n'],
    ['a label that comes again', 'great,pos\nawful,neg\nlovely,pos\n'],
    ['a number', 'good movie,1\nbad movie,0\n'],
    ['a time', '2024-01-05,fine\n2024-01-06,bad\n'],
  ];
  test.each(headless)('is told by %s', async (_, content) => {
    const path = await folder.write('headless.csv', content);
    await expect(textsOf(path)).rejects.toThrow(/has no single text column.*\(the first line has to be a header\)/);
  });

  test('is none with a long name over numbers, or one that ends as names do', async () => {
    for (const header of ['What did you think of our shop,stars', 'the full text,stars', 'customer complaint,stars']) {
      const path = await folder.write('header.csv', `${header}\nfine it was,1\nbad it was,2\n`);
      expect(await textsOf(path)).toEqual(['fine it was', 'bad it was']);
    }
  });

  test('may still say its delimiter', async () => {
    const path = await folder.write('sep.csv', 'sep=;\r\ntext;label\r\nfine, really;x\r\n');
    expect((await readAll(path, { needLabel: true })).rows).toEqual([{ text: 'fine, really', label: 'x' }]);
  });
});
