import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf, UsageError } from '../core/errors.ts';
import type { FileSource } from './fileNames.ts';
import type { Source } from './source.ts';

/** One of several parts of what is read. */
export interface ReadPart {
  /** From 1. */
  readonly index: number;
  readonly of: number;
}

/** A file among all that are read, with what tells it from others wherever it is read. */
export interface SharedFile {
  readonly source: FileSource;
  readonly name: string;
  readonly bytes: number;
}

/** How much larger than a part's even share a file may be: with larger ones, some parts would wait for one of them. */
const mostUneven = 2;

/**
 * The files of each part where parts are to take whole ones: neighbours in their order, of about the same size together.
 * The same wherever it is asked for.
 *
 * @returns undefined where rows have to be dealt out instead: for few files, uneven ones, queries and databases
 */
export async function filesByPart(sources: readonly Source[], of: number): Promise<SharedFile[][] | undefined> {
  if (sources.length < of) return undefined;
  const files: SharedFile[] = [];
  for (const source of sources) {
    const file = await sharedFile(source);
    if (file === undefined) return undefined;
    files.push(file);
  }
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total === 0 || files.some(({ bytes }) => bytes * of > mostUneven * total)) return undefined;
  const parts: SharedFile[][] = Array.from({ length: of }, () => []);
  let before = 0;
  for (const file of files) {
    const middle = (before + file.bytes / 2) / total;
    parts[Math.min(of - 1, Math.floor(middle * of))]?.push(file);
    before += file.bytes;
  }
  return parts;
}

async function sharedFile(source: Source): Promise<SharedFile | undefined> {
  if (source.kind !== 'file') return undefined;
  const { remote, path } = source;
  if (remote) {
    const { bytes } = remote;
    return bytes === undefined ? undefined : { source, name: `${remote.name} ${remote.version ?? ''}`, bytes };
  }
  const { size } = await stat(path).catch((error: unknown) => {
    throw new UsageError(`cannot read ${path}: ${messageOf(error)}`);
  });
  return { source, name: basename(path), bytes: size };
}
