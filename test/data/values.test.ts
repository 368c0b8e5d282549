import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BertuneError, UsageError } from '../../src/core/errors.ts';
import { readAll, TestFolder, textsOf } from './files.ts';

const folder = new TestFolder();
beforeAll(() => folder.create());
afterAll(() => folder.remove());

describe('a value of a typed column', () => {
  const values: [sql: string, text: string, label: string | undefined][] = [
    ["encode('café was great')", 'café was great', 'café was great'],
    ["'x'::ENUM('x', 'y')", 'x', 'x'],
    ['0.1::FLOAT', '0.1', '0.1'],
    ['16777216::FLOAT', '16777216', '16777216'],
    ['1.1754944e-38::FLOAT', '1.1754944e-38', '1.1754944e-38'],
    ['0.1::DOUBLE', '0.1', '0.1'],
    ["'nan'::DOUBLE", '', undefined],
    ["'-inf'::FLOAT", '-Infinity', '-Infinity'],
    ['12345678901234567.89::DECIMAL(20,2)', '12345678901234567.89', '12345678901234567.89'],
    ['2.00::DECIMAL(4,2)', '2.00', '2'],
    ['9223372036854775807', '9223372036854775807', '9223372036854775807'],
    ['true', 'true', 'true'],
    ["DATE '2024-02-29'", '2024-02-29', '2024-02-29'],
    ["TIMESTAMP '2024-02-29 12:30:00'", '2024-02-29 12:30:00', '2024-02-29 12:30:00'],
    ["TIMESTAMPTZ '2024-02-29 12:30:00+02'", '2024-02-29 10:30:00+00', '2024-02-29 10:30:00+00'],
    [
      "'550e8400-e29b-41d4-a716-446655440000'::UUID",
      '550e8400-e29b-41d4-a716-446655440000',
      '550e8400-e29b-41d4-a716-446655440000',
    ],
    ['NULL::VARCHAR', '', undefined],
  ];
  test.each(values)('%s', async (sql, text, label) => {
    const path = await folder.writeParquet('value.parquet', `SELECT ${sql} AS text, ${sql} AS label, 'x' AS other`);
    expect(await textsOf(path, { textColumn: 'text' })).toEqual([text]);
    const { rows } = await readAll(path, { textColumn: 'other', labelColumn: 'label' });
    expect(rows[0]?.label).toBe(label);
  });

  test('of bytes that are not UTF-8 is repaired and counted; one with a zero byte is refused', async () => {
    const path = await folder.writeParquet('bytes.parquet', `SELECT '\\x63\\xE9\\xEF\\xBF\\xBD'::BLOB AS text`);
    const { rows, invalidUtf8 } = await readAll(path);
    expect(rows).toEqual([{ text: 'c\ufffd\ufffd' }]);
    expect(invalidUtf8).toBe(1);
    const binary = await folder.writeParquet(
      'zero.parquet',
      `SELECT 'a'::BLOB AS text UNION ALL SELECT '\\x61\\x00'::BLOB`,
    );
    await expect(readAll(binary)).rejects.toThrow(
      new BertuneError(
        `--corpus ${binary}: column text holds bytes that are no text (a zero byte among them) in row 2, which is no text`,
      ),
    );
  });

  test.each([
    ['["late"]', "['late']", 'lists (VARCHAR[])', '[1]'],
    ['{"a":1}', "{'a': 'x'}", 'objects (STRUCT(a VARCHAR))', '.field'],
    ['map', "MAP {'a': 1}", 'objects (MAP(VARCHAR, INTEGER))', '.field'],
  ])('%s is no text, label, group or id', async (_, sql, title, part) => {
    const query = `SELECT 'x' AS text, ${sql} AS nested, 'y' AS label`;
    const path = await folder.writeParquet('nested.parquet', query);
    for (const [role, options] of Object.entries({
      text: { textColumn: 'nested' },
      label: { labelColumn: 'nested' },
      group: { groupColumn: 'nested' },
    })) {
      await expect(readAll(path, options)).rejects.toThrow(
        new UsageError(
          `--corpus ${path}: column nested holds ${title}, which are no ${role}; ${wayOut(role, title)} with a query, as in "SELECT nested${part} AS ${role} …"`,
        ),
      );
    }
    await expect(readAll(query.replace('nested', 'id'))).rejects.toThrow(/query: column id holds .*, which are no id/);
    expect((await readAll(path)).rows).toEqual([{ text: 'x' }]);
  });
});

describe('a value of JSON lines', () => {
  test('that is a list in every row is refused by its column, in one row by its row', async () => {
    const lists = await folder.write('lists.jsonl', '{"text":"a","labels":["x"]}\n{"text":"b","labels":["x","y"]}\n');
    await expect(readAll(lists, { needLabel: true })).rejects.toThrow(
      new UsageError(
        `--corpus ${lists}: column labels holds lists, which are no label; ${wayOut('label', 'lists')} with a query, as in "SELECT labels[1] AS label …"`,
      ),
    );
    const one = await folder.write('one.jsonl', '{"text":"a","label":"x"}\n{"text":{"body":"b"},"label":"y"}\n');
    await expect(readAll(one, { needLabel: true })).rejects.toThrow(
      new BertuneError(`--corpus ${one}: column text holds an object in row 2, which is no text`),
    );
  });

  test('is what it is in rows that no sample reaches', async () => {
    const rows = Array.from({ length: 30_000 }, (_, i) => JSON.stringify({ text: `text ${i}`, label: i % 2 }));
    rows[29_000] = '{"text":"late","label":"late"}';
    const path = await folder.write('late.jsonl', rows.join('\n'));
    const { rows: read } = await readAll(path, { needLabel: true });
    expect(read[29_000]).toEqual({ text: 'late', label: 'late' });
    rows[29_500] = '{"text":["a"],"label":"late"}';
    await folder.write('late.jsonl', rows.join('\n'));
    await expect(readAll(path, { needLabel: true })).rejects.toThrow('column text holds a list in row 29501');
  });

  test('is found under whatever name', async () => {
    for (const name of ['a/b', 'a~b', 'a"b', "a'b", '*', 'a.b', '$', 'ключ', 'a\\b', '0']) {
      const path = await folder.write('names.jsonl', JSON.stringify({ [name]: 'found', text: 'other' }));
      expect(await textsOf(path, { textColumn: name })).toEqual(['found']);
    }
  });
});

describe('a JSON document', () => {
  const two = [{ text: 'one' }, { text: 'two' }];
  const labeled = [
    { text: 'one', label: 'x' },
    { text: 'two', label: 'y' },
  ];
  const documents: [name: string, document: unknown, rows: unknown][] = [
    ['a list of records', labeled, labeled],
    ['an object of columns', { text: ['one', 'two'], label: ['x', 'y'] }, labeled],
    ['columns by row numbers', { text: { 0: 'one', 1: 'two' }, label: { 0: 'x', 1: 'y' } }, labeled],
    ['rows by numbers', { 0: labeled[0], 1: labeled[1] }, labeled],
    [
      'columns and data apart',
      { columns: ['text', 'label'], index: [0, 1], data: labeled.map(Object.values) },
      labeled,
    ],
    ['a schema and records', { schema: { fields: [{ name: 'text' }], primaryKey: ['index'] }, data: labeled }, labeled],
    ['records under a key', { version: '1.1', data: labeled }, labeled],
    ['records under keys', { took: 3, response: { numFound: 2, docs: labeled } }, labeled],
    ['a list of texts', ['one', 'two'], two],
    ['one record', { text: 'one', tags: ['a', 'b'], more: [{ text: 'no' }] }, [{ text: 'one' }]],
  ];
  test.each(documents)('%s', async (_, document, rows) => {
    const hasLabels = Array.isArray(rows) && 'label' in rows[0];
    const text = JSON.stringify(document);
    for (const [name, content] of Object.entries({
      'd.json': text,
      'd.json.gz': `\ufeff${JSON.stringify(document, null, 2)}`,
    })) {
      expect((await readAll(await folder.write(name, content), { needLabel: hasLabels })).rows).toEqual(rows);
    }
  });

  test('records one after the other, on lines or not', async () => {
    const texts = two.map((row) => JSON.stringify(row, null, 2));
    for (const between of ['\n', ' ', '\n\n']) {
      expect(await textsOf(await folder.write('many.json', texts.join(between)))).toEqual(['one', 'two']);
    }
  });

  const refused: [content: string, message: string][] = [
    ['[["one","x"],["two","y"]]', 'is a list of lists, whose columns have no names'],
    ['{"text":["one"],"label":[]}', 'is an object of lists that are not all as long'],
    [
      '{"train":[{"text":"a"}],"test":[{"text":"b"}]}',
      'is one object with records under more than one key ("train", "test")',
    ],
    [
      '{"text":{"a":"one"},"label":{"a":"x"}}',
      'is one object of objects: whether they are rows or columns cannot be told',
    ],
  ];
  test.each(refused)('%s is refused', async (content, message) => {
    const path = await folder.write('refused.json', content);
    await expect(readAll(path)).rejects.toThrow(
      new BertuneError(`--corpus: ${path} ${message}; write it with one object a line (.jsonl)`),
    );
  });
});

/** Lists of labels are several labels. */
function wayOut(role: string, title: string): string {
  const areLabels = role === 'label' && title.startsWith('lists');
  return areLabels
    ? 'several labels a text are learned with task several-labels, or take one of them'
    : 'take what is meant of them';
}
