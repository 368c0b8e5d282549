import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BertuneError } from '../../src/core/errors.ts';
import { encodingOf } from '../../src/data/encoding.ts';
import { readAll, runSql, TestFolder } from './files.ts';

const folder = new TestFolder();
beforeAll(() => folder.create());
afterAll(() => folder.remove());

function utf32(text: string, isLittle: boolean): Buffer {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const bytes = Buffer.alloc(4 * codes.length);
  for (const [i, code] of codes.entries()) {
    if (isLittle) bytes.writeUInt32LE(code, 4 * i);
    else bytes.writeUInt32BE(code, 4 * i);
  }
  return bytes;
}

const encodings: [name: string, bytes: (text: string) => Buffer][] = [
  ['UTF-16LE', (text) => Buffer.from(text, 'utf16le')],
  ['UTF-16BE', (text) => Buffer.from(text, 'utf16le').swap16()],
  ['UTF-32LE', (text) => utf32(text, true)],
  ['UTF-32BE', (text) => utf32(text, false)],
];

const texts = {
  English: ['the parcel was great', 'the shop was awful'],
  French: ['le café était fermé', 'où est mon colis ?'],
  Russian: ['привет, как дела сегодня', 'посылка не пришла'],
  Greek: ['το δέμα δεν ήρθε', 'πού είναι'],
  Arabic: ['أين طردي', 'لم يصل بعد'],
  Hindi: ['मेरा पार्सल कहाँ है', 'अभी तक नहीं आया'],
  Chinese: ['我的包裹在哪里', '今天 还没有到'],
  'of signs beyond 16 bits': ['a 😀 and a 𝒳', '𠀀 here'],
};

describe.each(encodings)('%s', (name, bytes) => {
  test.each(Object.entries(texts))('%s', async (_, lines) => {
    const text = `${lines.join('\r\n')}\r\n`;
    const marked = await readAll(await folder.write('marked.txt', bytes(`\ufeff${text}`)));
    expect(marked).toMatchObject({ rows: lines.map((line) => ({ text: line })), invalidUtf8: 0, notes: [] });
    const path = await folder.write('bare.txt', bytes(text));
    const bare = await readAll(path);
    expect(bare.rows.map((row) => row.text)).toEqual(lines);
    expect(bare.notes).toEqual([`--corpus: ${path} is read as ${name}, without a byte order mark that says so`]);
  });

  test('in tables and in JSON', async () => {
    const rows = [{ text: 'le café, fermé', label: 'a' }];
    const csv = await folder.write('table.csv', bytes('\ufefftext,label\n"le café, fermé",a\n'));
    const jsonl = await folder.write('lines.jsonl', bytes(`\ufeff${JSON.stringify(rows[0])}\n`));
    const tsv = await folder.write('table.tsv.gz', bytes('\ufefftext\tlabel\nle café, fermé\ta\n'));
    for (const path of [csv, jsonl, tsv]) expect((await readAll(path, { needLabel: true })).rows).toEqual(rows);
  });

  test('that ends within a character', async () => {
    const whole = bytes('\ufeffone\ntwo\n');
    const { rows, invalidUtf8 } = await readAll(await folder.write('cut.txt', whole.subarray(0, whole.length - 1)));
    expect(rows.map(({ text }) => text)).toEqual(['one', 'two\ufffd']);
    expect(invalidUtf8).toBe(1);
  });
});

describe('zero bytes', () => {
  test('in UTF-8 are refused with their line', async () => {
    for (const name of ['holes.txt', 'holes.csv', 'holes.log.gz']) {
      const path = await folder.write(name, 'text\nfirst\nwith a \0 in it\nlast\n');
      const message = `--corpus: ${path} is no text as it stands: line 3 holds zero bytes; save it as UTF-8, or remove them (tr -d '\\000')`;
      await expect(readAll(path)).rejects.toThrow(new BertuneError(message));
    }
  });

  test('far into a file are found as well', async () => {
    const path = await folder.write('far.txt', `${'a line\n'.repeat(200_000)}\0\n`);
    await expect(readAll(path)).rejects.toThrow('line 200001 holds zero bytes');
  });

  test('of a program that calls itself text', async () => {
    const path = await folder.write('bytes.txt', Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 37) % 256)));
    await expect(readAll(path)).rejects.toThrow('is no text as it stands');
  });

  test.each(['a\0b\n', 'text,label\nab\0c,d\n', '\0\0\0\0'])('are no UTF-16 in %j', (text) => {
    expect(encodingOf(Buffer.from(text))).toEqual({ encoding: 'utf-8', isMarked: false });
  });
});

describe('another kind of file under the name of text', () => {
  const refused: [name: string, content: string | Buffer, message: string][] = [
    ['zip.csv', Buffer.from(`PK\x03\x04${'\0'.repeat(26)}base.csv`), 'is a zip archive; unpack it: unzip'],
    [
      'sheet.csv',
      Buffer.from(`PK\x03\x04${'\0'.repeat(26)}[Content_Types].xml`),
      'is an Excel or Word file of today; name a workbook .xlsx, and save a document as plain text in UTF-8',
    ],
    ['old.csv', Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'is an old Excel or Word file; save it as .csv in UTF-8'],
    ['zstd.txt', Buffer.from('28b52ffd0400', 'hex'), 'is packed with zstd; unpack it: zstd -d'],
    ['xz.jsonl', Buffer.from('fd377a585a000004', 'hex'), 'is packed with xz; unpack it: xz -d'],
    ['bzip2.txt', Buffer.from('BZh91AY&SY'), 'is packed with bzip2; unpack it: bunzip2'],
    ['page.csv', '\n<!DOCTYPE html>\n<html>', 'is a web page; get the file itself, not a page about it'],
    [
      'pointer.jsonl',
      'version https://git-lfs.github.com/spec/v1\noid sha256:00\n',
      'is the pointer that Git LFS keeps in place of a file; fetch the file itself: git lfs pull',
    ],
    ['twice.txt.gz', gzipSync('text'), 'has gzip inside of gzip; unpack it once'],
    ['table.parquet', 'text\na\n', 'is no Parquet file: it does not start as one; give it its own ending'],
  ];
  test.each(refused)('%s', async (name, content, message) => {
    const path = await folder.write(name, content);
    await expect(readAll(path)).rejects.toThrow(new BertuneError(`--corpus: ${path} ${message}`));
  });

  test('tar in gzip', async () => {
    const header = Buffer.alloc(512);
    header.write('ustar', 257);
    const path = await folder.write('archive.log.gz', header);
    await expect(readAll(path)).rejects.toThrow(`${path} is a tar archive; unpack it: tar -xf`);
  });

  test('gzip and Parquet are read, and told', async () => {
    const packed = await folder.write('packed.csv', gzipSync('text\na\n'));
    const table = await folder.write('table.csv', '');
    await runSql(`COPY (SELECT 'b' AS text) TO '${table}' (FORMAT parquet)`);
    const plain = `${await folder.write('plain.csv', 'text\nc\n')}`;
    const { rows, notes } = await readAll([packed, table, plain]);
    expect(rows.map(({ text }) => text)).toEqual(['a', 'b', 'c']);
    expect(notes).toEqual([
      `--corpus: ${packed} is gzip, and unpacked`,
      `--corpus: ${table} is read as the Parquet file that it is`,
    ]);
  });

  test('text under the name of gzip', async () => {
    const { rename } = await import('node:fs/promises');
    const path = await folder.write('plain.txt', 'not packed\n');
    await rename(path, `${path}.gz`);
    const { rows, notes } = await readAll(`${path}.gz`);
    expect(rows).toEqual([{ text: 'not packed' }]);
    expect(notes).toEqual([`--corpus: ${path}.gz is no gzip file, and read as it is`]);
  });

  test.each([
    ['extra fields', 0x04, Buffer.from([2, 0, 65, 66])],
    ['a comment', 0x10, Buffer.from('of a person\0')],
    ['a checksum', 0x02, undefined],
  ])('gzip whose header has %s', async (_, flag, field) => {
    const packed = gzipSync('text\na\n');
    const start = Buffer.from(packed.subarray(0, 10));
    start[3] = flag;
    // CRC-16 of a header: the lower half of its CRC-32.
    const checksum = Buffer.alloc(2);
    checksum.writeUInt16LE(crc32(start) & 0xffff);
    const bytes = Buffer.concat([start, field ?? checksum, packed.subarray(10)]);
    const path = await folder.write('header.csv', bytes);
    expect((await readAll(path)).rows).toEqual([{ text: 'a' }]);
  });
});

describe('what would fill memory or disks', () => {
  /** Small on disk: members of gzip one after the other are one file. */
  const packed = (name: string, content: string, times: number) =>
    folder.write(name, Buffer.concat(Array<Buffer>(times).fill(gzipSync(content.repeat((16 << 20) / content.length)))));

  test('a line of more than 250 MB', async () => {
    const path = await packed('line.txt', 'abcdefgh', 17);
    await expect(readAll(path)).rejects.toThrow(
      new BertuneError(`--corpus: ${path} has a line of more than 250 MB; put each text on a line of its own`),
    );
  });

  test('a file that unpacks to more than 500 times its size', async () => {
    const path = await packed('bomb.csv', 'a\n', 66);
    await expect(readAll(path)).rejects.toThrow(/bomb\.csv unpacks to more than 500 times its size; check where/);
  });

  test('JSON nested as deep as it likes is read or refused', async () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const path = await folder.write('deep.jsonl', `{"text":"a","x":${nested(200_000)}}\n{"text":"b"}\n`);
    expect((await readAll(path)).rows).toEqual([{ text: 'a' }, { text: 'b' }]);
    const lists = await folder.write('deep.json', nested(200_000));
    await expect(readAll(lists)).rejects.toThrow(BertuneError);
  });
});

describe('text in an encoding of one byte', () => {
  test('of which most is lost is refused', async () => {
    const words = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i % 7 === 0 ? 0x20 : 0xe0 + (i % 32))));
    const path = await folder.write('cp1251.txt', words);
    await expect(readAll(path)).rejects.toThrow(
      `--corpus: ${path} is not UTF-8: 86% of its bytes cannot be read as such; convert it from its own encoding, as with iconv -f WINDOWS-1251 -t UTF-8`,
    );
  });

  test('of which little is lost is read with U+FFFD', async () => {
    const path = await folder.write('latin1.txt', Buffer.from('le café était fermé\n'.repeat(100), 'latin1'));
    const { rows, invalidUtf8 } = await readAll(path);
    expect(rows[0]).toEqual({ text: 'le caf\ufffd \ufffdtait ferm\ufffd' });
    expect(invalidUtf8).toBe(300);
  });
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
