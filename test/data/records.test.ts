import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BertuneError, UsageError } from '../../src/core/errors.ts';
import { openRecords } from '../../src/data/records.ts';
import { needing } from '../needs.ts';
import { readAll, runSql, TestFolder, textsOf } from './files.ts';

const folder = new TestFolder();
beforeAll(() => folder.create());
afterAll(() => folder.remove());

const rows = [
  { id: 1, text: 'a plain line', label: '1' },
  { id: 2, text: 'he said "no", twice,\tand \\left', label: '0' },
  { id: 3, text: 'two\nlines', label: '1' },
  { id: 4, text: 'café 中文 😀', label: '10' },
  { id: 5, text: '', label: '0' },
  { id: 6, text: 'NULL', label: '1' },
];

function delimitedText(delimiter: string, newline: string): string {
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const lines = rows.map(({ id, text, label }) => [id, text === '' ? '' : quote(text), label].join(delimiter));
  return `${[['id', 'text', 'label'].join(delimiter), ...lines].join(newline)}${newline}`;
}

function jsonLines(newline: string): string {
  return rows
    .map(({ id, text, label }) => JSON.stringify({ id, text: text === '' ? null : text, label: Number(label) }))
    .join(newline);
}

const escapedJsonLines = jsonLines('\n').replace(/[^\0-\x7f]/g, (unit) => {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
});

describe('every format gives the same rows', () => {
  const cases: [name: string, content: string | Buffer][] = [
    ['comma.csv', delimitedText(',', '\n')],
    ['crlf.csv', delimitedText(',', '\r\n')],
    ['semicolon.csv', delimitedText(';', '\n')],
    ['bom.csv', `\ufeff${delimitedText(',', '\n')}`],
    ['utf16.csv', Buffer.from(`\ufeff${delimitedText(',', '\n')}`, 'utf16le')],
    ['packed.csv.gz', delimitedText(',', '\n')],
    ['tabs.tsv', delimitedText('\t', '\n')],
    ['packed.tsv.gz', delimitedText('\t', '\n')],
    ['lines.jsonl', jsonLines('\n')],
    ['crlf.jsonl', jsonLines('\r\n')],
    ['escaped.jsonl', escapedJsonLines],
    ['bom.jsonl', `\ufeff${jsonLines('\n')}`],
    ['lines.ndjson', jsonLines('\n')],
    ['packed.jsonl.gz', jsonLines('\n')],
    ['array.json', `[${jsonLines(',\n')}]`],
  ];

  test.each(cases)('%s', async (name, content) => {
    // The tab-separated rows hold a tab inside quotes, and a quoted line break.
    const path = await folder.write(name, content);
    expect((await readAll(path, { needLabel: true })).rows).toEqual(rows);
  });

  test('parquet, with the labels as doubles', async () => {
    const source = await folder.write('source.jsonl', jsonLines('\n'));
    const path = await folder.writeParquet(
      'table.parquet',
      `SELECT * REPLACE (label::DOUBLE AS label) FROM '${source}'`,
    );
    expect((await readAll(path, { needLabel: true })).rows).toEqual(rows);
  });

  test('a query, which keeps its order', async () => {
    const source = await folder.write('query.jsonl', jsonLines('\n'));
    const query = `select * from (SELECT id, text, label FROM '${source}' ORDER BY id DESC) ORDER BY id; -- all`;
    expect((await readAll(query.replace('; -- all', ' -- all'), { needLabel: true })).rows).toEqual(rows);
    expect((await readAll(`FROM '${source}' ORDER BY id DESC;`, { needLabel: true })).rows).toEqual(rows.toReversed());
  });

  test('a text file has the texts that are not blank, each on its line', async () => {
    const texts = rows.map(({ text }) => text.replaceAll('\n', ' '));
    const path = await folder.write('rows.txt.gz', texts.join('\n'));
    expect(await textsOf(path)).toEqual(texts.filter((text) => text !== ''));
  });
});

describe('text files', () => {
  test('keep every line as it is and skip blank ones', async () => {
    const lines = [
      '"quoted"',
      '"open',
      "it's",
      'tab\there',
      'a,b;c|d',
      'back\\slash \\n',
      '\x01\x02\x1f',
      'NULL',
      '# no comment',
    ];
    lines.push(' padded ', '\\', '""', '\u00a0x', '中文 😀 e\u0301');
    for (const newline of ['\n', '\r\n']) {
      const path = await folder.write(
        'verbatim.txt',
        `\ufeff\n${lines.join(newline)}${newline}${newline}   ${newline}`,
      );
      expect(await textsOf(path)).toEqual(lines);
    }
  });

  test('may mix line endings and lack the last one', async () => {
    expect(await textsOf(await folder.write('mixed.txt', 'a\r\nb\n\r\n\nc\r\nd'))).toEqual(['a', 'b', 'c', 'd']);
  });

  test('may hold very long lines', async () => {
    const lines = ['short', 'long '.repeat(1_000_000).trim(), 'x', 'y'.repeat(17 << 20), 'end'];
    expect(await textsOf(await folder.write('long.txt', lines.join('\n')))).toEqual(lines);
  });

  test('keep their order over many chunks and threads', async () => {
    const lines = Array.from(
      { length: 400_000 },
      (_, index) => `line ${index} ${'"'.repeat(index % 3)}${'z'.repeat(index % 150)}`,
    );
    const path = await folder.write('many.log', lines.join('\n'));
    expect(await textsOf(path)).toEqual(lines);
  });

  test('can be read again, and in part', async () => {
    const path = await folder.write('again.txt', 'a\nb\nc\n');
    const records = await openRecords({ files: [path], flag: '--corpus', limit: 2 });
    for (let pass = 0; pass < 2; pass++) {
      const batches = [];
      for await (const batch of records.batches()) batches.push(...batch);
      expect(batches).toEqual([{ text: 'a' }, { text: 'b' }]);
    }
    await records.close();
  });
});

describe('bytes that are not UTF-8', () => {
  test('become U+FFFD and are counted', async () => {
    // "é" in Latin-1, half of a Chinese character, a U+FFFD that was in the text, an overlong form (4 replacements).
    const bytes = Buffer.concat([
      Buffer.from('caf'),
      Buffer.from([0xe9]),
      Buffer.from('\nok 中\n'),
      Buffer.from([0xe4, 0xb8]),
      Buffer.from('\nhere before: \ufffd\n'),
      Buffer.from([0xf0, 0x80, 0x80, 0x80]),
    ]);
    const expected = ['caf\ufffd', 'ok 中', '\ufffd', 'here before: \ufffd', '\ufffd\ufffd\ufffd\ufffd'];
    for (const name of ['latin1.txt', 'latin1.txt.gz']) {
      const { rows, invalidUtf8 } = await readAll(await folder.write(name, bytes));
      expect(rows.map(({ text }) => text)).toEqual(expected);
      expect(invalidUtf8).toBe(6);
    }
  });

  test('are found wherever the file is cut into chunks', async () => {
    // 3-byte characters never align with chunks of a power of two; the one bad byte is far behind.
    const text = `${'中文'.repeat(400_000)}\n`;
    const path = await folder.write('far.txt', Buffer.concat([Buffer.from(text), Buffer.from([0x61, 0xff, 0x0a])]));
    const { rows, invalidUtf8 } = await readAll(path);
    expect(rows.map(({ text }) => text)).toEqual([text.trim(), 'a\ufffd']);
    expect(invalidUtf8).toBe(1);
  });

  test('are repaired in tables', async () => {
    const csv = await folder.write('bad.csv', Buffer.from('text,label\n"caf\xe9, fine",1\n', 'latin1'));
    const jsonl = await folder.write('bad.jsonl', Buffer.from('{"text": "caf\xe9, fine", "label": 1}\n', 'latin1'));
    const { rows, invalidUtf8 } = await readAll([csv, jsonl], { needLabel: true });
    expect(rows).toEqual(Array(2).fill({ text: 'caf\ufffd, fine', label: '1' }));
    expect(invalidUtf8).toBe(2);
  });

  test('leave no temporary copy behind', async () => {
    const before = (await readdir(tmpdir())).filter((name) => name.startsWith('bertune-'));
    const records = await openRecords({
      files: [await folder.write('gone.txt', Buffer.from([0xff]))],
      flag: '--corpus',
    });
    const during = (await readdir(tmpdir())).filter((name) => name.startsWith('bertune-') && !before.includes(name));
    expect(during.length).toBeGreaterThan(0);
    await records.close();
    for (const name of during.filter((name) => !name.startsWith('bertune-test'))) {
      expect(existsSync(join(tmpdir(), name, 'repaired0'))).toBe(false);
    }
  });
});

describe('several files', () => {
  test('come in the given order, the matches of a glob and of a folder sorted', async () => {
    await mkdir(join(folder.path, 'logs/deep'), { recursive: true });
    await folder.write('logs/b.txt', 'b\n');
    await folder.write('logs/a.log', 'a\n');
    await folder.write('logs/empty.txt', '');
    await folder.write('logs/deep/c.txt.gz', 'c\n');
    await folder.write('logs/.hidden.txt', 'hidden\n');
    await folder.write('logs/README.md', 'not data\n');
    const logs = join(folder.path, 'logs');
    expect(await textsOf(logs)).toEqual(['a', 'b', 'c']);
    expect(await textsOf(`${logs}/*.txt`)).toEqual(['b']);
    expect(await textsOf(`${logs}/**/*.txt*`)).toEqual(['b', 'c']);
    expect(await textsOf([`${logs}/b.txt`, `SELECT 'q' AS text`, `${logs}/a.log`])).toEqual(['b', 'q', 'a']);
  });

  test('a file whose name looks like a glob is itself', async () => {
    expect(await textsOf(await folder.write('part[1].txt', 'literal\n'))).toEqual(['literal']);
  });

  test.each(['data[1]', 'data?', 'data*', '[data'])('%s is not the file that it matches as a glob', async (name) => {
    const format = { csv: 'text\n@\n', tsv: 'text\n@\n', txt: '@\n', jsonl: '{"text":"@"}', json: '[{"text":"@"}]' };
    await mkdir(join(folder.path, 'twins'), { recursive: true });
    for (const [ending, content] of Object.entries(format)) {
      await folder.write(`twins/data1.${ending}`, content.replace('@', 'another'));
      const path = await folder.write(`twins/${name}.${ending}`, content.replace('@', 'itself'));
      expect(await textsOf(path)).toEqual(['itself']);
    }
    await folder.writeParquet('twins/data1.parquet', "SELECT 'another' AS text");
    expect(await textsOf(await folder.writeParquet(`twins/${name}.parquet`, "SELECT 'itself' AS text"))).toEqual([
      'itself',
    ]);
  });

  test('may mix formats; lines of text need no column name', async () => {
    const csv = await folder.write('mix.csv', 'message,intent\nfrom csv,x\n');
    const jsonl = await folder.write('mix.jsonl', '{"intent":"y","message":"from jsonl"}\n');
    const txt = await folder.write('mix.txt', 'from txt\n');
    expect(await textsOf([txt, csv, jsonl])).toEqual(['from txt', 'from csv', 'from jsonl']);
  });

  test('need the same columns', async () => {
    const one = await folder.write('one.csv', 'message,intent\nm,x\n');
    const other = await folder.write('other.csv', 'body,intent\nm,x\n');
    await expect(textsOf([one, other])).rejects.toThrow(
      new UsageError(`--corpus ${other} has no column message (textColumn); it has: body, intent`),
    );
  });
});

describe('columns', () => {
  const choices: [header: string, row: string, text: string, label: string | undefined][] = [
    ['text,category', 'hello,7', 'hello', '7'],
    ['label,review', '1,很快', '很快', '1'],
    ['Sentiment,Sentence', 'good,fine', 'fine', 'good'],
    ['id,words,class', '3,hello,a', 'hello', 'a'],
    ['id,stars,body', '3,5,hello', 'hello', '5'],
    ['words', 'hello', 'hello', undefined],
  ];
  test.each(choices)('of %s are found', async (header, row, text, label) => {
    const path = await folder.write('found.csv', `${header}\n${row}\n`);
    const { rows } = await readAll(path, { needLabel: label !== undefined });
    expect(rows[0]).toMatchObject(label === undefined ? { text } : { text, label });
  });

  test('that are named are taken, in any case of letters', async () => {
    const path = await folder.write('named.csv', 'Id,Subject,Body,Thread,Team\nk1,s,b,t9,ops\n');
    const options = { textColumn: 'body', labelColumn: 'Team', groupColumn: 'thread' };
    expect((await readAll(path, options)).rows).toEqual([{ text: 'b', label: 'ops', group: 't9', id: 'k1' }]);
  });

  test('that differ in case alone are told apart', async () => {
    const content = { csv: 'Text,TEXT,TEXT\na,b,c\n', tsv: 'Text\tTEXT\tTEXT\na\tb\tc\n' };
    for (const [ending, text] of Object.entries(content)) {
      const path = await folder.write(`cases.${ending}`, text);
      expect((await readAll(path, { textColumn: 'Text' })).columns).toEqual(['Text', 'TEXT', 'TEXT_1']);
      for (const [name, value] of [
        ['Text', 'a'],
        ['TEXT', 'b'],
        ['TEXT_1', 'c'],
      ]) {
        expect(await textsOf(path, { textColumn: name })).toEqual([value]);
      }
      await expect(textsOf(path, { textColumn: 'text' })).rejects.toThrow(
        new UsageError(`--corpus ${path} has no column text (textColumn); it has: Text, TEXT, TEXT_1`),
      );
    }
  });

  test('that could be meant are listed', async () => {
    const path = await folder.write('data.csv', 'id,subject,body\n1,s,b\n');
    await expect(textsOf(path)).rejects.toThrow(
      new UsageError(
        `--corpus ${path} has no single text column; choose one with textColumn: id (whole numbers), subject, body`,
      ),
    );
    await expect(textsOf(path, { textColumn: 'message' })).rejects.toThrow(
      new UsageError(`--corpus ${path} has no column message (textColumn); it has: id, subject, body`),
    );
    await expect(readAll(path, { textColumn: 'body', labelColumn: 'intent' })).rejects.toThrow(
      new UsageError(`--corpus ${path} has no column intent (labelColumn); it has: id, subject, body`),
    );
    await expect(readAll(path, { textColumn: 'body', groupColumn: 'thread' })).rejects.toThrow(
      /no column thread \(groupColumn\)/,
    );
    const wide = await folder.write('wide.csv', 'text,a,b\nx,1,2\n');
    await expect(readAll(wide, { textColumn: 'text', labelColumn: 'text' })).rejects.toThrow(
      /column text is the text; choose another label/,
    );
    await expect(readAll(wide, { needLabel: true })).rejects.toThrow(
      new UsageError(
        `--corpus ${wide} has no single label column; choose one with labelColumn: text, a (whole numbers), b (whole numbers)`,
      ),
    );
    const txt = await folder.write('lines.txt', 'x\n');
    await expect(readAll(txt, { textColumn: 'message' })).rejects.toThrow(
      /has no column message \(textColumn\); it has: text/,
    );
    await expect(readAll(txt, { needLabel: true })).rejects.toThrow(/holds lines of text without labels; give a \.csv/);
  });

  test('are not guessed from a first line that is no header', async () => {
    const path = await folder.write('headless.csv', 'good movie,1\nbad movie,0\n');
    await expect(readAll(path, { needLabel: true })).rejects.toThrow(
      new UsageError(
        `--corpus ${path} has no single text column; choose one with textColumn: good movie, 1 (the first line has to be a header)`,
      ),
    );
  });

  test('keep what tells values apart: "01" from 1, a string id from a number', async () => {
    const csv = await folder.write('codes.csv', 'id,text,label\n007,a,01\n12345678901234567890,b,1\n8,c,1.5\n');
    expect((await readAll(csv, { needLabel: true })).rows).toEqual([
      { id: '007', text: 'a', label: '01' },
      { id: '12345678901234567890', text: 'b', label: '1' },
      { id: 8, text: 'c', label: '1.5' },
    ]);
    const jsonl = await folder.write(
      'codes.jsonl',
      '{"id":"7","text":"a","label":true}\n{"id":7,"text":5,"label":1.0}\n{"text":"c","label":"late"}\n',
    );
    expect((await readAll(jsonl, { needLabel: true })).rows).toEqual([
      { id: '7', text: 'a', label: 'true' },
      { id: 7, text: '5', label: '1' },
      { text: 'c', label: 'late' },
    ]);
    const query = "SELECT 9223372036854775807 AS id, 'a' AS text, true AS label, 2.00::DECIMAL(4,2) AS thread";
    expect((await readAll(query, { needLabel: true, labelColumn: 'label', groupColumn: 'thread' })).rows).toEqual([
      { id: '9223372036854775807', text: 'a', label: 'true', group: '2' },
    ]);
  });

  test('of a tab-separated file may hold lone quotes', async () => {
    const path = await folder.write(
      'raw.tsv',
      'label\tsentence\n0\t"open\n1\tclosed"\n1\t5" screen\n0\t"both" sides\n',
    );
    expect(await textsOf(path)).toEqual(['"open', 'closed"', '5" screen', '"both" sides']);
    const glued = await folder.write('glued.tsv', 'label\tsentence\n0\t"open\n1\tclosed"\n');
    expect(await textsOf(glued)).toEqual(['"open', 'closed"']);
  });
});

/** Texts, with all that is said of how they were read. */
async function told(path: string, notes: string[]): Promise<string[]> {
  return textsOf(path, { onNote: (line) => notes.push(String(line)) });
}

describe('a name that says another kind of file', () => {
  test.each([
    ['array.jsonl', '[{"text":"a"},\n{"text":"b"}]\n'],
    ['pretty.jsonl', '[\n  {"text":"a"},\n  {"text":"b"}\n]\n'],
    ['keyed.ndjson', '{\n  "rows": [{"text":"a"}, {"text":"b"}]\n}\n'],
  ])('%s is read as a JSON document, which is told', async (name, content) => {
    const path = await folder.write(name, content);
    const notes: string[] = [];
    expect(await told(path, notes)).toEqual(['a', 'b']);
    expect(notes[0]).toBe(`--corpus: ${path} is read as the JSON document that it is`);
  });

  test.each([
    ['commas.tsv', 'text,label\n"a, b",x\nc,y\n', ['a, b', 'c']],
    ['semicolons.tab', 'text;label\na, b;x\nc;y\n', ['a, b', 'c']],
  ])('%s without a tab is read by its own delimiter', async (name, content, texts) => {
    const path = await folder.write(name, content);
    const notes: string[] = [];
    expect(await told(path, notes)).toEqual(texts);
    expect(notes[0]).toContain('read as a .csv file, since it holds no tabs; text: text; left out: label');
  });

  test('a .tsv of texts alone may hold commas', async () => {
    const path = await folder.write('alone.tsv', 'text\na, b\nc\n');
    expect(await textsOf(path)).toEqual(['a, b', 'c']);
  });

  test.each([
    ['excel.txt', 'Text\tLabel\na\tx\n', '.tsv'],
    ['table.log', 'id,message\n1,a\n', '.csv'],
  ])('%s is lines of text, and told to look like a table', async (name, content, ending) => {
    const path = await folder.write(name, content);
    const notes: string[] = [];
    expect(await told(path, notes)).toHaveLength(2);
    expect(notes.join()).toMatch(
      /looks like a table \(.*\), and is read as lines of text; name it \.[ct]sv if it is one$/,
    );
    expect(notes.join()).toContain(`name it ${ending}`);
  });

  test('of many such files some are told and the rest counted', async () => {
    await mkdir(join(folder.path, 'many'));
    for (let i = 1; i <= 8; i++) await folder.write(`many/${i}.txt`, 'text\tlabel\na\tx\n');
    const notes: string[] = [];
    expect(await told(join(folder.path, 'many'), notes)).toHaveLength(16);
    expect(notes).toHaveLength(6);
    expect(notes[5]).toBe('--corpus: 3 more files are not what the name says');
  });

  test('lines of text with commas or tabs are no table', async () => {
    const path = await folder.write('prose.txt', 'Dear all, the text came\nlate,\tas ever\n');
    const notes: string[] = [];
    expect([await told(path, notes), notes]).toEqual([['Dear all, the text came', 'late,\tas ever'], []]);
  });
});

describe('what the names of folders say', () => {
  test('is a column beside Parquet files, and told where it is not read', async () => {
    await mkdir(join(folder.path, 'hive', 'label=x'), { recursive: true });
    const csv = await folder.write('hive/label=x/a.csv', 'text\na\n');
    const notes: string[] = [];
    expect(await told(csv, notes)).toEqual(['a']);
    expect(notes[0]).toBe(
      '--corpus: left out: what the names of folders say (label=…); it is read beside .parquet files alone',
    );
    const parquet = csv.replace('.csv', '.parquet');
    await runSql(`COPY (SELECT 'b' AS text) TO '${parquet}'`);
    expect((await readAll(parquet, { needLabel: true })).rows).toEqual([{ text: 'b', label: 'x' }]);
  });
});

describe('input that cannot be read', () => {
  const notRead = (name: string, content: string | Buffer, message: string, kind = BertuneError) =>
    test(`${name}: ${message}`, async () => {
      const path = await folder.write(name, content);
      await expect(readAll(path)).rejects.toThrow(new kind(message.replaceAll('FILE', path)));
    });

  notRead(
    'bad1.csv',
    'text,label\na,1\nb,2,3\n',
    '--corpus: FILE line 3 has 3 columns, the header has 2; put values that hold a delimiter in double quotes',
  );
  notRead(
    'bad2.csv',
    'text,label\na,1\n"b,2\nc,3\n',
    '--corpus: FILE line 3 has a quote that is not closed; inside a quoted value a quote has to be doubled',
  );
  notRead(
    'bad3.jsonl',
    '{"text":"a"}\n{"text":"b"\n',
    `--corpus: FILE line 2 is not JSON: Expected ',' or '}' after property value in JSON at position 11`,
  );
  const quotes = 'put values that hold a delimiter in double quotes';
  notRead(
    'rownames.csv',
    'text,label\n1,a,x\n2,b,y\n',
    `--corpus: FILE line 2 has 3 columns, the header has 2; ${quotes}, or give the first column a name in the header if it holds names of rows`,
  );
  notRead(
    'report.csv',
    'Report of May\n\ntext,label\na,1\n',
    `--corpus: FILE line 3 has 2 columns, the header has 1; ${quotes}, and remove what stands above the header`,
  );
  notRead(
    'python.jsonl',
    '{"text":"a","score":NaN}\n',
    '--corpus: FILE line 1 is not JSON: it holds NaN, for which JSON has no word; write null',
  );
  notRead(
    'python.json',
    '[{"text":"a","score":Infinity}]',
    '--corpus: cannot read FILE: it holds Infinity, for which JSON has no word; write null',
  );
  notRead('bad4.jsonl.gz', '{"text":"a"}\n\n[1]\n', '--corpus: FILE line 3 is not a JSON object');
  notRead(
    'bad5.jsonl',
    '{"text":"\\udc80"}\n',
    '--corpus: FILE line 1 escapes half of a surrogate pair (\\ud800 to \\udfff), which is no character',
  );
  notRead('bad6.parquet', 'PAR1 not at all', "--corpus: cannot read FILE: No magic bytes found at end of file 'FILE'");
  notRead('empty.txt', '', '--corpus: FILE is empty');
  notRead('blank.csv', ' \n\r\n', '--corpus: FILE is empty');
  notRead('empty.parquet', '', '--corpus: FILE is empty');
  notRead('empty.jsonl.gz', '', '--corpus: FILE is empty');
  notRead(
    'notes.docx',
    'x',
    '--corpus: cannot tell the format of FILE; known are .txt, .text, .log, .md, .markdown, .csv, .psv, .tsv, .tab, .jsonl, .ndjson, .json (each also .gz), .parquet, .xlsx',
    UsageError,
  );
  notRead(
    'table.parquet.gz',
    'x',
    '--corpus: cannot tell the format of FILE; known are .txt, .text, .log, .md, .markdown, .csv, .psv, .tsv, .tab, .jsonl, .ndjson, .json (each also .gz), .parquet, .xlsx',
    UsageError,
  );

  test('far into a file is told with its line, after the rows before it', async () => {
    // More than any buffer holds, so the failure comes in the middle of the stream.
    const text = 'padding '.repeat(40);
    const lines = Array.from({ length: 60_000 }, (_, index) => `${index},"${text}"`);
    lines[50_000] = '50000,a,b';
    const csv = await folder.write('far.csv', `id,text\n${lines.join('\n')}\n`);
    await expect(readAll(csv)).rejects.toThrow(`--corpus: ${csv} line 50002 has 3 columns`);
    for (const broken of ['{"text":', '[1]', '"text"']) {
      const jsonLines = lines.map((_, index) => (index === 50_000 ? broken : `{"text":"${text}"}`));
      const path = await folder.write('far.jsonl', jsonLines.join('\n'));
      await expect(readAll(path)).rejects.toThrow(`--corpus: ${path} line 50001 is not`);
    }
    const query =
      "SELECT CASE WHEN i = 900000 THEN error('late') ELSE 'text ' || i END AS text FROM range(1000000) t(i)";
    await expect(readAll(query)).rejects.toThrow('the query for --corpus: Invalid Input Error: late');
  });

  test('gzip that is cut', async () => {
    const whole = gzipSync('a line of text\n'.repeat(1000));
    const path = await folder.write('cut.txt', whole.subarray(0, whole.length - 20));
    const { rename } = await import('node:fs/promises');
    await rename(path, `${path}.gz`);
    await expect(readAll(`${path}.gz`)).rejects.toThrow(
      new BertuneError(`--corpus: ${path}.gz is not a whole gzip file (unexpected end of file)`),
    );
  });

  needing('named pipes').test('pipes, which cannot be read twice', async () => {
    const path = join(folder.path, 'pipe.txt');
    execFileSync('mkfifo', [path]);
    const message = `--corpus: ${path} is a pipe; give it to standard input or write it to a file`;
    await expect(textsOf(path)).rejects.toThrow(new UsageError(message));
    await rm(path);
  });

  test('paths and globs without a file', async () => {
    await expect(readAll('logs/x.txt')).rejects.toThrow(new UsageError('--corpus: no file at logs/x.txt'));
    const glob = join(folder.path, '*.nothing');
    await expect(readAll(glob)).rejects.toThrow(new UsageError(`--corpus: no file matches ${glob}`));
    await mkdir(join(folder.path, 'hollow'));
    await expect(readAll(join(folder.path, 'hollow'))).rejects.toThrow(
      /the folder .*hollow has no file ending in \.txt, /,
    );
    await expect(readAll([])).rejects.toThrow(new UsageError('--corpus: no file given'));
  });

  test.each([
    [
      'SELECT nope FROM (SELECT 1 AS text)',
      /^the query for --corpus: Binder Error: Referenced column "nope" not found.*$/,
    ],
    ['SELECT text FROM', /^the query for --corpus: Parser Error: syntax error at .*$/],
    ["FROM 'nofile.csv'", /^the query for --corpus: IO Error: No files found that match the pattern "nofile.csv"$/],
    ["SELECT error('boom') AS text", /^the query for --corpus: Invalid Input Error: boom$/],
  ])('query %s', async (query, message) => {
    const failure: unknown = await readAll(query).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect((failure as Error).message).toMatch(message);
  });
});
