import { createReadStream, existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { BertuneError, counted, messageOf, UsageError } from '../../core/errors.ts';
import { readError } from '../../core/files.ts';
import { type Origin, say } from '../../core/message.ts';

/**
 * The IDX format of MNIST: a big-endian header of a magic number (0, 0, 8 for bytes, the number of dimensions) and the
 * sizes, then the bytes.
 */
const imageMagic = 0x00000803;
const labelMagic = 0x00000801;

/** Grayscale images of one size with, where a file of labels lies beside them, a label each. */
export interface IdxImages {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** A number for each image. */
  readonly labels: Uint8Array | undefined;
  /** The images in order, [height · width] bytes each. */
  images(): AsyncGenerator<Uint8Array>;
}

/**
 * Opens an IDX file of images, gzip or not, and the labels beside it: `train-images-idx3-ubyte.gz` goes with
 * `train-labels-idx1-ubyte.gz`.
 *
 * @param flag what a message calls the file's option
 * @throws UsageError when the file is none; BertuneError when it or its labels are damaged
 */
export async function openIdx(path: string, flag: Origin): Promise<IdxImages> {
  const header = await readHeader(path, flag, imageMagic);
  const [count = 0, height = 0, width = 0] = header;
  if (count * height * width === 0) throw new BertuneError(say`${flag}: ${path} holds no images`);
  const beside = labelsBeside(path);
  const labels = beside === undefined ? undefined : await readLabels(beside, flag);
  if (labels && labels.length !== count) {
    throw new BertuneError(
      say`${flag}: ${path} has ${counted(count, 'image')}, but ${beside} ${counted(labels.length, 'label')}; they do not belong together`,
    );
  }
  return { count, height, width, labels, images: () => records(path, flag, 16, height * width, count) };
}

/** The IDX files of labels that belongs to one of images; undefined when there is none. */
export function labelsBeside(path: string): string | undefined {
  const name = basename(path);
  const wanted = name.replace(/images([-.])idx3/, 'labels$1idx1');
  if (wanted === name) return undefined;
  const other = wanted.endsWith('.gz') ? wanted.slice(0, -3) : `${wanted}.gz`;
  return [wanted, other].map((file) => join(dirname(path), file)).find((file) => existsSync(file));
}

async function readLabels(path: string, flag: Origin): Promise<Uint8Array> {
  const [count = 0] = await readHeader(path, flag, labelMagic);
  const labels = new Uint8Array(count);
  let i = 0;
  for await (const label of records(path, flag, 8, 1, count)) labels[i++] = label[0] as number;
  return labels;
}

/** The sizes after the magic number. */
async function readHeader(path: string, flag: Origin, magic: number): Promise<number[]> {
  const dimensions = magic & 0xff;
  const stream = bytesOf(path, flag);
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    head = Buffer.concat([head, chunk]);
    if (head.length >= 4 + 4 * dimensions) break;
  }
  const found = head.length >= 4 ? head.readUInt32BE(0) : undefined;
  if (found !== magic) throw wrongMagic(path, flag, magic, found);
  if (head.length < 4 + 4 * dimensions) throw new BertuneError(say`${flag}: ${path} ends within its header`);
  return Array.from({ length: dimensions }, (_, i) => head.readUInt32BE(4 + 4 * i));
}

function wrongMagic(path: string, flag: Origin, expected: number, found: number | undefined): UsageError {
  const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`;
  if (found === labelMagic) {
    return new UsageError(
      say`${flag}: ${path} holds labels; give the file of the images, the labels are found beside it`,
    );
  }
  const what = expected === imageMagic ? 'images' : 'labels';
  const begins = found === undefined ? 'ends before its magic number' : `starts with ${hex(found)}`;
  return new UsageError(
    say`${flag}: ${path} ${begins}, but an IDX file of ${what} starts with ${hex(expected)}; give such a file, a folder of images or a .tar of one`,
  );
}

/** `count` pieces of `size` bytes after the first `skip` bytes. */
async function* records(
  path: string,
  flag: Origin,
  skip: number,
  size: number,
  count: number,
): AsyncGenerator<Uint8Array> {
  let left: Uint8Array = Buffer.alloc(0);
  let toSkip = skip;
  let done = 0;
  for await (const chunk of bytesOf(path, flag)) {
    const fresh = chunk.subarray(Math.min(toSkip, chunk.length));
    toSkip -= chunk.length - fresh.length;
    const bytes = left.length > 0 ? Buffer.concat([left, fresh]) : fresh;
    let at = 0;
    for (; at + size <= bytes.length && done < count; at += size, done++) yield bytes.subarray(at, at + size);
    left = bytes.subarray(at);
    if (done === count) break;
  }
  if (done < count) {
    throw new BertuneError(
      say`${flag}: ${path} is truncated: its header says ${count.toLocaleString('en-US')}, it ends after ${done.toLocaleString('en-US')}; get it again`,
    );
  }
  if (left.length > 0) throw new BertuneError(say`${flag}: ${path} goes on after the last of ${count}; get it again`);
}

async function* bytesOf(path: string, flag: Origin): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  const stream = path.endsWith('.gz') ? file.pipe(createGunzip({ chunkSize: 1 << 18 })) : file;
  file.on('error', (error) => stream.destroy(error));
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'Z_BUF_ERROR')
      throw new BertuneError(say`${flag}: ${path} is truncated: its gzip data end early; get it again`);
    if (code.startsWith('Z_'))
      throw new BertuneError(say`${flag}: ${path} is no whole gzip file: ${messageOf(error)}; get it again`);
    throw readError(path, error);
  } finally {
    file.destroy();
    stream.destroy();
  }
}
