import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BertuneError, UsageError } from '../../src/core/errors.ts';
import { formatOfName } from '../../src/data/fileNames.ts';
import { readAll, textsOf } from './files.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bertune-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Writes files below the folder: lines of text, or bytes. */
async function write(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

describe('the format that a name says', () => {
  test.each([
    'app.log',
    'app.log.1',
    'app.log.12',
    'app.log-20240101',
    'app.log_20240101',
    'app.log.2024-01-01',
    'app.log.2024-01-01-10',
    'app.log.2024-01-01T10:00:00',
    'app.log-20240101-1704067200',
    'app.log.1704067200',
    'app.log.2024-01-01.1',
    'app.log.old',
    'APP.LOG.1',
    'NOTES.TXT',
    'notes.text',
    'notes.md',
    'notes-2024.txt',
    'v1.2.txt',
  ])('%s is lines of text', (name) => {
    expect(formatOfName(name)).toEqual({ format: 'text', gzip: false });
    expect(formatOfName(`${name}.gz`)).toEqual({ format: 'text', gzip: true });
  });

  test.each([
    ['export.csv.1', 'csv', false],
    ['export.csv.gz.1', 'csv', true],
    ['Export.CSV', 'csv', false],
    ['data.psv', 'csv', false],
    ['data.tab', 'tsv', false],
    ['events.jsonl-20240101.gz', 'jsonl', true],
    ['part-00000.snappy.parquet', 'parquet', false],
    ['a/b.c/syslog', undefined, false],
    ['syslog.1', undefined, false],
    ['syslog.2.gz', undefined, true],
    ['part-00000', undefined, false],
    ['103118', undefined, false],
  ])('%s: %s', (name, format, gzip) => {
    expect(formatOfName(name)).toEqual({ format, gzip });
  });

  test.each([
    'a.pdf',
    'a.csv.zip',
    'a.txt.bak',
    'a.txt~',
    '#a.txt#',
    'table.csv.old',
    'a.tar.gz',
    'a.parquet.gz',
    'a.jsonl.zst',
  ])('%s is of none that is read', (name) => {
    expect(formatOfName(name)).toBeUndefined();
  });
});

describe('a folder', () => {
  test('gives its rotated files, in the order of their names', async () => {
    await write({
      'app.log': 'today\n',
      'app.log.1': 'yesterday\n',
      'app.log.2.gz': gzipSync('the day before\n'),
      'app.log-20240101': 'long ago\n',
      'more.text': 'another ending\n',
      'UPPER.TXT': 'upper case\n',
    });
    const { rows, notes } = await readAll(folder);
    expect(rows.map(({ text }) => text)).toEqual([
      'upper case',
      'today',
      'long ago',
      'yesterday',
      'the day before',
      'another ending',
    ]);
    expect(notes).toEqual([]);
  });

  test('counts what it leaves out, by kind', async () => {
    await write({
      'a.txt': 'text\n',
      'b.pdf': 'x',
      'deep/c.PDF': 'x',
      'd.docx': 'x',
      'e.txt.zst': 'x',
      'f.txt~': 'x',
      '.a.txt.swp': 'x',
      'Thumbs.db': 'x',
      '.DS_Store': 'x',
      'README.md': 'about the others\n',
    });
    const { rows, notes } = await readAll(folder);
    expect(rows.map(({ text }) => text)).toEqual(['text']);
    expect(notes).toEqual([
      `--corpus ${folder}: left out: 2 .pdf, 1 .docx, 1 .txt.zst, 1 README.md, 1 backup copy, 1 hidden`,
    ]);
  });

  test('reads files without an ending as lines of text, where they are text', async () => {
    await write({
      'talk/103118': 'a message\n',
      'talk/103119.gz': gzipSync('a packed one\n'),
      'talk/utf16': Buffer.from('\ufeffa wide one\n', 'utf16le'),
      'talk/program': Buffer.from('7f454c4602010100', 'hex'),
      'talk/image': Buffer.from([0x01, 0x00, 0x02, 0xff]),
    });
    const { rows, notes } = await readAll(folder);
    expect(rows.map(({ text }) => text)).toEqual(['a message', 'a packed one', 'a wide one']);
    expect(notes).toEqual([
      `--corpus ${folder}: 3 files without an ending read as lines of text; left out: 2 without an ending`,
    ]);
  });

  test('leaves prose beside tables out, which explains them', async () => {
    await write({ 'train.csv': 'text\nfrom the table\n', 'about.md': '# Data\n', LICENSE: 'free\n', notes: 'x\n' });
    const { rows, notes } = await readAll(folder);
    expect(rows.map(({ text }) => text)).toEqual(['from the table']);
    expect(notes).toEqual([`--corpus ${folder}: left out: 1 LICENSE, 1 about.md, 1 notes`]);
  });

  test('without a file that can be read says what it holds', async () => {
    await write({ 'a.pdf': 'x', 'b.docx': 'x' });
    const wanted = new RegExp(`^--corpus: the folder ${folder} has no file ending in .*; left out: 1 .docx, 1 .pdf$`);
    await expect(readAll(folder)).rejects.toThrow(wanted);
  });

  test('is followed through links, each file once and without end', async () => {
    await write({ 'data/a.txt': 'a\n', 'elsewhere/deep/b.txt': 'b\n', 'c.txt': 'c\n' });
    const link = (target: string, name: string) => symlink(target, join(folder, 'data', name));
    await link('../elsewhere', 'linked');
    await link('../c.txt', 'c-linked.txt');
    await link('a.txt', 'A-first.txt');
    await link('..', 'up');
    await link('.', 'itself');
    await link('nowhere.txt', 'broken.txt');
    await link('loop.txt', 'loop.txt');
    const data = join(folder, 'data');
    const { rows, notes } = await readAll(data);
    // Through `up`, the folder that holds all of them: what it leads to is read already.
    expect(rows.map(({ text }) => text).sort()).toEqual(['a', 'b', 'c']);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain('links to nothing');
    expect(notes[0]).toContain('links to folders above');
  });
});

describe('a glob', () => {
  test('leaves out what it matches but cannot be read, and tells', async () => {
    await write({ 'a.txt': 'a\n', 'b.log.1': 'b\n', 'c.pdf': 'x', 'd.xls': 'x' });
    const { rows, notes } = await readAll(`${folder}/*`);
    expect(rows.map(({ text }) => text)).toEqual(['a', 'b']);
    expect(notes).toEqual([`--corpus ${folder}/*: left out: 1 .pdf, 1 .xls`]);
    await expect(readAll(`${folder}/*.pdf`)).rejects.toThrow(/matches no file ending in .*; left out: 1 \.pdf$/);
  });

  test('follows links to files', async () => {
    await write({ 'real/a.txt': 'a\n', 'logs/b.txt': 'b\n' });
    await symlink('../real/a.txt', join(folder, 'logs/a.txt'));
    expect(await textsOf(`${folder}/logs/*.txt`)).toEqual(['a', 'b']);
  });
});

describe('one file', () => {
  test('that is known by what it holds is refused with what to do', async () => {
    await write({
      'a.zip': Buffer.from('PK\x03\x04'),
      'b.txt.zst': Buffer.from('28b52ffd00', 'hex'),
      'c.pdf': '%PDF-1',
    });
    const told: [string, string][] = [
      ['a.zip', 'is a zip archive; unpack it: unzip'],
      ['b.txt.zst', 'is packed with zstd; unpack it: zstd -d'],
      ['c.pdf', 'is a PDF; extract its text'],
    ];
    for (const [name, message] of told) {
      await expect(readAll(join(folder, name))).rejects.toThrow(
        new BertuneError(`--corpus: ${join(folder, name)} ${message}`),
      );
    }
    await write({ 'd.xyz': 'text' });
    await expect(readAll(join(folder, 'd.xyz'))).rejects.toThrow(UsageError);
  });
});
