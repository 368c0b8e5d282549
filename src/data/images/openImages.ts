import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../core/cachePath.ts';
import { counted, messageOf } from '../../core/errors.ts';
import { removeFolder, temporaryFolder } from '../../core/files.ts';
import { type Message, type Origin, say, setting } from '../../core/message.ts';
import { CacheFolder, sha256 } from '../cacheFolder.ts';
import type { WantedShape } from './decode.ts';
import { contentOf, findImages, type ImageSource, stampsOf } from './imageSource.ts';
import { ImageFile, type ImageStore } from './imageStore.ts';
import { type PreparedImages, prepareImages } from './prepareImages.ts';

export interface OpenImagesOptions extends WantedShape {
  /** What a message calls the option that names the images, such as `--data`. */
  readonly flag: Origin;
  /** As the other jobs take it: a folder, or false to keep nothing. */
  readonly cache?: string | false;
  readonly onNote?: (line: Message) => void;
  /** Images prepared so far, and of how many where that is known. */
  readonly onProgress?: (done: number, total?: number) => void;
  readonly signal?: AbortSignal;
}

/** Most bytes of all prepared images together that are kept. */
const mostBytes = 20e9;
/** Changes with what is in the files of prepared images, or how it comes about. */
const format = 2;

/**
 * Images of an IDX file (also .gz; labels from the file beside it), a folder of images by class, a tar of such a folder,
 * or a folder inside (`data.tar:train`), resized to one size and kept for the next run on them. Without a size and
 * colours, those of the first image are taken.
 *
 * @throws UsageError when the path names no images; BertuneError when they are damaged; InterruptedError
 */
export async function openImages(path: string, options: OpenImagesOptions): Promise<ImageStore> {
  const source = await findImages(path, options.flag);
  const cache = cacheFolder(options.cache);
  const { prepared, folder, onClose, from } = await (cache
    ? keptImages(source, cache, options)
    : temporaryImages(source, options));
  for (const note of [...notesOf(path, prepared, from), ...leftOutNotes(source, prepared)])
    options.onNote?.(say`${options.flag}: ${note}`);
  return new ImageFile({ folder, set: prepared.set }, onClose);
}

interface Opened {
  readonly prepared: PreparedImages;
  readonly folder: string;
  readonly onClose?: () => void;
  /** What to say of where they are from. */
  readonly from: string;
}

async function temporaryImages(source: ImageSource, options: OpenImagesOptions, why = ''): Promise<Opened> {
  const folder = temporaryFolder();
  try {
    const prepared = await prepareImages(source, folder, { ...options, wanted: wantedOf(options) });
    return { prepared, folder, onClose: () => removeFolder(folder), from: why };
  } catch (error) {
    removeFolder(folder);
    throw error;
  }
}

async function keptImages(source: ImageSource, cache: string, options: OpenImagesOptions): Promise<Opened> {
  const stamps = await stampsOf(source);
  const content = await contentOf(source, () => {});
  const key = sha256(JSON.stringify([format, versions(), wantedOf(options), content]));
  const entries = new CacheFolder<PreparedImages>(join(cache, 'images'), mostBytes, format);
  const found = await entries.find(key);
  if (found) return { prepared: found.value, folder: found.folder, from: ', as prepared before' };
  let beside: string;
  try {
    beside = await entries.begin(key);
  } catch (error) {
    return temporaryImages(source, options, `, not kept for later runs (${messageOf(error)})`);
  }
  try {
    const prepared = await prepareImages(source, beside, { ...options, wanted: wantedOf(options) });
    if ((await stampsOf(source)) !== stamps) {
      return await temporaryImages(source, options, ', not kept for later runs (they changed while they were read)');
    }
    const { folder } = await entries.finish(key, beside, prepared);
    return { prepared, folder, from: '' };
  } finally {
    // Nothing is there any more when it became an entry.
    await rm(beside, { recursive: true, force: true });
  }
}

function wantedOf({ height, width, channels }: OpenImagesOptions): WantedShape {
  return { ...(height && { height }), ...(width && { width }), ...(channels && { channels }) };
}

/** What decodes and resizes: this package with its dependencies. */
function versions(): object {
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const { version, dependencies }: { version: string; dependencies: Record<string, string> } = JSON.parse(manifest);
  return { version, sharp: dependencies.sharp, tar: dependencies.tar };
}

function notesOf(
  path: string,
  { set, unreadable, unreadableNames, resized }: PreparedImages,
  from: string,
): (string | Message)[] {
  const { length, height, width, channels, classes } = set;
  const kind = `${height} × ${width} ${channels === 1 ? 'grayscale' : 'RGB'}`;
  const labels = classes ? counted(classes.length, 'class', 'classes') : 'no labels';
  const notes: (string | Message)[] = [`${counted(length, 'image')} of ${kind}, ${labels}${from}`];
  if (classes?.length === 1)
    notes.push(
      `all images are in ${classes[0]}; name the folder that holds those of the classes: ${path}:${classes[0]}`,
    );
  if (resized > 0)
    notes.push(
      say`${counted(resized, 'image')} of another size resized to the first one's; ${setting('imageSize')} chooses it`,
    );
  if (unreadable > 0) {
    const more = unreadable > unreadableNames.length ? `, and ${unreadable - unreadableNames.length} more` : '';
    notes.push(`${counted(unreadable, 'image')} cannot be read and left out: ${unreadableNames.join('; ')}${more}`);
  }
  return notes;
}

/** What of a folder or archive is no image, and which of its folders end up empty. */
function leftOutNotes(source: ImageSource, { leftOut = '', unreadableClasses = [] }: PreparedImages): string[] {
  const others = source.kind === 'folder' ? String(source.leftOut) : leftOut;
  const empty = source.kind === 'folder' ? source.emptyFolders : [];
  const notes = others === '' ? [] : [`left out: ${others}`];
  if (empty.length > 0) notes.push(`no image in ${listed(empty)}: no class of that name`);
  if (unreadableClasses.length > 0)
    notes.push(`no image of ${listed(unreadableClasses)} can be read: no class of that name`);
  return notes;
}

function listed(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}
