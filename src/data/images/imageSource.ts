import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../core/errors.ts';
import { errorCode, readError } from '../../core/files.ts';
import { type Origin, say } from '../../core/message.ts';
import { digestOfFile, sha256 } from '../cacheFolder.ts';
import type { FolderFiles } from '../folderFiles.ts';
import { imageEndings, isImageName } from './decode.ts';
import { labelsBeside } from './idx.ts';
import { imagesIn } from './imageEntries.ts';

/** Where images come from. */
export type ImageSource =
  | { readonly kind: 'idx'; readonly path: string }
  | ({ readonly kind: 'folder'; readonly path: string } & FolderFiles)
  /** `inside` is a folder's path in the archive; empty for all of it. */
  | { readonly kind: 'tar'; readonly path: string; readonly inside: string };

/**
 * What a path names: an IDX file, a folder of images, a tar of one, or after a colon a folder inside the last two.
 *
 * @throws UsageError when there is no such file or folder, or none that holds images
 */
export async function findImages(path: string, flag: Origin): Promise<ImageSource> {
  const found = await lookUp(path);
  if (found) return sourceAt(path, '', found, flag);
  const colon = path.lastIndexOf(':');
  const [outer, inside] = [path.slice(0, colon), path.slice(colon + 1).replace(/^\/+|\/+$/g, '')];
  const holder = colon > 0 && inside !== '' ? await lookUp(outer) : undefined;
  if (!holder)
    throw new UsageError(say`${flag}: nothing at ${path}; give an IDX file, a folder of images or a .tar of one`);
  return sourceAt(outer, inside, holder, flag);
}

async function sourceAt(path: string, inside: string, found: Stats, flag: Origin): Promise<ImageSource> {
  if (found.isDirectory()) return folderAt(inside === '' ? path : join(path, inside), flag);
  if (!found.isFile()) throw new UsageError(say`${flag}: ${path} is neither a file nor a folder`);
  if (isTarName(path)) return { kind: 'tar', path, inside };
  if (inside !== '') throw new UsageError(say`${flag}: ${path} holds no folders, so there is no ${inside} in it`);
  if (isImageName(path)) throw new UsageError(say`${flag}: ${path} is a single image; give the folder that it lies in`);
  return { kind: 'idx', path };
}

async function folderAt(path: string, flag: Origin): Promise<ImageSource> {
  if (!(await lookUp(path))?.isDirectory()) throw new UsageError(say`${flag}: no folder at ${path}`);
  const found = await imagesIn(path);
  if (found.names.length === 0) {
    const others = found.leftOut.isEmpty ? '' : `; it holds ${found.leftOut}`;
    throw new UsageError(say`${flag}: the folder ${path} holds no images (${imageEndings.join(', ')})${others}`);
  }
  return { kind: 'folder', path, ...found };
}

function isTarName(path: string): boolean {
  return /\.(tar|tgz|tar\.gz)$/i.test(path);
}

async function lookUp(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw readError(path, error);
  }
}

/** A digest of all that a source's images and labels come from. @throws what the file system throws */
export async function contentOf(source: ImageSource, onRead: () => void): Promise<string> {
  if (source.kind === 'tar') return sha256(`tar ${source.inside} ${await digestOfFile(source.path, onRead)}`);
  if (source.kind === 'idx') {
    const labels = labelsBeside(source.path);
    const digests = [await digestOfFile(source.path, onRead), labels && (await digestOfFile(labels, onRead))];
    return sha256(`idx ${source.path.endsWith('.gz')} ${digests.join(' ')}`);
  }
  const hash = createHash('sha256').update('folder');
  for (const name of source.names) hash.update(`${name}\0${await digestOfFile(join(source.path, name), onRead)}`);
  return hash.digest('hex');
}

/** Changes when a file of the source is written to or exchanged, one comes or one goes. */
export async function stampsOf(source: ImageSource): Promise<string> {
  const paths =
    source.kind === 'folder'
      ? (await imagesIn(source.path)).names.map((name) => join(source.path, name))
      : [source.path, ...(source.kind === 'idx' ? [labelsBeside(source.path) ?? []].flat() : [])];
  const hash = createHash('sha256');
  for (const path of paths) {
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    hash.update([path, found?.dev, found?.ino, found?.size, found?.mtimeNs, found?.ctimeNs].join());
  }
  return hash.digest('hex');
}
