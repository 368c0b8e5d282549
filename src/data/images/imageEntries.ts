import { createReadStream, type Dirent } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { BertuneError, messageOf, UsageError } from '../../core/errors.ts';
import { readError } from '../../core/files.ts';
import { type Origin, say } from '../../core/message.ts';
import { isImageName } from './decode.ts';

/** One encoded image of a folder or archive. */
export interface ImageEntry {
  /** Inside the folder, with `/` between its parts: `cat/001.jpg`. */
  readonly name: string;
  readonly content: Uint8Array;
}

/** Names of the images of a folder and those below it, sorted, with `/` between their parts. */
export async function imageNamesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  const visit = async (below: string) => {
    const entries: Dirent[] = await readdir(join(folder, below), { withFileTypes: true }).catch((error: unknown) => {
      throw readError(join(folder, below), error);
    });
    for (const entry of entries) {
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) await visit(name);
      else if (isImageName(entry.name)) names.push(name);
    }
  };
  await visit('');
  return names.sort();
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
 * @throws BertuneError when the archive is damaged or is none
 */
export async function* tarEntries(path: string, inside: string, flag: Origin): AsyncGenerator<ImageEntry> {
  const found: ImageEntry[] = [];
  let fault: string | undefined;
  const parser = new Parser({
    onwarn: (code, message) => {
      if (code === 'TAR_BAD_ARCHIVE' || code === 'TAR_ABORT') fault ??= message.toString();
    },
    onReadEntry: (entry) => {
      const name = nameInside(entry, inside);
      if (name === undefined) return entry.resume();
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

/** The path of an image below `inside`; undefined for anything else. */
function nameInside(entry: ReadEntry, inside: string): string | undefined {
  const path = entry.path.replace(/^(\.\/)+/, '');
  const isFile = entry.type === 'File' || entry.type === 'OldFile' || entry.type === 'ContiguousFile';
  if (!isFile || !isImageName(path) || path.split('/').some((part) => part.startsWith('.'))) return undefined;
  if (inside === '') return path;
  return path.startsWith(`${inside}/`) ? path.slice(inside.length + 1) : undefined;
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
