import { type FileHandle, open } from 'node:fs/promises';
import { BertuneError, defined } from '../core/errors.ts';
import { readError, writeFileAtomic } from '../core/files.ts';
import { firstNotFinite, NotFiniteError } from '../core/finite.ts';
import { formatBytes } from '../core/memory.ts';
import { type Shape, sizeOf } from '../core/tensor.ts';
import { narrowToBfloat16, narrowToFloat16, widenBfloat16, widenFloat16 } from './halfPrecision.ts';
import { damaged, headerLimit, parseHeader, type SafetensorsHeader, type StoredTensor } from './safetensorsHeader.ts';

/** Element types that weights can be written in. */
export type WeightDType = 'float32' | 'float16' | 'bfloat16';

/** A tensor to be written; `data` is row-major of `shape`. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** An open safetensors file: its header in memory, its tensors read from disk when asked for. */
export interface SafetensorsFile extends SafetensorsHeader {
  readonly path: string;
  /**
   * The values of one tensor as float32.
   * @throws BertuneError when it is not of a floating point type; NotFiniteError when one is NaN or infinite.
   */
  read(name: string): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Opens a safetensors file and checks its header against its size.
 *
 * @throws UsageError when there is no such file; BertuneError when it is damaged.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const file = await openExisting(path);
  try {
    const header = await readHeader(file, path);
    const read = (name: string) => readTensor(file, path, defined(header.tensors.get(name), `${name} in ${path}`));
    return { path, ...header, read, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Writes a safetensors file atomically, tensors in the order given, rounding to `dtype` on the way.
 *
 * @throws BertuneError when the disk is full; NotFiniteError for a value that is NaN, infinite or beyond `dtype`.
 */
export async function writeSafetensors(
  path: string,
  entries: readonly SafetensorsEntry[],
  dtype: WeightDType = 'float32',
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Promise<void> {
  const header = headerBytes(entries, dtype, metadata);
  await writeFileAtomic(path, async (file) => {
    await file.writeFile(header);
    for (const entry of entries) await writeTensor(file, entry, dtype);
  });
}

async function openExisting(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    throw readError(path, error);
  }
}

async function readHeader(file: FileHandle, path: string): Promise<SafetensorsHeader> {
  const { size } = await file.stat();
  if (size < 8) throw damaged(path, `cut short: ${size} bytes`);
  const prefix = new BigUint64Array(1);
  await readFully(file, path, new Uint8Array(prefix.buffer), 0);
  const length = Number(prefix[0]);
  if (length > headerLimit) throw damaged(path, `a header of ${length} bytes is over the format's limit`);
  if (length > size - 8) throw damaged(path, `cut short: a header of ${length} bytes in a file of ${size}`);
  const json = Buffer.alloc(length);
  await readFully(file, path, json, 8);
  return parseHeader(json.toString('utf8'), path, 8 + length, size);
}

async function readFully(file: FileHandle, path: string, target: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < target.length; ) {
    const count = Math.min(target.length - done, chunkBytes);
    const { bytesRead } = await file.read(target, done, count, position + done).catch((error: unknown) => {
      throw readError(path, error);
    });
    if (bytesRead === 0) throw damaged(path, 'cut short while it was read');
    done += bytesRead;
  }
}

/** Bytes read or converted at once: what a file holds as 16 bit is never in memory as a whole beside its float32. */
const chunkBytes = 1 << 22;

async function readTensor(file: FileHandle, path: string, stored: StoredTensor): Promise<Float32Array> {
  const values = await storedValues(file, path, stored);
  const at = firstNotFinite(values);
  if (at < 0) return values;
  throw new NotFiniteError(
    `${path}: ${stored.name} holds ${values[at]} at ${at}, which is no weight: the model diverged when it was trained, or the file is damaged`,
    'take another copy of the model, or an earlier checkpoint',
  );
}

async function storedValues(file: FileHandle, path: string, stored: StoredTensor): Promise<Float32Array> {
  const values = newArray(path, stored);
  if (stored.dtype === 'F32') {
    await readFully(file, path, new Uint8Array(values.buffer), stored.start);
    return values;
  }
  const widen = wideners[stored.dtype];
  if (widen === undefined) {
    throw new BertuneError(`${path}: ${stored.name} is stored as ${stored.dtype}; F32, F16, BF16 and F64 can be read`);
  }
  const itemBytes = stored.byteLength / values.length;
  for (let done = 0; done < stored.byteLength; done += chunkBytes) {
    const chunk = new Uint8Array(Math.min(chunkBytes, stored.byteLength - done));
    await readFully(file, path, chunk, stored.start + done);
    widen(chunk.buffer, values.subarray(done / itemBytes));
  }
  return values;
}

function newArray(path: string, { name, shape }: StoredTensor): Float32Array {
  try {
    return new Float32Array(sizeOf(shape));
  } catch {
    const size = formatBytes(4 * sizeOf(shape));
    throw new BertuneError(`${path}: ${name} takes ${size} of memory, more than there is: use a smaller model`);
  }
}

/** Converts a chunk into the start of `target`. */
const wideners: Readonly<Record<string, (chunk: ArrayBuffer, target: Float32Array) => void>> = {
  F16: (chunk, target) => widenFloat16(new Uint16Array(chunk), target),
  BF16: (chunk, target) => widenBfloat16(new Uint16Array(chunk), target),
  F64: (chunk, target) => target.set(new Float64Array(chunk)),
};

const formatNames: Record<WeightDType, string> = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' };

/** The length prefix and the JSON header, padded with spaces so that the data starts at a multiple of 8. */
function headerBytes(
  entries: readonly SafetensorsEntry[],
  dtype: WeightDType,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const { name, shape, data } of entries) {
    if (data.length !== sizeOf(shape))
      throw new Error(`${name}: ${data.length} values for shape [${shape.join(', ')}]`);
    const start = end;
    end += data.length * (dtype === 'float32' ? 4 : 2);
    header[name] = { dtype: formatNames[dtype], shape, data_offsets: [start, end] };
  }
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const bytes = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  bytes.writeBigUInt64LE(BigInt(bytes.length - 8), 0);
  json.copy(bytes, 8);
  return bytes;
}

/** The largest float16; what rounds to more would be stored as infinite. */
const largestFloat16 = 65504;

async function writeTensor(file: FileHandle, { name, data }: SafetensorsEntry, dtype: WeightDType): Promise<void> {
  const step = chunkBytes / 4;
  const at = firstNotFinite(data);
  if (at >= 0) throw new NotFiniteError(`${name} holds ${data[at]} at ${at}, which is no weight`);
  if (dtype === 'float16' && data.some((value) => Math.abs(value) > largestFloat16)) {
    throw new NotFiniteError(
      `${name} holds more than float16 can, ${largestFloat16}`,
      'keep it as float32 or bfloat16',
    );
  }
  for (let start = 0; start < data.length; start += step) {
    await file.writeFile(storedBytes(data.subarray(start, start + step), dtype));
  }
}

function storedBytes(values: Float32Array, dtype: WeightDType): Uint8Array {
  if (dtype === 'float32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bits = new Uint16Array(values.length);
  if (dtype === 'float16') narrowToFloat16(values, bits);
  else narrowToBfloat16(values, bits);
  return new Uint8Array(bits.buffer);
}
