import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { randomBelow, randomBits } from '../../src/core/random.ts';
import { builtCommand } from '../cli/build.ts';
import { saveTinyModel } from '../jobs/tiny.ts';
import { temporaryFolder } from '../temporary.ts';

/** Threads run the built package alone, so what is tested here runs in processes of its own. */
const script = `
  const { root, tokenizerFolder, broken, ...options } = JSON.parse(process.argv[1]);
  const { prepareCorpus } = await import(root + 'data/corpus.js');
  const { loadTokenizer } = await import(root + 'text/tokenizer.js');
  const loaded = loadTokenizer(tokenizerFolder);
  const tokenizer = broken ? { ...loaded, files: () => new Map() } : loaded;
  let most = 0;
  const onProgress = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    most = Math.max(most, heapUsed + arrayBuffers);
  };
  try {
    const corpus = await prepareCorpus({ ...options, tokenizer, onProgress });
    const { digest, counts, store } = corpus;
    let read = 0;
    for (let i = 0; i < store.length; i++) read += store.read((i * 7919) % store.length).ids.length;
    console.log(JSON.stringify({ digest, counts, read, mostMegabytes: most / 2 ** 20 }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.name + ': ' + error.message }));
  }
`;

const uncased = join(import.meta.dirname, '../fixtures/tokenizer/uncased');
let root = '';
let folder = '';
beforeAll(async () => {
  root = `${pathToFileURL(join(await builtCommand(), '../..')).href}/`;
  folder = temporaryFolder();
});

interface Outcome {
  readonly digest?: string;
  readonly counts?: { readonly texts: number; readonly tokens: number };
  readonly read?: number;
  readonly mostMegabytes?: number;
  readonly error?: string;
}

async function prepare(options: object, flags: readonly string[] = []): Promise<Outcome> {
  const all = {
    ...{ root, tokenizerFolder: uncased, mostTokens: 20, heldOutFraction: 0.1, heldOutLimit: 500, seed: 3 },
    ...options,
  };
  const words = [...flags, '--input-type=module', '-e', script, JSON.stringify(all)];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  return JSON.parse(output);
}

const vocabulary = [
  'order',
  'parcel',
  'refund',
  'invoice',
  'kamelodu',
  'café',
  '中国人',
  'x7',
  'ΣΑΣ',
  '[MASK]',
  '\u{1f600}',
];

/** Texts of very different lengths, some empty and some of special tokens alone. */
function mixedText(i: number): string {
  const length = randomBelow(100, 5, 'sample', i) === 0 ? 3000 : randomBelow(20, 5, 'sample', i, 1);
  return Array.from({ length }, (_, at) => vocabulary[randomBelow(vocabulary.length, 6, 'sample', i, at)]).join(' ');
}

function digests(path: string): Record<string, string> {
  const digest = (name: string) =>
    createHash('sha256')
      .update(readFileSync(join(path, name)))
      .digest('hex');
  return Object.fromEntries(readdirSync(path).map((name) => [name, digest(name)]));
}

/** Lines of drawn words, some 75 characters each. */
function writeLines(path: string, megabytes: number): void {
  const bits = new Uint32Array(4);
  const lines: string[] = [];
  for (let i = 0, size = 0; size < megabytes * 1e6; i++) {
    const words: (string | undefined)[] = [];
    for (let at = 0; at < 3; at++) {
      randomBits(8, 'sample', i, at, 0, bits);
      for (const drawn of bits) words.push(vocabulary[drawn % 4]);
    }
    lines.push(`${words.join(' ')} ${i}`);
    size += (lines.at(-1) ?? '').length + 1;
  }
  writeFileSync(path, `${lines.join('\n')}\n`);
}

describe('tokenizing in threads', () => {
  it('writes the same bytes whatever their number', async () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => ({
      text: mixedText(i),
      group: i % 3 ? `g${i % 997}` : null,
    }));
    const file = join(folder, 'mixed.jsonl');
    writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const records = { files: [file], flag: '--corpus', textColumn: 'text', groupColumn: 'group' };
    const made = [];
    for (const threads of [1, 2, 3]) {
      const store = join(folder, `store${threads}`);
      const { digest, counts, read } = await prepare({ records, overlap: 4, threads, folder: store });
      made.push({ digest, counts, read, files: digests(store) });
    }
    expect(Object.keys(made[0]?.files ?? {}).sort()).toEqual([
      'groups.bin',
      'index.bin',
      'pieces.bin',
      'starts.bin',
      'store.json',
      'texts.bin',
      'tokens.bin',
    ]);
    expect(made[0]?.counts).toMatchObject({ invalidUtf8: 0, heldOut: expect.any(Number) });
    expect(made[0]?.read).toBe(made[0]?.counts?.tokens);
    expect(made[1]).toEqual(made[0]);
    expect(made[2]).toEqual(made[0]);
  });

  it('takes no more memory for a larger corpus', async () => {
    const file = join(folder, 'large.txt');
    writeLines(file, 24);
    const { counts, read, mostMegabytes } = await prepare(
      { records: { files: [file], flag: '--corpus' }, threads: 2, folder: join(folder, 'large') },
      ['--max-old-space-size=40'],
    );
    expect(counts?.tokens).toBeGreaterThan(4e6);
    expect(read).toBe(counts?.tokens);
    // The text alone is as large; its strings, tokens and hashes would be several times that.
    expect(mostMegabytes).toBeLessThan(64);
  });

  it('says in one line what went wrong in one', async () => {
    const records = { files: [join(folder, 'large.txt')], flag: '--corpus' };
    expect(await prepare({ records, threads: 2, broken: true, folder: join(folder, 'broken') })).toEqual({
      error:
        'BertuneError: a tokenizing thread failed: no tokenizer in the tokenizer: expected tokenizer.json or vocab.txt; run again with threads 1',
    });
  });

  it('stops at Ctrl-C and leaves nothing behind', async () => {
    await saveTinyModel(join(folder, 'tiny'));
    const words = `adapt --model tiny --corpus large.txt --output run --cache cache --threads 2 --max-steps 1`.split(
      ' ',
    );
    const child = spawn(process.execPath, [await builtCommand(), ...words], { cwd: folder });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk);
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    // More than what is tokenized without threads has been written then.
    const written = setInterval(() => {
      const [entry = ''] = filesIn(join(folder, 'cache', 'tokens'));
      const sizes = filesIn(join(folder, 'cache', 'tokens', entry)).includes('tokens.bin')
        ? readFileSync(join(folder, 'cache', 'tokens', entry, 'tokens.bin')).length
        : 0;
      if (sizes < 1e6) return;
      clearInterval(written);
      child.kill('SIGINT');
    }, 20);
    const code = await ended;
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(
      'error: stopped before the first step; there was nothing to save yet',
    );
    expect(code).toBe(130);
    expect(readdirSync(join(folder, 'cache', 'tokens'))).toEqual([]);
    expect(readdirSync(folder)).not.toContain('run');
  });
});

function filesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
