import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Database } from '../../src/data/duckdb.ts';
import { temporaryFolder } from '../temporary.ts';
import { readAll } from './files.ts';

let folder = '';
const count = 1200;
const nameOf = (i: number, ending: string) => join(folder, `${String(i).padStart(5, '0')}.${ending}`);

beforeEach(() => {
  folder = join(temporaryFolder(), 'many');
  mkdirSync(folder);
});
afterEach(() => vi.restoreAllMocks());

/** Statements that a piece of work gives to DuckDB. */
function statements(): () => number {
  const spies = [vi.spyOn(Database.prototype, 'rows'), vi.spyOn(Database.prototype, 'all')];
  return () => spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
}

const formats: Readonly<Record<string, (text: string, label: string) => string>> = {
  csv: (text, label) => `text,label\n"${text}",${label}\n`,
  tsv: (text, label) => `label\ttext\n${label}\t${text}\n`,
  jsonl: (text, label) => `${JSON.stringify({ label, text })}\n`,
};

describe('thousands of small files are read by a few statements, in order', () => {
  test.each(Object.entries(formats))('%s', async (ending, write) => {
    const rows = Array.from({ length: count }, (_, i) => ({ text: `text, ${i}`, label: `l${i % 3}` }));
    for (const [i, { text, label }] of rows.entries()) writeFileSync(nameOf(i, ending), write(text, label));
    const made = statements();
    expect((await readAll(folder, { needLabel: true })).rows).toEqual(rows);
    expect(made()).toBeLessThan(10);
  });

  test('text', async () => {
    for (let i = 0; i < count; i++) writeFileSync(nameOf(i, 'txt'), i % 7 === 0 ? '' : `one ${i}\r\n\ntwo ${i}`);
    const made = statements();
    const { rows } = await readAll(folder);
    const expected = Array.from({ length: count }, (_, i) => (i % 7 === 0 ? [] : [`one ${i}`, `two ${i}`])).flat();
    expect(rows.map(({ text }) => text)).toEqual(expected);
    expect(made()).toBeLessThan(10);
  });
});

test('files that differ in header, delimiter, packing or encoding are read as what they are', async () => {
  const contents: [string, string | Buffer, string[]][] = [
    ['a.csv', 'text,label\na,x\n', ['a']],
    ['b.csv', 'text,label\nb,y\n', ['b']],
    ['c.csv', 'label;text\nx;c,d\n', ['c,d']],
    ['d.csv', 'label,text\nx,e\n', ['e']],
    ['e.csv', Buffer.from('\ufefftext,label\nwide,x\n', 'utf16le'), ['wide']],
    ['f.csv', '\ufefftext,label\nmarked,x\n', ['marked']],
    ['g.jsonl', '{"text":"g","label":"x"}\n', ['g']],
    ['h.jsonl', '{"label":"x","text":"h"}\n{"text":"i","label":"y"}\n', ['h', 'i']],
    ['i.txt', 'lines\n', ['lines']],
    ['j.txt', 'of text\n', ['of text']],
  ];
  for (const [name, content] of contents) writeFileSync(join(folder, name), content);
  const { rows } = await readAll(folder);
  expect(rows.map(({ text }) => text)).toEqual(contents.flatMap(([, , texts]) => texts));
});

describe('of many files, the one that is at fault is named', () => {
  const faults: [string, (i: number) => string, string, RegExp][] = [
    ['csv', (i) => `text,label\na ${i},x\n`, 'text,label\na,b,c\n', /00007\.csv line 2 has 3 columns/],
    ['jsonl', (i) => `{"text":"a ${i}"}\n`, '{"text":"a"}\n[1]\n', /00007\.jsonl line 2 is not a JSON object/],
    ['jsonl', (i) => `{"text":"a ${i}"}\n`, '{"text":["a"]}\n', /00007\.jsonl.*text.*list/],
    ['jsonl', (i) => `{"text":"a ${i}"}\n`, '{"body":"a"}\n', /00007\.jsonl has no column text/],
    ['csv', (i) => `text,label\na ${i},x\n`, 'body,label\na,x\n', /00007\.csv has no column text/],
  ];
  test.each(faults)('%s', async (ending, write, fault, message) => {
    for (let i = 0; i < 20; i++) writeFileSync(nameOf(i, ending), i === 7 ? fault : write(i));
    await expect(readAll(folder)).rejects.toThrow(message);
  });
});
