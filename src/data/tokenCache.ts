import { readFileSync } from 'node:fs';
import { cp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BertuneError, messageOf } from '../core/errors.ts';
import type { Message } from '../core/message.ts';
import { CacheFolder, digestOfFile, sha256 } from './cacheFolder.ts';
import type { RecordsOptions } from './records.ts';
import { type FoundSources, findSources } from './source.ts';
import { type TokenizedCorpus, type TokenizingOptions, tokenizeCorpus } from './tokenizedCorpus.ts';

/** Most bytes of all tokenized corpora together that are kept. */
const mostBytes = 20e9;
/** Changes with what is in the files of a tokenized corpus, or how it comes about. */
const format = 2;

export interface CachedCorpus {
  readonly folder: string;
  readonly tokenized: TokenizedCorpus;
  /** Whether it was there. */
  readonly found: boolean;
  /** Why it could not be kept. */
  readonly failure?: string;
}

/**
 * A corpus as an earlier run tokenized it, or tokenized now and kept for the next: under a key of what the files hold,
 * the tokenizer, and every setting that matters.
 *
 * @param folder where it goes when it cannot be kept
 * @returns undefined when it cannot be told whether it changed: a query's rows, files that are none
 */
export async function cachedCorpus(
  options: TokenizingOptions,
  cache: string,
  folder: string,
): Promise<CachedCorpus | undefined> {
  const onRead = () => options.onProgress?.(0);
  const sources = await identified(options.records, onRead);
  if (!sources) return undefined;
  const key = keyOf(options, sources.contents);
  const entries = new CacheFolder<TokenizedCorpus>(join(cache, 'tokens'), mostBytes, format);
  const found = await entries.find(key, onRead);
  if (found) {
    for (const line of sources.notes) options.records.onNote?.(line, 'files');
    return { folder: found.folder, tokenized: found.value, found: true };
  }
  let beside: string;
  try {
    beside = await entries.begin(key);
  } catch (error) {
    return { folder, tokenized: await tokenizeCorpus(options, folder), found: false, failure: messageOf(error) };
  }
  try {
    const tokenized = await tokenizeCorpus(options, beside);
    if ((await stampsOf(options.records))?.stamps === sources.stamps) {
      return { folder: (await entries.finish(key, beside, tokenized)).folder, tokenized, found: false };
    }
    await cp(beside, folder, { recursive: true });
    return { folder, tokenized, found: false, failure: 'its files changed while they were read' };
  } finally {
    // Nothing is there any more when it became an entry.
    await rm(beside, { recursive: true, force: true });
  }
}

function keyOf(
  { records, tokenizer, mostTokens, overlap = 0 }: TokenizingOptions,
  contents: readonly string[],
): string {
  const { textColumn, labelColumn, groupColumn, limit } = records;
  const settings = { textColumn, labelColumn, groupColumn, limit, mostTokens, overlap };
  const files = [...tokenizer.files()].sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(JSON.stringify([format, versions(), settings, files, contents]));
}

/** What tokenizes and computes: this package with its dependencies, and Node's knowledge of characters and Chinese words. */
export function versions(): object {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version, dependencies }: { version: string; dependencies: object } = JSON.parse(manifest);
  return { version, dependencies, unicode: process.versions.unicode, icu: process.versions.icu };
}

interface Stamped {
  readonly found: FoundSources;
  /** Changes when a file is written to or exchanged, one comes or one goes. */
  readonly stamps: string;
}

/** The content of every file, and what tells whether it changes while it is read. */
async function identified(
  records: RecordsOptions,
  onRead: () => void,
): Promise<{ contents: string[]; stamps: string; notes: readonly Message[] } | undefined> {
  const before = await stampsOf(records);
  if (!before) return undefined;
  const contents: string[] = [];
  for (const source of before.found.sources) {
    if (source.kind !== 'file') return undefined;
    if (source.remote) {
      const { name, bytes, version } = source.remote;
      contents.push(JSON.stringify([source.format, source.gzip, name, bytes, version]));
      continue;
    }
    try {
      contents.push(`${source.format} ${source.gzip} ${await digestOfFile(source.path, onRead)}`);
    } catch (error) {
      if (error instanceof BertuneError) throw error;
      // Who reads it next says what is wrong with it.
      return undefined;
    }
  }
  return { contents, stamps: before.stamps, notes: before.found.notes };
}

/** What tells whether files change; undefined where nothing does, as of queries. */
export async function stampsOf({ files, flag }: Pick<RecordsOptions, 'files' | 'flag'>): Promise<Stamped | undefined> {
  const found = await findSources(files, flag, { glob });
  const stamps: unknown[] = [];
  for (const source of found.sources) {
    if (source.kind !== 'file') return undefined;
    if (source.remote) {
      const { name, bytes, version } = source.remote;
      // Nothing tells whether it is the same as before.
      if (version === undefined) return undefined;
      stamps.push([name, bytes, version].join());
      continue;
    }
    const file = await stat(source.path, { bigint: true }).catch(() => undefined);
    if (!file?.isFile()) return undefined;
    stamps.push([source.path, file.dev, file.ino, file.size, file.mtimeNs, file.ctimeNs].join());
  }
  return { found, stamps: JSON.stringify(stamps) };
}

async function glob(pattern: string): Promise<string[]> {
  const { Database } = await import('./duckdb.ts');
  const database = await Database.open();
  try {
    return await database.glob(pattern);
  } finally {
    await database.close();
  }
}
