import { writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BertuneError } from '../../src/core/errors.ts';
import { readAll, TestFolder, textsOf } from './files.ts';

const folder = new TestFolder();
beforeAll(() => folder.create());
afterAll(() => folder.remove());

describe('line ends of a delimited file', () => {
  const labeled = [
    { text: 'a\nb', label: 'x' },
    { text: 'say "no"\r\n', label: 'y' },
    { text: 'c', label: 'x' },
  ];
  const lines = ['text,label', '"a\nb",x', '"say ""no""\r\n",y', 'c,x'];
  const ends: [name: string, ends: string[]][] = [
    ['\\n', ['\n', '\n', '\n', '\n']],
    ['\\r\\n', ['\r\n', '\r\n', '\r\n', '\r\n']],
    ['both', ['\r\n', '\n', '\r\n', '']],
    ['both, the other first', ['\n', '\r\n', '\n', '\r\n']],
  ];
  test.each(ends)('%s', async (_, between) => {
    const content = lines.map((line, i) => `${line}${between[i]}`).join('');
    for (const [name, written] of Object.entries({
      csv: content,
      'csv.gz': content,
      tsv: content.replaceAll(',', '\t'),
    })) {
      const path = await folder.write(`ends.${name}`, written);
      expect((await readAll(path, { needLabel: true })).rows).toEqual(labeled);
    }
  });

  test('all of them \\r', async () => {
    expect(await textsOf(await folder.write('mac.csv', 'text,label\ra b,x\rc,y\r'))).toEqual(['a b', 'c']);
  });

  test('a lone \\r amid others is refused by its line', async () => {
    const path = await folder.write('lone.csv', 'text,label\nfine,x\nthe parcel\rwas great,x\n');
    await expect(readAll(path)).rejects.toThrow(
      new BertuneError(
        `--corpus: ${path} line 3 has a carriage return amid lines that end otherwise; put the value that holds it in double quotes`,
      ),
    );
    expect(await textsOf(await folder.write('lone.csv', 'text,label\nfine,x\n"the parcel\rwas great",x\n'))).toEqual([
      'fine',
      'the parcel\rwas great',
    ]);
  });

  test('are found wherever a chunk ends', async () => {
    const rows = Array.from({ length: 100_000 }, (_, i) => `text ${i} "${'z'.repeat(i % 37)}`);
    const content = `text\r\n${rows.map((row, i) => `"${row.replaceAll('"', '""')}"${i % 3 ? '\r\n' : '\n'}`).join('')}`;
    expect(content.length).toBeGreaterThan(3 << 20);
    expect(await textsOf(await folder.write('long.csv', content))).toEqual(rows);
  });
});

test('gzip headers may hold a comment, extra fields, a name and a checksum', async () => {
  const plain = await folder.write('plain.csv.gz', 'text\na line\n');
  const { readFile } = await import('node:fs/promises');
  const bytes = await readFile(plain);
  const fields: [flag: number, field: Buffer][] = [
    [4, Buffer.from([3, 0, 1, 2, 3])],
    [8, Buffer.from('name.csv\0')],
    [16, Buffer.from('a comment\0')],
  ];
  for (const chosen of [[], [fields[0]], [fields[1]], [fields[2]], fields]) {
    for (const isChecked of [false, true]) {
      const header = Buffer.from(bytes.subarray(0, 10));
      header[3] = chosen.reduce((flags, field) => flags | (field?.[0] ?? 0), isChecked ? 2 : 0);
      const head = Buffer.concat([header, ...chosen.flatMap((field) => (field ? [field[1]] : []))]);
      const checksum = Buffer.alloc(2);
      checksum.writeUInt16LE(crc32(head) & 0xffff);
      writeFileSync(plain, Buffer.concat([head, ...(isChecked ? [checksum] : []), bytes.subarray(10)]));
      expect(await textsOf(plain)).toEqual(['a line']);
    }
  }
});

test('a name that begins with ~ is a file of this folder', async () => {
  await folder.write('~x.csv', 'text\na line\n');
  const before = process.cwd();
  process.chdir(folder.path);
  try {
    expect(await textsOf('~x.csv')).toEqual(['a line']);
  } finally {
    process.chdir(before);
  }
});
