import { BertuneError, counted } from '../../core/errors.ts';
import { throwIfAborted } from '../../core/interrupt.ts';
import { type Origin, say } from '../../core/message.ts';
import { LeftOut } from '../folderFiles.ts';
import { decodeFault, decodeImage, type ImageShape, reshapeGray, shapeOf, type WantedShape } from './decode.ts';
import { openIdx } from './idx.ts';
import { classOf, folderEntries, type ImageEntry, tarEntries } from './imageEntries.ts';
import type { ImageSource } from './imageSource.ts';
import { ImageFileWriter, type ImageSet } from './imageStore.ts';

export interface PrepareOptions {
  readonly wanted: WantedShape;
  /** What a message calls the option that names the images. */
  readonly flag: Origin;
  readonly onProgress?: (done: number, total?: number) => void;
  readonly signal?: AbortSignal;
}

/** What was written, and what there is to say of it. */
export interface PreparedImages {
  readonly set: ImageSet;
  /** Images that could not be read. */
  readonly unreadable: number;
  /** Names of the first of them with the reason. */
  readonly unreadableNames: readonly string[];
  /** Images of another size than the first, brought to it; 0 when a size was asked for. */
  readonly resized: number;
  /** Kinds of what an archive holds beside images, as `LeftOut` tells them; older versions kept neither of these. */
  readonly leftOut?: string;
  /** Classes of which no image can be read. */
  readonly unreadableClasses?: readonly string[];
}

/** Unreadable images that are named. */
const named = 3;
/** Images that are decoded at the same time; the results keep their order. */
const decodedTogether = 16;

/**
 * Brings all images of a source to one shape and writes them to a folder, in constant memory.
 *
 * @throws BertuneError when the source is damaged or no image of it can be read
 */
export function prepareImages(source: ImageSource, folder: string, options: PrepareOptions): Promise<PreparedImages> {
  if (source.kind === 'idx') return prepareIdx(source.path, folder, options);
  return prepareEntries(source, folder, options);
}

async function prepareIdx(path: string, folder: string, options: PrepareOptions): Promise<PreparedImages> {
  const { wanted, flag, onProgress, signal } = options;
  const { count, height, width, labels, images } = await openIdx(path, flag);
  const shape: ImageShape = { height, width, channels: 1, ...wanted };
  const numbers = labels && [...new Set(labels)].sort((a, b) => a - b);
  const writer = new ImageFileWriter(folder);
  try {
    for await (const pixels of images()) {
      const label = labels?.[writer.length];
      writer.add(await reshapeGray(pixels, { height, width }, shape), label);
      onProgress?.(writer.length, count);
      if (writer.length % 1024 === 0) throwIfAborted(signal);
    }
    writer.finish(numbers && renumbering(numbers));
  } finally {
    writer.close();
  }
  const classes = numbers?.map(String);
  const set = { length: writer.length, ...shape, classes };
  return { set, unreadable: 0, unreadableNames: [], resized: 0, leftOut: '', unreadableClasses: [] };
}

/** result[numbers[i]] = i */
function renumbering(numbers: readonly number[]): number[] {
  const result: number[] = [];
  numbers.forEach((number, i) => {
    result[number] = i;
  });
  return result;
}

async function prepareEntries(
  source: Exclude<ImageSource, { kind: 'idx' }>,
  folder: string,
  options: PrepareOptions,
): Promise<PreparedImages> {
  const { wanted, flag, onProgress, signal } = options;
  const total = source.kind === 'folder' ? source.names.length : undefined;
  const writer = new ImageFileWriter(folder);
  const classes = new Map<string, number>();
  const unreadableNames: string[] = [];
  const failedClasses = new Set<string>();
  const leftOut = new LeftOut();
  let unreadable = 0;
  let resized = 0;
  let shape: ImageShape | undefined;
  try {
    for await (const { name, pixels, isOther, fault, shape: found } of decoded(source, wanted, flag, leftOut)) {
      throwIfAborted(signal);
      if (!pixels) {
        if (++unreadable <= named) unreadableNames.push(`${name} (${fault})`);
        const failed = classOf(name, source.path, flag);
        if (failed !== undefined) failedClasses.add(failed);
        continue;
      }
      shape = found;
      const className = classOf(name, source.path, flag);
      if (className !== undefined && !classes.has(className)) classes.set(className, classes.size);
      writer.add(pixels, className === undefined ? undefined : classes.get(className));
      if (isOther) resized++;
      onProgress?.(writer.length + unreadable, total);
    }
    if (!shape) throw nothingRead(source, unreadable, unreadableNames, flag);
    const names = [...classes.keys()].sort();
    writer.finish([...classes.keys()].map((name) => names.indexOf(name)));
    const set = { length: writer.length, ...shape, ...(names.length > 0 ? { classes: names } : {}) };
    const unreadableClasses = [...failedClasses].filter((name) => !classes.has(name)).sort();
    return { set, unreadable, unreadableNames, resized, leftOut: String(leftOut), unreadableClasses };
  } finally {
    writer.close();
  }
}

function nothingRead(
  source: Exclude<ImageSource, { kind: 'idx' }>,
  unreadable: number,
  names: readonly string[],
  flag: Origin,
): BertuneError {
  if (unreadable > 0) {
    return new BertuneError(
      say`${flag}: none of the ${counted(unreadable, 'image')} in ${source.path} can be read; the first is ${names[0]}`,
    );
  }
  const inside = source.kind === 'tar' && source.inside !== '' ? ` below ${source.inside}` : '';
  return new BertuneError(say`${flag}: ${source.path} holds no images${inside}`);
}

interface Decoded {
  readonly name: string;
  readonly shape: ImageShape;
  readonly pixels?: Uint8Array;
  /** Whether it had another size than it was brought to, though none was asked for. */
  readonly isOther?: boolean;
  readonly fault?: string;
}

/** The images of a source decoded side by side, in their order; the first that can be read gives the shape. */
async function* decoded(
  source: Exclude<ImageSource, { kind: 'idx' }>,
  wanted: WantedShape,
  flag: Origin,
  leftOut: LeftOut,
): AsyncGenerator<Decoded> {
  const entries =
    source.kind === 'folder'
      ? folderEntries(source.path, source.names)
      : tarEntries(source.path, source.inside, flag, leftOut);
  const underWay: Promise<Decoded>[] = [];
  let shape: ImageShape | undefined;
  for await (const entry of entries) {
    if (!shape) {
      const first = await decodeFirst(entry, wanted);
      if (first.pixels) shape = first.shape;
      yield first;
      continue;
    }
    underWay.push(decodeNext(entry, shape, wanted));
    if (underWay.length >= decodedTogether) yield (await underWay.shift()) as Decoded;
  }
  for (const next of underWay) yield await next;
}

async function decodeFirst({ name, content }: ImageEntry, wanted: WantedShape): Promise<Decoded> {
  const empty: ImageShape = { height: 0, width: 0, channels: 1 };
  try {
    const shape = await shapeOf(content, wanted);
    return { name, shape, pixels: await decodeImage(content, shape) };
  } catch (error) {
    return { name, shape: empty, fault: decodeFault(error) };
  }
}

async function decodeNext({ name, content }: ImageEntry, shape: ImageShape, wanted: WantedShape): Promise<Decoded> {
  try {
    const own = wanted.height === undefined ? await shapeOf(content, {}) : shape;
    const isOther = own.height !== shape.height || own.width !== shape.width;
    return { name, shape, pixels: await decodeImage(content, shape), isOther };
  } catch (error) {
    return { name, shape, fault: decodeFault(error) };
  }
}
