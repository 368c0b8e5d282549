import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../core/errors.ts';
import { removeFolder, temporaryFolder } from '../core/files.ts';
import { say, setting } from '../core/message.ts';
import { digestOfFile, sha256 } from '../data/cacheFolder.ts';
import { databaseSource } from '../data/databaseSource.ts';
import { Database } from '../data/duckdb.ts';
import { openPartFile, type PartHeader, writePart } from '../data/partFile.ts';
import type { CellValue, FileColumn } from '../data/rowFile.ts';
import { typeName } from '../data/rowTypes.ts';
import { isQuery } from '../data/source.ts';
import { stampsOf, versions } from '../data/tokenCache.ts';
import { schemeOf } from '../remote/address.ts';
import { fetchObject, findObject } from '../remote/objects.ts';
import type { FoundModel } from './findModel.ts';
import { note } from './note.ts';
import type { Shard } from './shards.ts';
import type { DataOptions, JobHooks } from './types.ts';

/** What a part is made of. */
export interface Work {
  readonly job: string;
  readonly output: string;
  readonly shard: Shard;
  readonly input: DataOptions;
  readonly model: FoundModel;
  /** Those that change what is written. */
  readonly settings: object;
}

/** A part that is to be written. */
export interface ShardedOutput {
  /** Hears each row of the input, those of other parts, too: its text and what else of it is kept. */
  onRow(text: string, kept: readonly CellValue[]): void;
  /** @returns the number of rows */
  write(columns: readonly FileColumn[], rows: AsyncIterable<readonly (readonly CellValue[])[]>): Promise<number>;
}

/** The name of a part file: what joins them looks for it. */
export function partName(output: string, { index, of }: Shard): string {
  return `${output}.part-${index}-of-${of}`;
}

/**
 * Begins a part, unless it is there and whole: then its rows are counted.
 *
 * @throws UsageError where the order of the rows is not told, so that parts might repeat some
 */
export async function beginPart(work: Work, hooks: JobHooks): Promise<ShardedOutput | number> {
  const { job, output, shard, input } = work;
  checkOrder(input);
  const path = partName(output, shard);
  const [made, sources] = [await digestOfWork(work), await digestOfSources(input)];
  const before = await headerOf(path);
  const isSameWork = before?.work === made && before.job === job;
  if (isSameWork && sources !== undefined && before.sources === sources) {
    note(hooks, say`${path} is there already, whole and of the same work: kept`);
    return before.rows;
  }
  if (isSameWork && sources === undefined) {
    note(hooks, say`${path} is there already, but nothing tells whether ${setting('input')} changed: it is made anew`);
  } else if (before) note(hooks, say`${path} is of other data, another model or other settings: it is made anew`);
  const read = createHash('sha256');
  let total = 0;
  return {
    onRow(text, kept) {
      total++;
      read.update(JSON.stringify([text, kept], exactly)).update('\n');
    },
    async write(columns, rows) {
      const names = columns.map(({ name }) => name);
      // What a value was read as matters where it is written.
      const digest = () =>
        read
          .copy()
          .update(columns.map(({ type }) => typeName(type)).join())
          .digest('hex');
      const header = await writePart(path, columns, rows, (count) => ({
        ...{ job, ...shard, work: made, sources, input: digest(), total, rows: count, columns: names },
      }));
      return header.rows;
    },
  };
}

/** Paths of part files on this machine: those of S3 are copied to a folder that goes when it is done. */
export async function withLocalParts<T>(
  output: string,
  use: (parts: ReadonlyMap<string, string>) => Promise<T>,
): Promise<T> {
  if (schemeOf(output) !== 's3') {
    const [, folder = '', base = output] = /^(.*[/\\])?([^/\\]+)$/.exec(output) ?? [];
    const names = await readdir(folder || '.').catch(() => []);
    return use(
      new Map(names.filter((name) => isPartOf(name, base)).map((name) => [`${folder}${name}`, join(folder, name)])),
    );
  }
  const copies = temporaryFolder();
  try {
    const base = output.slice(output.lastIndexOf('/') + 1);
    const found = await findObject(output.slice(0, output.lastIndexOf('/') + 1));
    const objects = !found ? [] : 'scheme' in found ? [found] : found;
    const parts = new Map<string, string>();
    for (const object of objects) {
      const name = object.name.slice(output.lastIndexOf('/') + 1);
      if (!isPartOf(name, base)) continue;
      const path = join(copies, name);
      await fetchObject(object, path);
      parts.set(object.name, path);
    }
    return await use(parts);
  } finally {
    removeFolder(copies);
  }
}

/** Whether a name is that of a part of a file or folder. */
export function isPartOf(name: string, base: string): boolean {
  return name.startsWith(`${base}.part-`) && /^\d+-of-\d+$/.test(name.slice(`${base}.part-`.length));
}

/** What a part says of itself; undefined for none, and for one that is not whole. */
async function headerOf(path: string): Promise<PartHeader | undefined> {
  const folder = temporaryFolder();
  const database = await Database.open();
  try {
    let local = path;
    if (schemeOf(path) === 's3') {
      const found = await findObject(path);
      if (!found || !('scheme' in found)) return undefined;
      local = join(folder, 'part');
      await fetchObject(found, local);
    } else if (!existsSync(path)) return undefined;
    return (await openPartFile(local, path, 'part', database)).header;
  } catch {
    return undefined; // it is made anew
  } finally {
    await database.close();
    removeFolder(folder);
  }
}

/** @throws UsageError where the order of the rows is not told, so that parts might repeat some */
export function checkOrder({ files }: DataOptions): void {
  const isOrdered = (query = '') => /\border\s+by\b/i.test(query);
  for (const file of files) {
    if (isQuery(file)) {
      if (isOrdered(file)) continue;
      throw new UsageError(
        say`${setting('shard')}: the rows of a query have no order of their own, so parts might repeat some; let it end in ORDER BY a key, or in ORDER BY ALL`,
      );
    }
    const source = databaseSource(file);
    if (!source || isOrdered(source.query)) continue;
    throw new UsageError(
      say`${setting('shard')}: the rows of ${source.name} have no order of their own, so parts might repeat some; read them by ?query=SELECT … ORDER BY a key`,
    );
  }
}

/** Undefined where nothing tells whether they change, as of databases and queries. */
export async function digestOfSources(
  { files, ...columns }: DataOptions,
  flag = setting('input'),
): Promise<string | undefined> {
  const found = await stampsOf({ files, flag });
  if (!found) return undefined;
  // A stamp does not tell what follows the name in an address of the web, which may choose among pages of one age.
  const asked = files.map((file) => (schemeOf(file) === 'https' ? /\?.*$/s.exec(file)?.[0] : undefined));
  return sha256(JSON.stringify([found.stamps, asked, columns]));
}

async function digestOfWork({ job, model, settings }: Work): Promise<string> {
  return sha256(JSON.stringify([job, versions(), settings, await digestOfModel(model.folder)]));
}

/** Of everything that a model is made of. */
async function digestOfModel(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  for (const name of names.sort()) {
    if (!/\.(json|txt|safetensors|bin|model)$/.test(name) || /^(checkpoints|onnx)[/\\]|(^|[/\\])run\.json$/.test(name))
      continue;
    hash.update(name).update(await digestOfFile(join(folder, name)));
  }
  return hash.digest('hex');
}

/** For values that JSON lacks or holds for equal. */
function exactly(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return { integer: `${value}` };
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return { number: Object.is(value, -0) ? '-0' : `${value}` };
  }
  return value instanceof Uint8Array ? { bytes: Buffer.from(value).toString('base64') } : value;
}
