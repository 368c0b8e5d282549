import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BertuneError, UsageError } from '../../src/core/errors.ts';
import { makeFolder, writeFileAtomic } from '../../src/core/files.ts';
import { temporaryFolder } from '../temporary.ts';

describe('writeFileAtomic', () => {
  it('writes text, bytes and pieces, and leaves nothing beside', async () => {
    const path = temporaryFolder();
    await writeFileAtomic(join(path, 'text'), 'ä');
    await writeFileAtomic(join(path, 'bytes'), new Uint8Array([1, 2]));
    await writeFileAtomic(join(path, 'pieces'), async (file) => {
      await file.writeFile('one ');
      await file.writeFile('two');
    });
    expect(readdirSync(path).sort()).toEqual(['bytes', 'pieces', 'text']);
    expect(readFileSync(join(path, 'text'), 'utf8')).toBe('ä');
    expect([...readFileSync(join(path, 'bytes'))]).toEqual([1, 2]);
    expect(readFileSync(join(path, 'pieces'), 'utf8')).toBe('one two');
  });

  it('keeps the old content when writing fails', async () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, 'old');
    const failing = writeFileAtomic(path, async (file) => {
      await file.writeFile('half');
      throw new Error('stopped');
    });
    await expect(failing).rejects.toThrow('stopped');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(join(path, '..'))).toEqual(['file']);
  });

  it.skipIf(!existsSync('/dev/full'))('says in one line that the disk is full', async () => {
    const path = join(temporaryFolder(), 'file');
    const failing = writeFileAtomic(path, async () => {
      const full = await open('/dev/full', 'w');
      await full.writeFile('more').finally(() => full.close());
    });
    await expect(failing).rejects.toThrow(
      new BertuneError(`no space left on the disk of ${path}: free some and run again`),
    );
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it('names a place that cannot be written to', async () => {
    const path = join(temporaryFolder(), 'missing', 'file');
    await expect(writeFileAtomic(path, '')).rejects.toThrow(
      new UsageError(`${path} cannot be written: its folder does not exist`),
    );
  });
});

describe('makeFolder', () => {
  it('makes nested folders, and refuses when a file is in the way', async () => {
    const path = temporaryFolder();
    await makeFolder(join(path, 'a', 'b'));
    await makeFolder(join(path, 'a', 'b'));
    writeFileSync(join(path, 'a', 'b', 'c'), '');
    expect(readdirSync(join(path, 'a'))).toEqual(['b']);
    for (const blocked of [join(path, 'a', 'b', 'c'), join(path, 'a', 'b', 'c', 'd')]) {
      await expect(makeFolder(blocked)).rejects.toThrow(
        new UsageError(`${blocked} cannot be made: a file is in the way`),
      );
    }
  });
});
