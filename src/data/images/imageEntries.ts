import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { BertuneError, messageOf, UsageError } from '../../core/errors.ts';
import { readError } from '../../core/files.ts';
import { type Origin, say } from '../../core/message.ts';
import { type FolderFiles, filesOf, isOfTheSystem, kindOf, type LeftOut } from '../folderFiles.ts';
import { isImageName } from './decode.ts';

/** One encoded image of a folder or archive. */
export interface ImageEntry {
  /** Inside the folder, with `/` between its parts: `cat/001.jpg`. */
  readonly name: string;
  readonly content: Uint8Array;
}

/**
 * The images of a folder and those below it, by their names, and what is left out of it: an image that links name twice
 * is one of each class.
 */
export async function imagesIn(folder: string): Promise<FolderFiles> {
  return filesOf(folder, { takes: isImageName, onceFor: (name) => name.split('/')[0] ?? '' });
}

/** The images of a folder in the order of their names. */
export async function* folderEntries(folder: string, names: readonly string[]): AsyncGenerator<ImageEntry> {
  for (const name of names) {
    const path = join(folder, name);
    const content = await readFile(path).catch((error: unknown) => {
      throw readError(path, error);
    });
    yield { name, content };
  }
}

/**
 * The images in a folder of an archive, in its order.
 *
 * @param inside the folder's path in the archive; empty for all of it
 * @param leftOut counts what is no image
 * @throws BertuneError when the archive is damaged or is none
 */
export async function* tarEntries(
  path: string,
  inside: string,
  flag: Origin,
  leftOut: LeftOut,
): AsyncGenerator<ImageEntry> {
  const found: ImageEntry[] = [];
  let fault: string | undefined;
  const parser = new Parser({
    onwarn: (code, message) => {
      if (code === 'TAR_BAD_ARCHIVE' || code === 'TAR_ABORT') fault ??= message.toString();
    },
    onReadEntry: (entry) => {
      const name = nameInside(entry, inside);
      const kind = name === undefined ? undefined : leftOutKind(entry, name);
      if (kind !== undefined) leftOut.add(kind);
      if (name === undefined || kind !== undefined || !isFile(entry)) return entry.resume();
      entry.concat().then(
        (content) => found.push({ name, content }),
        (error: unknown) => {
          fault ??= messageOf(error);
        },
      );
    },
  });
  for await (const chunk of archiveBytes(path, flag)) {
    if (!parser.write(chunk)) await new Promise<void>((resolve) => parser.once('drain', resolve));
    // What the chunk completed has been collected once its promises have run.
    await new Promise<void>((resolve) => setImmediate(resolve));
    yield* found.splice(0);
    if (fault !== undefined) break;
  }
  const ended = new Promise<void>((resolve) => parser.once('end', resolve).once('error', () => resolve()));
  parser.end();
  await ended;
  await new Promise<void>((resolve) => setImmediate(resolve));
  yield* found.splice(0);
  if (fault !== undefined)
    throw new BertuneError(say`${flag}: ${path} is no whole tar archive: ${fault}; get it again`);
}

/** The path of an entry below `inside`; undefined for one elsewhere, and for what systems put into archives. */
function nameInside(entry: ReadEntry, inside: string): string | undefined {
  const path = entry.path.replace(/^(\.\/)+/, '');
  if (path.split('/').some(isOfTheSystem)) return undefined;
  if (inside === '') return path;
  return path.startsWith(`${inside}/`) ? path.slice(inside.length + 1) : undefined;
}

/** How an entry that is no image is counted; undefined for images, and for folders. */
function leftOutKind(entry: ReadEntry, name: string): string | undefined {
  if (entry.type === 'SymbolicLink' || entry.type === 'Link') return 'link';
  if (!isFile(entry)) return undefined;
  if (name.split('/').some((part) => part.startsWith('.'))) return 'hidden';
  return isImageName(name) ? undefined : kindOf(name);
}

function isFile({ type }: ReadEntry): boolean {
  return type === 'File' || type === 'OldFile' || type === 'ContiguousFile';
}

async function* archiveBytes(path: string, flag: Origin): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  const stream = /gz$/i.test(path) ? file.pipe(createGunzip()) : file;
  file.on('error', (error) => stream.destroy(error));
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code.startsWith('Z_'))
      throw new BertuneError(say`${flag}: ${path} is no whole gzip file: ${messageOf(error)}; get it again`);
    throw readError(path, error);
  } finally {
    file.destroy();
    stream.destroy();
  }
}

const splitNames = new Set(['train', 'training', 'test', 'testing', 'val', 'valid', 'validation', 'dev']);

/**
 * The class that an image's name says: the first folder of its path. Undefined for one that lies in no folder.
 *
 * @throws UsageError when the first folder is a part of the data rather than a class: `train/cat/001.jpg`
 */
export function classOf(name: string, place: string, flag: Origin): string | undefined {
  const parts = name.split('/');
  const [first = ''] = parts;
  if (parts.length > 2 && splitNames.has(first.toLowerCase())) {
    throw new UsageError(
      say`${flag}: ${place} holds the folder ${first} with classes in it; name it: ${place}:${first}`,
    );
  }
  return parts.length > 1 ? first : undefined;
}
