import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  DamagedDocumentError,
  type DocumentFormat,
  NewerFormatError,
  parseDocument,
  readDocument,
  versionOf,
  writeDocument,
} from '../../src/core/document.ts';
import { UsageError } from '../../src/core/errors.ts';
import { temporaryFolder } from '../temporary.ts';

interface Box {
  readonly size: { readonly width: number; readonly height: number };
  readonly names: readonly string[];
}

/** Version 1 had a width alone, version 2 a size; version 3 has several names. */
const format: DocumentFormat<Box> = {
  schema: z.object({ size: z.object({ width: z.number(), height: z.number() }), names: z.array(z.string()) }),
  migrations: [
    ({ width, ...rest }) => ({ ...rest, size: { width, height: width } }),
    ({ name, ...rest }) => ({ ...rest, names: [name] }),
  ],
};
const parse = (content: unknown, of: DocumentFormat<Box> = format) =>
  parseDocument(JSON.stringify(content), 'a.json', of);
const size = { width: 2, height: 3 };

describe('a document', () => {
  test('says its version first, and is read again', async () => {
    const file = join(temporaryFolder(), 'box.json');
    expect(readDocument(file, format)).toBeUndefined();
    expect(readDocument(join(file, 'below'), format)).toBeUndefined();
    await writeDocument(file, format, { size, names: ['a', 'b'] });
    expect(versionOf(format)).toBe(3);
    expect(readFileSync(file, 'utf8')).toMatch(/^\{\n {2}"format": 3,\n {2}"size"/);
    expect(readDocument(file, format)).toEqual({ size, names: ['a', 'b'] });
    expect(readDocument(join(file, 'below'), format)).toBeUndefined();
  });

  test('of each older version is brought up to date, step by step', () => {
    const expected = { size: { width: 2, height: 2 }, names: ['a'] };
    expect(parse({ width: 2, name: 'a' })).toEqual(expected);
    expect(parse({ format: 1, width: 2, name: 'a' })).toEqual(expected);
    expect(parse({ format: 2, size, name: 'a' })).toEqual({ size, names: ['a'] });
    // What version 3 writes is not migrated once more.
    expect(parse({ format: 3, size, names: ['a'], name: 'b' })).toEqual({ size, names: ['a'] });
  });

  test('of a version whose migration was dropped is told from a newer one', () => {
    const late = { ...format, oldest: 2, migrations: format.migrations.slice(1) };
    expect(versionOf(late)).toBe(3);
    expect(parse({ format: 2, size, name: 'a' }, late)).toEqual({ size, names: ['a'] });
    expect(() => parse({ width: 2, name: 'a' }, late)).toThrow(
      new UsageError(
        'a.json was written by a version of bertune too old to be read (format 1; this one reads from 2); make it anew',
      ),
    );
  });

  test('of a newer version is refused by name, whatever it holds', () => {
    const refused = () => parse({ format: 4, anything: true });
    expect(refused).toThrow(NewerFormatError);
    expect(refused).toThrow(
      'a.json was written by a newer version of bertune (format 4; this one reads up to 3); update bertune',
    );
    const named = { ...format, versionKey: 'bertune_format' };
    expect(() => parse({ bertune_format: 4 }, named)).toThrow('(format 4; this one reads up to 3)');
    expect(parse({ bertune_format: 3, format: 4, size, names: [] }, named)).toEqual({ size, names: [] });
  });

  test.each([
    ['{"size"', 'it is no JSON object'],
    ['', 'it is no JSON object'],
    ['[1]', 'it is no JSON object'],
    ['null', 'it is no JSON object'],
    ['{"format": "3"}', 'format is "3", not a whole number from 1'],
    ['{"format": 0}', 'format is 0, not a whole number from 1'],
    ['{"format": 2.5}', 'format is 2.5, not a whole number from 1'],
    ['{"format": null}', 'format is null, not a whole number from 1'],
    ['{"format": 3, "names": []}', 'size is missing'],
    ['{"format": 3, "size": {"width": 1}, "names": []}', 'size.height is missing'],
    [
      '{"format": 3, "size": {"width": 1, "height": 2}, "names": [1]}',
      'names.0 cannot be used (Invalid input: expected string, received number)',
    ],
  ])('that cannot be used, %s, is told by file and key', (text, reason) => {
    const read = () => parseDocument(text, 'a.json', format);
    expect(read).toThrow(DamagedDocumentError);
    expect(read).toThrow(`a.json is damaged: ${reason}`);
  });

  test('that is something else is recognized before it is checked, and after a newer version is refused', () => {
    const strict: DocumentFormat<Box> = {
      ...format,
      recognize: ({ kind }) => {
        if (kind !== 'box') throw new UsageError('no box');
      },
    };
    expect(() => parse({ kind: 'bag' }, strict)).toThrow('no box');
    expect(() => parse({ kind: 'bag', format: 9 }, strict)).toThrow(NewerFormatError);
    expect(() => parse({ kind: 'box' }, strict)).toThrow('size.width is missing');
  });

  test('that is a folder is not taken for none', () => {
    const folder = join(temporaryFolder(), 'box.json');
    mkdirSync(folder);
    expect(() => readDocument(folder, format)).toThrow('it is a folder, not a file');
    writeFileSync(join(folder, 'inside.json'), '{}');
    expect(() => readDocument(join(folder, 'inside.json'), format)).toThrow(DamagedDocumentError);
  });
});
