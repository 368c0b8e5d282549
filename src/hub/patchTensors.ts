import { copyFile, open, rename, rm } from 'node:fs/promises';
import { BertuneError } from '../core/errors.ts';
import { writeError } from '../core/files.ts';
import { narrowToBfloat16, narrowToFloat16 } from './halfPrecision.ts';
import { openSafetensors } from './safetensors.ts';

/**
 * Writes other values in place of some tensors of a safetensors file, atomically and in their own element type; all
 * else stays as it is to the byte.
 *
 * @throws BertuneError for a tensor that is not there, or of another size or type, or a full disk; UsageError when the
 * file cannot be written
 */
export async function patchTensors(path: string, values: ReadonlyMap<string, Float32Array>): Promise<void> {
  const stored = await openSafetensors(path);
  const places = [...values].map(([name, data]) => {
    const tensor = stored.tensors.get(name);
    const narrow = tensor && narrowers[tensor.dtype];
    if (!tensor || !narrow) {
      throw new BertuneError(`${path} has no ${name} in F32, F16 or BF16: the model cannot be calibrated`);
    }
    const bytes = narrow(data);
    if (bytes.length !== tensor.byteLength) throw new BertuneError(`${path}: ${name} has another size`);
    return { bytes, start: tensor.start };
  });
  await stored.close();
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await copyFile(path, temporary);
    const file = await open(temporary, 'r+');
    try {
      for (const { bytes, start } of places) await file.write(bytes, 0, bytes.length, start);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeError(path, error);
  }
}

const half = (narrow: (values: Float32Array, target: Uint16Array) => void) => (values: Float32Array) => {
  const bits = new Uint16Array(values.length);
  narrow(values, bits);
  return new Uint8Array(bits.buffer);
};

const narrowers: Readonly<Record<string, (values: Float32Array) => Uint8Array>> = {
  F32: (values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  F16: half(narrowToFloat16),
  BF16: half(narrowToBfloat16),
};
