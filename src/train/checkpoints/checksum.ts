/** Words between two looks at the digest: few enough that the loop below is called often and compiled early. */
const blockWords = 16_384;
const factor = 0x9e3779b1;

/**
 * A checksum of 64 bits over 32-bit words, for damage rather than malice, at about the speed of memory. Every step is a
 * bijection of the word that it takes, so one changed word is always seen. It is part of the checkpoint format.
 */
export class Checksum {
  readonly #lanes = Int32Array.of(1, 2, 3, 4);
  #words = 0;

  /** Takes in more words: a multiple of four, but for the last ones. */
  update(words: Int32Array): this {
    for (let from = 0; from < words.length; from += blockWords) {
      mixWords(this.#lanes, words.subarray(from, from + blockWords));
    }
    this.#words += words.length;
    return this;
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    const [a = 0, b = 0, c = 0, d = 0] = this.#lanes;
    const halves = [mix(mix(a, b), this.#words | 0), mix(c, d)];
    return halves.map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }
}

/** The words of an array, without a copy. */
export function wordsOf({ buffer, byteOffset, length }: Float32Array): Int32Array {
  return new Int32Array(buffer, byteOffset, length);
}

function mixWords(lanes: Int32Array, words: Int32Array): void {
  let [a = 0, b = 0, c = 0, d = 0] = lanes;
  const whole = words.length - (words.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a = mix(a, words[i] as number);
    b = mix(b, words[i + 1] as number);
    c = mix(c, words[i + 2] as number);
    d = mix(d, words[i + 3] as number);
  }
  for (let i = whole; i < words.length; i++) a = mix(a, words[i] as number);
  lanes.set([a, b, c, d]);
}

function mix(lane: number, word: number): number {
  const product = Math.imul(lane ^ word, factor);
  return (product << 15) | (product >>> 17);
}
