import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readNumbers, readSeveralLabels } from '../../src/jobs/readLabels.ts';
import { temporaryFolder } from '../temporary.ts';
import { listening } from './runs.ts';

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}
const json = ['text,tags', 'one,"[""a"", ""b, c""]"', 'two,[]', 'three,', 'four,"[""a""]"'];

test('lists that are written as JSON in a text column are lists; of an empty cell nothing is known', async () => {
  const hooks = listening();
  const data = { files: [file('json.csv', json)] };
  const { texts, labels } = await readSeveralLabels(data, '--train', hooks);
  expect([texts, labels]).toEqual([
    ['one', 'two', 'four'],
    [['a', 'b, c'], [], ['a']],
  ]);
  expect(hooks.notes()).toContain('--train: 1 row with nothing in column tags left out');
  expect(hooks.notes()).toContain('--train: 1 text without a label: of none of them');
  await expect(readSeveralLabels({ ...data, labelSeparator: ',' }, '--train', {})).rejects.toThrow(
    'column tags holds lists, which need no labelSeparator; leave it out',
  );
});

test('a list among texts with a separator, and lists as Python prints them, are refused', async () => {
  const mixed = { files: [file('mixed.csv', ['text,tags', 'one,a', 'two,"[""a"", ""b""]"'])], labelSeparator: ',' };
  await expect(readSeveralLabels(mixed, '--train', {})).rejects.toThrow(
    'holds a list (["a", "b"]) in row 2, and lists need no labelSeparator; leave it out',
  );
  const python = { files: [file('python.csv', ['text,tags', `one,"['a', 'b']"`])] };
  for (const labelSeparator of [undefined, ',']) {
    await expect(readSeveralLabels({ ...python, labelSeparator }, '--train', {})).rejects.toThrow(/as Python prints/);
  }
});

test('null is nothing known, and an empty cell with a separator is no label', async () => {
  const rows = [
    { text: 'one', tags: ['a'] },
    { text: 'two', tags: null },
    { text: 'three' },
    { text: 'four', tags: [] },
  ];
  const lists = {
    files: [
      file(
        'null.jsonl',
        rows.map((row) => JSON.stringify(row)),
      ),
    ],
  };
  const hooks = listening();
  expect((await readSeveralLabels(lists, '--train', hooks)).labels).toEqual([['a'], []]);
  expect(hooks.notes()).toContain('--train: 2 rows with nothing in column tags left out');
  const separated = { files: [file('empty.csv', ['text,tags', 'one,a;b', 'two,'])], labelSeparator: ';' };
  expect((await readSeveralLabels(separated, '--train', {})).labels).toEqual([['a', 'b'], []]);
});

test('columns of 0 and 1 are offered', async () => {
  const flags = { files: [file('flags.csv', ['text,damage,it', 'it broke,1,0', 'it works,0,1'])] };
  await expect(readSeveralLabels(flags, '--train', {})).rejects.toThrow(
    'columns damage, it hold 0 and 1: name them with labelColumns damage,it',
  );
});

test('blank numbers are left out and counted', async () => {
  const hooks = listening();
  const data = {
    files: [file('numbers.csv', ['text,urgency', 'one,1', 'two,', 'three,NaN', 'four,2.5'])],
    labelColumn: 'urgency',
  };
  expect((await readNumbers(data, '--train', hooks)).labels).toEqual([1, 2.5]);
  expect(hooks.notes()).toContain('--train: 2 rows with nothing in column urgency left out');
});
