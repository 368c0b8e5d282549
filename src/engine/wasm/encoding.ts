/** Bytes of WebAssembly's binary format (WebAssembly core specification 2.0, chapter 5), as much as one loop needs. */
export type Code = readonly number[];

export const valueType = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const;

/** An unsigned number (LEB128). */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

/** A signed number (LEB128). */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest < -64 || rest > 63) {
    bytes.push((rest & 127) | 128);
    rest >>= 7;
  }
  bytes.push(rest & 127);
  return bytes;
}

export function list(items: readonly Code[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, content: Code): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function name(text: string): number[] {
  return list([...new TextEncoder().encode(text)].map((byte) => [byte]));
}

const simd = (opcode: number) => [0xfd, ...unsigned(opcode)];

/** Instructions; memory operands take the address from the stack and add `offset` bytes. */
export const instruction = {
  get: (local: number) => [0x20, ...unsigned(local)],
  set: (local: number) => [0x21, ...unsigned(local)],
  tee: (local: number) => [0x22, ...unsigned(local)],
  integer: (value: number) => [0x41, ...signed(value)],
  float: (value: number) => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)],
  addIntegers: [0x6a],
  subtractIntegers: [0x6b],
  /** Repeats `body` until the integer that it leaves on the stack is 0. */
  loop: (body: Code) => [0x03, 0x40, ...body, 0x0d, 0x00, 0x0b],
  load: (offset: number) => [...simd(0x00), ...unsigned(4), ...unsigned(offset)],
  store: (offset: number) => [...simd(0x0b), ...unsigned(4), ...unsigned(offset)],
  /** Four 32-bit integers. */
  vector: (words: readonly number[]) => [...simd(0x0c), ...new Uint8Array(Int32Array.from(words).buffer)],
  /** The number on the stack in all four lanes. */
  splat: simd(0x13),
  splatIntegers: simd(0x11),
  addLanes: simd(0xae),
  multiplyLanes: simd(0xb5),
  /** By the integer on the stack, zeros coming in. */
  shiftLeft: simd(0xab),
  shiftRight: simd(0xad),
  /** All bits of a lane set where it is less than the other, without signs. */
  lessUnsigned: simd(0x3a),
  and: simd(0x4e),
  or: simd(0x50),
  /** Eight 16-bit integers from two vectors of four, and sixteen bytes from two vectors of eight. */
  narrowLanes: simd(0x85),
  narrowHalves: simd(0x65),
  negate: simd(0xe1),
  sqrt: simd(0xe3),
  add: simd(0xe4),
  subtract: simd(0xe5),
  multiply: simd(0xe6),
  divide: simd(0xe7),
  /** Two doubles from the lower two floats. */
  widen: simd(0x5f),
  addDoubles: simd(0xf0),
  /** The upper two floats of the vector, twice. */
  upperHalf: (vector: number) => [
    ...[...instruction.get(vector), ...instruction.get(vector)],
    ...[...simd(0x0d), ...[8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]],
  ],
};

/** A module that imports a memory as `host.memory` and exports one function, `run`. */
export function moduleOf(parameters: readonly number[], vectors: number, body: Code): Uint8Array<ArrayBuffer> {
  const locals = list([[...unsigned(vectors), valueType.v128]]);
  const code = [...locals, ...body, 0x0b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list([[0x60, ...list(parameters.map((type) => [type])), 0]])),
    ...section(2, list([[...name('host'), ...name('memory'), 0x02, 0x00, 0x00]])),
    ...section(3, list([[0]])),
    ...section(7, list([[...name('run'), 0x00, 0x00]])),
    ...section(10, list([[...unsigned(code.length), ...code]])),
  ]);
}
