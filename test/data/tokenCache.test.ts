import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { cacheFolder } from '../../src/core/cachePath.ts';
import { InterruptedError } from '../../src/core/errors.ts';
import { CacheFolder } from '../../src/data/cacheFolder.ts';
import { type Corpus, type CorpusOptions, prepareCorpus } from '../../src/data/corpus.ts';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import { contentOfFolder } from '../folders.ts';
import { temporaryFolder } from '../temporary.ts';

const tokenizer = loadTokenizer(join(import.meta.dirname, '../fixtures/tokenizer/uncased'));
/** No two alike but for a few, of 1 to some 40 tokens. */
const texts = Array.from({ length: 400 }, (_, i) => {
  const letters = [...(i % 390).toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26)));
  return `${letters.join(' ')} ${'server '.repeat((i % 390) % 40)}`.trim();
});

let folder = '';
let cache = '';
let file = '';
beforeEach(() => {
  folder = temporaryFolder();
  cache = join(folder, 'cache');
  file = write('corpus.txt', texts);
});

function write(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

interface Changed extends Omit<Partial<CorpusOptions>, 'records'> {
  readonly records?: Partial<CorpusOptions['records']>;
}

async function prepare({ records, ...changed }: Changed = {}): Promise<Corpus> {
  const corpus = await prepareCorpus({
    records: { files: [file], flag: '--corpus', ...records },
    tokenizer,
    mostTokens: 20,
    folder: join(folder, 'work'),
    cache,
    heldOutFraction: 0.1,
    heldOutLimit: 1000,
    seed: 1,
    ...changed,
  });
  onTestFinished(() => corpus.close());
  return corpus;
}

function contentOf(corpus: Corpus) {
  const { store, heldOut, excluded, counts, digest, textHashes } = corpus;
  const sequences = Array.from({ length: store.length }, (_, i) => store.read(i));
  return { sequences, heldOut, excluded, counts, digest, hashes: [...textHashes.values()] };
}

const entries = () => readdirSync(join(cache, 'tokens')).sort();
const entryFile = (name: string) => join(cache, 'tokens', entries()[0] ?? '', name);

describe('a tokenized corpus', () => {
  it('is taken from an earlier run, whatever is held out now', async () => {
    const [first, again, otherSeed] = [await prepare(), await prepare(), await prepare({ seed: 2 })];
    expect([first, again, otherSeed].map(({ fromCache }) => fromCache)).toEqual([false, true, true]);
    const anew = contentOf(await prepare({ cache: undefined }));
    expect(anew.counts.texts).toBe(400);
    expect(anew.counts.split).toBeGreaterThan(100);
    expect(anew.counts.heldOut).toBeGreaterThan(20);
    expect(anew.counts.repeated).toBeGreaterThan(0);
    expect(contentOf(first)).toEqual(anew);
    expect(contentOf(again)).toEqual(anew);
    expect(contentOf(otherSeed)).toEqual(contentOf(await prepare({ cache: undefined, seed: 2 })));
    expect(entries()).toHaveLength(1);
    expect(entries()[0]).toMatch(/^[0-9a-f]{64}$/);
  });

  it('keeps the groups', async () => {
    const rows = texts.map((text, i) => ({ text, ticket: i % 7 === 0 ? null : `t${Math.floor(i / 9)}` }));
    file = write(
      'corpus.jsonl',
      rows.map((row) => JSON.stringify(row)),
    );
    const grouped = { records: { groupColumn: 'ticket' } };
    const anew = contentOf(await prepare({ ...grouped, cache: undefined }));
    await prepare(grouped);
    const again = await prepare(grouped);
    expect(again.fromCache).toBe(true);
    expect(contentOf(again)).toEqual(anew);
    expect(contentOf(await prepare()).heldOut).not.toEqual(anew.heldOut);
  });

  it('may lie elsewhere under another name, but not hold anything else', async () => {
    await prepare();
    const copy = write('copy.log', texts);
    expect((await prepare({ records: { files: [copy] } })).fromCache).toBe(true);
    writeFileSync(file, readFileSync(file, 'utf8').replace('server', 'serves'));
    expect((await prepare()).fromCache).toBe(false);
    expect((await prepare()).fromCache).toBe(true);
  });

  it.each<[string, () => Changed]>([
    ['the length of a sequence', () => ({ mostTokens: 19 })],
    ['the overlap', () => ({ overlap: 2 })],
    ['the limit', () => ({ records: { limit: 100 } })],
    ['a further file', () => ({ records: { files: [file, write('more.txt', ['refund'])] } })],
    ['the order of the files', () => ({ records: { files: [write('first.txt', ['refund']), file] } })],
    ['the tokenizer', () => ({ tokenizer: loadTokenizer(join(import.meta.dirname, '../fixtures/tokenizer/cased')) })],
    ['the format', () => ({ records: { files: [write('corpus.csv', texts)], textColumn: texts[0] } })],
  ])('is tokenized anew after a change of %s', async (_, change) => {
    await prepare();
    expect((await prepare(change())).fromCache).toBe(false);
    expect((await prepare(change())).fromCache).toBe(true);
    expect((await prepare()).fromCache).toBe(true);
  });

  it('is tokenized anew when a glob finds a further file', async () => {
    const records = { files: [join(folder, '*.txt')] };
    await prepare({ records });
    expect((await prepare({ records })).fromCache).toBe(true);
    write('z.txt', ['refund']);
    const { fromCache, counts } = await prepare({ records });
    expect(fromCache).toBe(false);
    expect(counts.texts).toBe(401);
  });

  it('of a query is not kept: nobody knows whether its rows changed', async () => {
    const records = { files: [`SELECT column0 AS text FROM read_csv('${file}', header = false)`] };
    for (let i = 0; i < 2; i++) expect((await prepare({ records })).fromCache).toBe(false);
    expect(() => entries()).toThrow('ENOENT');
  });

  it('is not kept when its file grows while it is read', async () => {
    const corpus = await prepare({
      onProgress: (done) => {
        if (done > 0) appendFileSync(file, 'one more\n');
      },
    });
    expect(corpus.cacheFailure).toBe('its files changed while they were read');
    expect(corpus.counts.texts).toBe(400);
    expect(corpus.store.read(0).ids.length).toBeGreaterThan(0);
    expect(entries()).toEqual([]);
  });

  it.each<[string, (path: string) => void]>([
    ['cut off', (path) => truncateSync(path, 8)],
    [
      'changed in a byte',
      (path) =>
        writeFileSync(
          path,
          readFileSync(path).map((byte, i) => (i === 5 ? byte ^ 1 : byte)),
        ),
    ],
    ['gone', (path) => execFileSync('rm', [path])],
  ])('is made again when a file of it is %s', async (_, damage) => {
    const { digest } = await prepare();
    for (const name of [
      'tokens.bin',
      'starts.bin',
      'index.bin',
      'store.json',
      'texts.bin',
      'pieces.bin',
      'entry.json',
    ]) {
      damage(entryFile(name));
      const again = await prepare();
      expect([name, again.fromCache, again.digest]).toEqual([name, false, digest]);
      expect((await prepare()).fromCache).toBe(true);
    }
    expect(entries()).toHaveLength(1);
  });

  it('of a newer version is left as it is, and one that can be read is made beside it', async () => {
    const { digest } = await prepare();
    const [entry = ''] = entries();
    for (const newer of ['{"format":99}', '{"format":1,"contentVersion":99,"value":1,"files":[]}']) {
      writeFileSync(entryFile('entry.json'), `${newer}\nunknown`);
      const before = contentOfFolder(join(cache, 'tokens', entry));
      for (const fromCache of [false, true, true]) {
        expect(await prepare()).toMatchObject({ fromCache, digest });
        expect(contentOfFolder(join(cache, 'tokens', entry))).toEqual(before);
      }
      expect(entries()).toEqual([entry, `${entry}.1.2`]);
      execFileSync('rm', ['-r', join(cache, 'tokens', `${entry}.1.2`)]);
    }
  });

  it('outlives the cache as long as it is open', async () => {
    const corpus = await prepare();
    const before = contentOf(corpus);
    execFileSync('rm', ['-r', cache]);
    expect(contentOf(corpus)).toEqual(before);
  });

  it('goes to its own folder where the cache cannot be written', async () => {
    writeFileSync(cache, 'a file');
    const { cacheFailure, counts } = await prepare();
    expect(cacheFailure).toContain('ENOTDIR');
    expect(counts.texts).toBe(400);
  });

  it('of two runs at once is one entry', async () => {
    const both = await Promise.all([prepare(), prepare({ folder: join(folder, 'other') })]);
    expect(contentOf(both[0])).toEqual(contentOf(both[1]));
    expect(entries()).toHaveLength(1);
  });

  it('leaves nothing when the run is stopped or has no text', async () => {
    const stop = () => {
      throw new InterruptedError('stopped');
    };
    await expect(prepare({ onProgress: stop })).rejects.toThrow('stopped');
    await expect(prepare({ onProgress: (done) => done > 0 && stop() })).rejects.toThrow('stopped');
    expect(entries()).toEqual([]);
    await prepare();
    await expect(prepare({ onProgress: stop })).rejects.toThrow('stopped');
    expect(entries()).toHaveLength(1);
    file = write('none.txt', ['[MASK]']);
    await expect(prepare()).rejects.toThrow('--corpus has no token that may be masked');
    expect(entries()).toHaveLength(1);
  });
});

describe('the folder of the cache', () => {
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

  async function add(entries: CacheFolder<number>, key: string, bytes: number): Promise<void> {
    const made = await entries.begin(key);
    writeFileSync(join(made, 'data'), Buffer.alloc(bytes));
    await entries.finish(key, made, bytes);
  }

  function age(key: string, days: number): void {
    for (const name of readdirSync(join(cache, key))) utimesSync(join(cache, key, name), daysAgo(days), daysAgo(days));
  }

  it('drops what was not used for longest when it is full', async () => {
    const entries = new CacheFolder<number>(cache, 4000);
    for (const [key, days] of Object.entries({ a: 4, b: 3, c: 2 })) {
      await add(entries, key, 1000);
      age(key, days);
    }
    expect((await entries.find('a'))?.value).toBe(1000);
    await add(entries, 'd', 1000);
    expect(readdirSync(cache).sort()).toEqual(['a', 'c', 'd']);
    // Larger than all that there is room for; those just used stay all the same.
    await add(entries, 'e', 5000);
    expect(readdirSync(cache).sort()).toEqual(['a', 'd', 'e']);
    expect(await entries.find('b')).toBeUndefined();
  });

  it('neither drops nor counts what a newer version keeps there, and what it does not know', async () => {
    const entries = new CacheFolder<number>(cache, 2500);
    for (const [name, record] of [
      ['newer', '{"format":99}'],
      ['newerContent', '{"format":1,"contentVersion":2}'],
      ['other', undefined],
      ['.other', undefined],
    ] as const) {
      mkdirSync(join(cache, name), { recursive: true });
      writeFileSync(join(cache, name, 'data'), Buffer.alloc(5000));
      if (record) writeFileSync(join(cache, name, 'entry.json'), record);
      age(name, 90);
    }
    writeFileSync(join(cache, 'notes.txt'), 'of the user');
    const before = contentOfFolder(cache);
    for (const [key, days] of Object.entries({ a: 4, b: 3, c: 2 })) {
      await add(entries, key, 1000);
      age(key, days);
    }
    const after = Object.entries(contentOfFolder(cache)).filter(([name]) => !/^[abc]\//.test(name));
    expect(Object.fromEntries(after)).toEqual(before);
    // Two of ours fit.
    expect(readdirSync(cache).filter((name) => name.length === 1)).toEqual(['b', 'c']);
  });

  it('drops what killed processes left, a day later', async () => {
    const entries = new CacheFolder<number>(cache, 4000);
    for (const [name, days] of [
      ['.x.1-1', 2],
      ['.y.2-1', 0.5],
    ] as const) {
      mkdirSync(join(cache, name), { recursive: true });
      writeFileSync(join(cache, name, 'data'), 'half');
      age(name, days);
    }
    await add(entries, 'a', 10);
    expect(readdirSync(cache).sort()).toEqual(['.y.2-1', 'a']);
  });

  afterEach(() => vi.unstubAllEnvs());

  it('is the one asked for, else that of the environment, else that of the user', () => {
    vi.stubEnv('BERTUNE_CACHE', '/own');
    vi.stubEnv('XDG_CACHE_HOME', '/shared');
    expect(cacheFolder('/asked')).toBe('/asked');
    expect(cacheFolder(false)).toBeUndefined();
    expect(cacheFolder()).toBe('/own');
    vi.stubEnv('BERTUNE_CACHE', '');
    expect(cacheFolder()).toBe('/shared/bertune');
    vi.stubEnv('XDG_CACHE_HOME', '');
    expect(cacheFolder()).toBe(join(homedir(), '.cache', 'bertune'));
  });
});
