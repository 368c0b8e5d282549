import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BertuneError, UsageError } from '../../src/core/errors.ts';
import {
  makeFolder,
  makeFolders,
  temporaryFolder as ownFolder,
  readError,
  removeFolder,
  writeFileAtomic,
} from '../../src/core/files.ts';
import { needing } from '../needs.ts';
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

  needing('a full disk').test('says in one line that the disk is full', async () => {
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

  it('gives the first folder that it made, with the permissions asked for', () => {
    const path = temporaryFolder();
    expect(makeFolders(join(path, 'a', 'b', 'c'), 0o700)).toBe(join(path, 'a'));
    expect(makeFolders(join(path, 'a', 'b', 'c'))).toBeUndefined();
    expect(statSync(join(path, 'a')).mode & 0o777).toBe(0o700);
  });

  needing('proc').test('comes to an end where there can be no folders', async () => {
    await expect(makeFolder('/proc/none/deep')).rejects.toThrow(
      new UsageError('/proc/none/deep cannot be made: choose another folder'),
    );
  });
});

describe('temporary folders', () => {
  it('go when they are removed, and leave no listener behind', () => {
    const listeners = process.listenerCount('exit');
    const folders = [ownFolder(), ownFolder()];
    expect(process.listenerCount('exit')).toBe(listeners + 1);
    for (const folder of folders) {
      writeFileSync(join(folder, 'text'), 'private');
      removeFolder(folder);
      expect(existsSync(folder)).toBe(false);
    }
    expect(process.listenerCount('exit')).toBe(listeners);
  });

  it('need a place', () => {
    const before = process.env.TMPDIR;
    process.env.TMPDIR = '/nonexistent';
    try {
      expect(() => ownFolder()).toThrow(
        new UsageError(
          'no place for temporary files: /nonexistent cannot be written: its folder does not exist; set TMPDIR to a folder that can be written to',
        ),
      );
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    }
  });
});

describe('readError', () => {
  it('says in one line why a file or folder cannot be read', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'sub'));
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const errorOf = (work: Promise<unknown>) => work.then(() => undefined).catch((error: unknown) => error);
    const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    expect([
      readError('a', await errorOf(readFile(join(folder, 'sub')))),
      readError('b', await errorOf(readFile(join(folder, 'none')))),
      readError('c', await errorOf(readdir(join(file, 'below')))),
      readError('d', denied),
    ]).toEqual([
      new UsageError('a cannot be read: it is a folder, not a file'),
      new UsageError('b does not exist'),
      new UsageError('c does not exist: a file stands where a folder is named'),
      new UsageError('d cannot be read: no permission; allow it, or choose another'),
    ]);
    const own = new Error('of nobody else');
    expect(readError('e', own)).toBe(own);
  });
});
