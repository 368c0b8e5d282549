import { z } from 'zod';
import { BertuneError } from '../core/errors.ts';
import { type Shape, sizeOf } from '../core/tensor.ts';

/** One tensor of a safetensors file. */
export interface StoredTensor {
  readonly name: string;
  /** The format's own name: F32, F16, BF16, I64, … */
  readonly dtype: string;
  readonly shape: Shape;
  /** Where its bytes start, counted from the start of the file. */
  readonly start: number;
  readonly byteLength: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The format's own limit. */
export const headerLimit = 100_000_000;

/**
 * Parses the JSON header of a safetensors file and checks it against the file: sizes that fit the shapes where the
 * element type is known, and data that fills the rest of the file without gap or overlap.
 *
 * @param dataStart where the data starts, counted from the start of the file.
 * @see https://github.com/huggingface/safetensors#format
 * @throws BertuneError that names the file.
 */
export function parseHeader(json: string, path: string, dataStart: number, fileSize: number): SafetensorsHeader {
  const { __metadata__: metadata, ...entries } = parseJson(json, path);
  const tensors = Object.entries(entries).map(([name, entry]) => parseEntry(name, entry, path, dataStart));
  tensors.sort((a, b) => a.start - b.start || a.byteLength - b.byteLength);
  checkLayout(tensors, path, dataStart, fileSize);
  return {
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    metadata: metadataSchema.safeParse(metadata).data ?? {},
  };
}

/** One line for a file whose content cannot be right. */
export function damaged(path: string, reason: string): BertuneError {
  return new BertuneError(`${path} is damaged (${reason})`, 'download or copy it again');
}

const metadataSchema = z.record(z.string(), z.string());
const headerSchema = z.record(z.string(), z.unknown());
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

const itemBytes: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};

function parseJson(json: string, path: string): Record<string, unknown> {
  try {
    return headerSchema.parse(JSON.parse(json));
  } catch {
    throw damaged(path, 'its header is not JSON');
  }
}

function parseEntry(name: string, entry: unknown, path: string, dataStart: number): StoredTensor {
  const parsed = entrySchema.safeParse(entry);
  if (!parsed.success) throw damaged(path, `its header describes ${name} wrongly`);
  const { dtype, shape, data_offsets: offsets } = parsed.data;
  const bytes = itemBytes[dtype];
  const byteLength = offsets[1] - offsets[0];
  // A type that is not known stands in the way of its own tensor alone, which cannot be read.
  if (byteLength < 0 || (bytes !== undefined && byteLength !== sizeOf(shape) * bytes)) {
    throw damaged(path, `${name} of shape [${shape.join(', ')}] and type ${dtype} cannot have ${byteLength} bytes`);
  }
  return { name, dtype, shape, start: dataStart + offsets[0], byteLength };
}

function checkLayout(tensors: readonly StoredTensor[], path: string, dataStart: number, fileSize: number): void {
  let end = dataStart;
  for (const tensor of tensors) {
    if (tensor.start !== end) throw damaged(path, `${tensor.name} does not follow the tensor before it`);
    end += tensor.byteLength;
  }
  if (end > fileSize) throw damaged(path, `cut short: ${fileSize} of ${end} bytes`);
  if (end < fileSize) throw damaged(path, `${fileSize - end} bytes too many`);
}
