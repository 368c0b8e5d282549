import { readFileSync } from 'node:fs';
import { cp, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { alone, type Collective, ofEach, onFirst } from '../core/collective.ts';
import { BertuneError, messageOf, UsageError } from '../core/errors.ts';
import { type Message, say } from '../core/message.ts';
import type { RemoteObject } from '../remote/objects.ts';
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
 * the tokenizer, and every setting that matters. Of several processes the first one looks and keeps.
 *
 * @param cache where it is kept; not at all without it, nor when it cannot be told whether it changed: a query's rows,
 *   files that are none
 * @param folder where it goes when it is not kept
 */
export async function cachedCorpus(
  options: TokenizingOptions,
  cache: string | undefined,
  folder: string,
): Promise<CachedCorpus> {
  const { collective = alone } = options;
  const isAsked = cache !== undefined || collective.size > 1;
  const sources = isAsked ? await identified(options.records, () => options.onProgress?.(0)) : undefined;
  const isSame = await checkSame(collective, options.records, sources);
  let begun: Begun = { folder };
  const earlier = await onFirst(collective, async () => {
    const looked = cache === undefined || !sources ? begun : await lookedUp(options, sources, cache, folder);
    if ('found' in looked) return looked;
    begun = looked;
    return undefined;
  });
  if (earlier) return earlier;
  try {
    const alike = isSame ? options : { ...options, collective: alone };
    const tokenized = isSame || collective.rank === 0 ? await tokenizeCorpus(alike, begun.folder) : nothing;
    return await onFirst(collective, () => kept(begun, options, tokenized, folder));
  } finally {
    // Nothing is there any more when it became an entry.
    if (begun.entry) await rm(begun.folder, { recursive: true, force: true });
  }
}

/**
 * Whether all processes are sure to read the same.
 *
 * @returns false where that cannot be told, as of a query: then one of them reads for all
 * @throws UsageError, in all of them, when one reads something else
 */
async function checkSame(
  collective: Collective,
  { flag }: RecordsOptions,
  sources: Identified | undefined,
): Promise<boolean> {
  if (collective.size === 1) return true;
  const digest = sources ? sha256(JSON.stringify(sources.contents)) : undefined;
  const all = await ofEach(collective, { host: hostname(), digest });
  if (all.some((each) => each.digest === undefined)) return false;
  const other = all.findIndex((each) => each.digest !== all[0]?.digest);
  if (other < 0) return true;
  throw new UsageError(
    say`${flag}: process ${other} on ${all[other]?.host} reads other files than process 0 on ${all[0]?.host}; give all of them the same`,
  );
}

/** What a process has of a corpus that another one tokenizes: the first one tells it. */
const nothing: TokenizedCorpus = {
  counts: { texts: 0, tokens: 0, skipped: 0, split: 0, invalidUtf8: 0 },
  ...{ digest: '', grouped: false },
};

/** A corpus that is going to be tokenized. */
interface Begun {
  /** Where to. */
  readonly folder: string;
  /** The entry that it becomes; absent where it is not to be kept. */
  readonly entry?: {
    readonly entries: CacheFolder<TokenizedCorpus>;
    readonly key: string;
    /** What tells whether the files changed. */
    readonly stamps: string;
  };
  /** Why it cannot be kept. */
  readonly failure?: string;
}

async function lookedUp(
  options: TokenizingOptions,
  sources: Identified,
  cache: string,
  folder: string,
): Promise<CachedCorpus | Begun> {
  const onRead = () => options.onProgress?.(0);
  const key = keyOf(options, sources.contents);
  const entries = new CacheFolder<TokenizedCorpus>(join(cache, 'tokens'), mostBytes, format);
  const found = await entries.find(key, onRead);
  if (found) {
    for (const line of sources.notes) options.records.onNote?.(line, 'files');
    return { folder: found.folder, tokenized: found.value, found: true };
  }
  try {
    return { folder: await entries.begin(key), entry: { entries, key, stamps: sources.stamps } };
  } catch (error) {
    return { folder, failure: messageOf(error) };
  }
}

async function kept(
  { folder: written, entry, failure }: Begun,
  options: TokenizingOptions,
  tokenized: TokenizedCorpus,
  folder: string,
): Promise<CachedCorpus> {
  if (!entry) return { folder, tokenized, found: false, failure };
  if ((await stampsOf(options.records))?.stamps === entry.stamps) {
    return { folder: (await entry.entries.finish(entry.key, written, tokenized)).folder, tokenized, found: false };
  }
  await cp(written, folder, { recursive: true });
  return { folder, tokenized, found: false, failure: 'its files changed while they were read' };
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
interface Identified {
  readonly contents: readonly string[];
  readonly stamps: string;
  readonly notes: readonly Message[];
}

/** Undefined for a query, or what is no file. */
async function identified(records: RecordsOptions, onRead: () => void): Promise<Identified | undefined> {
  const before = await stampsOf(records);
  if (!before) return undefined;
  const contents: string[] = [];
  for (const source of before.found.sources) {
    if (source.kind !== 'file') return undefined;
    if (source.remote) {
      contents.push(JSON.stringify([source.format, source.gzip, ...stampOf(source.remote)]));
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

/**
 * What tells whether an object is the same as before. A day of change does not tell apart what differs after the `?` of an
 * address, which an ETag does, whatever signature stands there.
 */
function stampOf({ scheme, address, name, bytes, version }: RemoteObject): (string | number | undefined)[] {
  const isTold = scheme !== 'https' || version?.startsWith('"') === true;
  return [name, bytes, version, ...(isTold ? [] : [sha256(address)])];
}

/** What tells whether files change; undefined where nothing does, as of queries. */
export async function stampsOf({ files, flag }: Pick<RecordsOptions, 'files' | 'flag'>): Promise<Stamped | undefined> {
  const found = await findSources(files, flag, { glob });
  const stamps: unknown[] = [];
  for (const source of found.sources) {
    if (source.kind !== 'file') return undefined;
    if (source.remote) {
      // Nothing tells whether it is the same as before.
      if (source.remote.version === undefined) return undefined;
      stamps.push(stampOf(source.remote).join());
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
