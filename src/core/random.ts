/**
 * Counter-based randomness: every draw is a pure function of (seed, purpose, counters), so nothing has to be saved to
 * repeat or resume a run. The generator is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as
 * 1, 2, 3").
 */

/** What a draw is for; draws for different purposes are independent. Append only: the numbers are part of a run. */
const purposes = {
  order: 1,
  mask: 2,
  dropout: 3,
  initialize: 4,
  split: 5,
  sample: 6,
  corpus: 7,
  bootstrap: 8,
  patchMask: 9,
  noise: 10,
  augment: 11,
  neighbours: 12,
  labels: 13,
  folds: 14,
  classOrder: 15,
} as const;

export type Purpose = keyof typeof purposes;

/** Four 32-bit draws for the counters (a, b, c), written to `out[0..3]`. Counters are unsigned 32-bit integers. */
export function randomBits(
  seed: number,
  purpose: Purpose,
  a: number,
  b: number,
  c: number,
  out: Uint32Array,
): Uint32Array {
  return philox4x32(a, b, c, Math.floor(seed / 2 ** 32), seed, purposes[purpose], out);
}

/** A draw in [0, 1) with 53 bits for the counters (a, b, c). */
export function randomUnit(seed: number, purpose: Purpose, a: number, b = 0, c = 0): number {
  randomBits(seed, purpose, a, b, c, scratch);
  return unitOf(scratch[0] as number, scratch[1] as number);
}

/** An integer in [0, limit) for the counters; the bias of the reduction is below 2^-21 for limits up to 2^32. */
export function randomBelow(limit: number, seed: number, purpose: Purpose, a: number, b = 0, c = 0): number {
  return Math.floor(randomUnit(seed, purpose, a, b, c) * limit);
}

/** 53 random bits as a number in [0, 1). */
export function unitOf(high: number, low: number): number {
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
}

/** Normal draws: element i is a function of (seed, purpose, a, b, i) alone (Box-Muller). */
export function fillNormal(
  target: Float32Array,
  deviation: number,
  seed: number,
  purpose: Purpose,
  a: number,
  b = 0,
): void {
  for (let i = 0; i < target.length; i += 2) {
    randomBits(seed, purpose, a, i, b, scratch);
    const radius = Math.sqrt(-2 * Math.log(1 - unitOf(scratch[0] as number, scratch[1] as number))) * deviation;
    const angle = 2 * Math.PI * unitOf(scratch[2] as number, scratch[3] as number);
    target[i] = radius * Math.cos(angle);
    if (i + 1 < target.length) target[i + 1] = radius * Math.sin(angle);
  }
}

/** Uniform draws from -bound to bound: element i is a function of (seed, purpose, a, i) alone. */
export function fillUniform(target: Float32Array, bound: number, seed: number, purpose: Purpose, a: number): void {
  for (let i = 0; i < target.length; i++) target[i] = (2 * randomUnit(seed, purpose, a, i) - 1) * bound;
}

/**
 * Where element `index` of 0..size-1 stands in the shuffled order of `epoch`: a bijection computed in constant time
 * and memory (a four-round Feistel network over the next even power of two, walked until the value is in range).
 */
export function permutedIndex(index: number, size: number, seed: number, epoch: number): number {
  let bits = 1;
  while (4 ** bits < size) bits++;
  const half = 2 ** bits;
  let value = index;
  do {
    let left = Math.floor(value / half);
    let right = value % half;
    for (let round = 0; round < 4; round++) {
      randomBits(seed, 'order', epoch, right, round, scratch);
      const mixed = (left ^ ((scratch[0] as number) & (half - 1))) >>> 0;
      left = right;
      right = mixed;
    }
    value = left * half + right;
  } while (value >= size);
  return value;
}

const scratch = new Uint32Array(4);

/** One Philox4x32-10 block: counter (c0..c3) under key (k0, k1). */
export function philox4x32(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
  out: Uint32Array,
): Uint32Array {
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0);
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
  return out;
}

/** The upper 32 bits of the unsigned product of two 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) | 0;
}
