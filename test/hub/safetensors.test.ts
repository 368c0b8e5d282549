import { closeSync, openSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BertuneError, UsageError } from '../../src/core/errors.ts';
import { narrowToBfloat16, narrowToFloat16, widenBfloat16, widenFloat16 } from '../../src/hub/halfPrecision.ts';
import { openSafetensors, writeSafetensors } from '../../src/hub/safetensors.ts';
import { temporaryFolder } from '../temporary.ts';
import { fixture } from './fixtures.ts';

const everyPattern = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits);

describe('half precision', () => {
  const rounding: Record<'float32' | 'float16' | 'bfloat16', number[]> = JSON.parse(
    readFileSync(fixture('rounding.json'), 'utf8'),
  );
  const values = new Float32Array(Uint32Array.from(rounding.float32).buffer);

  it.each([
    ['float16', narrowToFloat16],
    ['bfloat16', narrowToBfloat16],
  ] as const)('rounds to %s as PyTorch does', (name, narrow) => {
    const bits = new Uint16Array(values.length);
    narrow(values, bits);
    expect([...bits]).toEqual(rounding[name]);
  });

  it.each([
    ['float16', widenFloat16, narrowToFloat16, 2046],
    ['bfloat16', widenBfloat16, narrowToBfloat16, 254],
  ] as const)('gives every %s back after a way through float32', (_, widen, narrow, nanCount) => {
    const wide = new Float32Array(everyPattern.length);
    const back = new Uint16Array(everyPattern.length);
    widen(everyPattern, wide);
    narrow(wide, back);
    const changed = everyPattern.filter((bits, index) => back[index] !== bits && !Number.isNaN(wide[index]));
    const again = new Float32Array(back.length);
    widen(back, again);
    expect([...changed]).toEqual([]);
    expect(wide.filter(Number.isNaN)).toHaveLength(nanCount);
    expect(again.filter(Number.isNaN)).toHaveLength(nanCount);
  });

  it('widens known patterns', () => {
    const wide = new Float32Array(6);
    widenFloat16(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x8000), wide);
    expect([...wide]).toEqual([1, -2, 2 ** -24, 65504, Number.POSITIVE_INFINITY, -0]);
    widenBfloat16(Uint16Array.of(0x3f80, 0xc000, 0x0001, 0x7f7f, 0x7f80, 0x8000), wide);
    expect([...wide]).toEqual([1, -2, 2 ** -133, 255 * 2 ** 120, Number.POSITIVE_INFINITY, -0]);
  });
});

describe('writeSafetensors', () => {
  it('writes the bytes of the format', async () => {
    const path = join(temporaryFolder(), 'file.safetensors');
    await writeSafetensors(path, [{ name: 'a', shape: [1, 2], data: Float32Array.of(1, -2) }], 'float16');
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE(0));
    expect(length % 8).toBe(0);
    expect(JSON.parse(bytes.toString('utf8', 8, 8 + length))).toEqual({
      __metadata__: { format: 'pt' },
      a: { dtype: 'F16', shape: [1, 2], data_offsets: [0, 4] },
    });
    expect([...bytes.subarray(8 + length)]).toEqual([0x00, 0x3c, 0x00, 0xc0]);
  });

  it.each(['float32', 'float16', 'bfloat16'] as const)('reads back what it wrote as %s', async (dtype) => {
    const path = join(temporaryFolder(), 'file.safetensors');
    // Over two megabytes of float16: several pieces at reading and at writing.
    const large = Float32Array.from({ length: 2_200_003 }, (_, index) => (index % 251) - 125);
    const entries = [
      { name: 'large', shape: [2_200_003], data: large },
      { name: 'empty', shape: [0, 3], data: new Float32Array(0) },
      { name: 'scalar', shape: [], data: Float32Array.of(0.5) },
    ];
    await writeSafetensors(path, entries, dtype);
    const file = await openSafetensors(path);
    expect([...file.tensors.keys()].sort()).toEqual(['empty', 'large', 'scalar']);
    expect(file.metadata).toEqual({ format: 'pt' });
    expect(file.tensors.get('empty')?.shape).toEqual([0, 3]);
    const read = await file.read('large');
    expect(Buffer.from(read.buffer).equals(Buffer.from(large.buffer))).toBe(true);
    expect([...(await file.read('empty'))]).toEqual([]);
    expect([...(await file.read('scalar'))]).toEqual([0.5]);
    await file.close();
  });

  it('refuses values that do not fill their shape', async () => {
    const path = join(temporaryFolder(), 'file.safetensors');
    const entry = { name: 'a', shape: [3], data: new Float32Array(2) };
    await expect(writeSafetensors(path, [entry])).rejects.toThrow('a: 2 values for shape [3]');
  });
});

describe('openSafetensors', () => {
  /** A file of a header and zero bytes of data. */
  function fileOf(header: unknown, dataBytes: number, headerLength?: number): string {
    const path = join(temporaryFolder(), 'file.safetensors');
    const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(headerLength ?? json.length));
    writeFileSync(path, Buffer.concat([prefix, json, Buffer.alloc(dataBytes)]));
    return path;
  }

  const a = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
  const damagedFiles: [string, string, string][] = [
    ['cut short in its data', fileOf({ a }, 7), 'cut short: 69 of 70 bytes'],
    ['with bytes too many', fileOf({ a }, 9), '1 bytes too many'],
    ['cut short in its header', fileOf({ a }, 8, 4000), 'cut short: a header of 4000 bytes in a file of 70'],
    [
      'with an oversized header',
      fileOf({ a }, 8, 2 ** 40),
      "a header of 1099511627776 bytes is over the format's limit",
    ],
    ['without JSON', fileOf('{"a":', 8), 'its header is not JSON'],
    ['with a list as header', fileOf('[1, 2]', 8), 'its header is not JSON'],
    ['with wrong sizes', fileOf({ a: { ...a, shape: [3] } }, 8), 'a of shape [3] and type F32 cannot have 8 bytes'],
    ['with a negative offset', fileOf({ a: { ...a, data_offsets: [-8, 0] } }, 8), 'its header describes a wrongly'],
    ['with a shape of text', fileOf({ a: { ...a, shape: ['2'] } }, 8), 'its header describes a wrongly'],
    [
      'with an overlap',
      fileOf({ a, b: { ...a, data_offsets: [4, 12] } }, 12),
      'b does not follow the tensor before it',
    ],
    ['with a gap', fileOf({ a, b: { ...a, data_offsets: [12, 20] } }, 20), 'b does not follow the tensor before it'],
  ];

  it.each(damagedFiles)('refuses a file %s', async (_, path, reason) => {
    await expect(openSafetensors(path)).rejects.toThrow(
      new BertuneError(`${path} is damaged (${reason}): download or copy it again`),
    );
  });

  it('refuses an empty file and a missing file', async () => {
    const path = fileOf({}, 0);
    truncateSync(path, 3);
    await expect(openSafetensors(path)).rejects.toThrow(`${path} is damaged (cut short: 3 bytes)`);
    await expect(openSafetensors(`${path}.gone`)).rejects.toThrow(new UsageError(`${path}.gone does not exist`));
    const folder = temporaryFolder();
    await expect(openSafetensors(folder)).rejects.toThrow(
      new UsageError(`${folder} cannot be read: it is a folder, not a file`),
    );
  });

  it('reads what lies beside a tensor of an unknown element type, and refuses that one alone', async () => {
    const b = { dtype: 'X4', shape: [3], data_offsets: [8, 10] };
    const path = fileOf({ a, b, c: { ...a, data_offsets: [10, 18] } }, 18);
    const file = await openSafetensors(path);
    expect([...file.tensors.keys()]).toEqual(['a', 'b', 'c']);
    expect((await file.read('c')).length).toBe(2);
    await expect(file.read('b')).rejects.toThrow(
      new BertuneError(`${path}: b is stored as X4; F32, F16, BF16 and F64 can be read`),
    );
    await file.close();
  });

  it('reads what lies beyond 2 GiB, and refuses a tensor that no array can hold', async () => {
    const large = 2 ** 31;
    const header = {
      hole: { dtype: 'F16', shape: [large / 2], data_offsets: [0, large] },
      a: { ...a, data_offsets: [large, large + 8] },
      huge: { dtype: 'F16', shape: [2 ** 34], data_offsets: [large + 8, large + 8 + 2 ** 35] },
    };
    const path = fileOf(header, 0);
    const end = statSync(path).size;
    truncateSync(path, end + large + 8 + 2 ** 35);
    const handle = openSync(path, 'r+');
    writeSync(handle, new Uint8Array(Float32Array.of(1.5, -2).buffer), 0, 8, end + large);
    closeSync(handle);
    const file = await openSafetensors(path);
    expect([...(await file.read('a'))]).toEqual([1.5, -2]);
    await expect(file.read('huge')).rejects.toThrow(
      new BertuneError(`${path}: huge takes 68.7 GB of memory, more than there is: use a smaller model`),
    );
    await file.close();
  });

  it('reads no integers as weights', async () => {
    const path = fileOf({ a: { ...a, dtype: 'I32' } }, 8);
    const file = await openSafetensors(path);
    await expect(file.read('a')).rejects.toThrow(`${path}: a is stored as I32; F32, F16, BF16 and F64 can be read`);
    await file.close();
  });
});
