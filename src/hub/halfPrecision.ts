/**
 * The two 16-bit floating point formats that weights are stored in, converted from and to float32: IEEE 754 binary16
 * (5 exponent bits) and bfloat16 (the upper half of a float32). Narrowing rounds to nearest, ties to even; values too
 * large become infinities, NaN stays NaN.
 */

/** Widens binary16 bit patterns into `target`. */
export function widenFloat16(bits: Uint16Array, target: Float32Array): void {
  float16Values ??= allFloat16Values();
  const table = float16Values;
  for (let i = 0; i < bits.length; i++) target[i] = table[bits[i] as number] as number;
}

/** Widens bfloat16 bit patterns into `target`. */
export function widenBfloat16(bits: Uint16Array, target: Float32Array): void {
  const words = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < bits.length; i++) words[i] = (bits[i] as number) << 16;
}

/** Narrows `values` to binary16 bit patterns. */
export function narrowToFloat16(values: Float32Array, target: Uint16Array): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) target[i] = float16Bits(words[i] as number);
}

/** Narrows `values` to bfloat16 bit patterns. */
export function narrowToBfloat16(values: Float32Array, target: Uint16Array): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number;
    const notANumber = (word & 0x7fffffff) > 0x7f800000;
    // Rounding a NaN could carry into the sign or give an infinity, so its quiet bit is set instead.
    target[i] = notANumber ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
}

let float16Values: Float32Array | undefined;

function allFloat16Values(): Float32Array {
  return Float32Array.from({ length: 0x10000 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >>> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

/** The binary16 nearest to the float32 of the bit pattern `word`. */
function float16Bits(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  const exponent = (magnitude >>> 23) - 112;
  if (exponent >= 31) return sign | 0x7c00;
  // A carry out of the fraction steps the exponent up, as far as to infinity, which is the right rounding.
  if (exponent > 0) return sign | roundedShift(magnitude - (112 << 23), 13);
  // Below half of the smallest subnormal, 2^-24.
  if (exponent < -10) return sign;
  return sign | roundedShift((magnitude & 0x7fffff) | 0x800000, 14 - exponent);
}

/** value / 2^shift, rounded to nearest, ties to even. */
function roundedShift(value: number, shift: number): number {
  const odd = (value >>> shift) & 1;
  return (value + (1 << (shift - 1)) - 1 + odd) >>> shift;
}
