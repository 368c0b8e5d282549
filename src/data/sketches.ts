/** Bands of a sketch, and minima that make a band. */
const [bands, rows] = [32, 4];
const minima = bands * rows;

/**
 * What tells which sets may be alike (Broder 1997; Leskovec et al., "Mining of massive datasets", 3.4): of each set, for
 * every one of 128 orders of all there may be, what comes first in it. Two sets have the same first in as many of the
 * orders as their similarity says; those that have four of a band alike are in one bucket. Kept is a number a band.
 */
export class Sketches {
  #size = 0;
  /** [size, bands], with room for more. */
  #keys = new Uint32Array(bands * 1024);
  readonly #isEmpty: number[] = [];
  readonly #first = new Uint32Array(minima);

  get size(): number {
    return this.#size;
  }

  /** @param members numbers below 2^48 */
  add(members: ArrayLike<number>): void {
    if ((this.#size + 1) * bands > this.#keys.length) {
      const larger = new Uint32Array(this.#keys.length * 2);
      larger.set(this.#keys);
      this.#keys = larger;
    }
    if (members.length === 0) this.#isEmpty.push(this.#size);
    const first = this.#first.fill(0xffffffff);
    for (let i = 0; i < members.length; i++) {
      const member = members[i] as number;
      const a = mixed((member >>> 0) ^ Math.imul(Math.floor(member / 2 ** 32) + 1, 0x9e3779b1));
      // An odd step, so that the orders differ from member to member.
      const step = mixed(a ^ 0x5bd1e995) | 1;
      let order = a;
      for (let m = 0; m < minima; m++) {
        order = (order + step) | 0;
        const value = Math.imul(order ^ (order >>> 15), 0x2c1b3c6d) >>> 0;
        if (value < (first[m] as number)) first[m] = value;
      }
    }
    const at = this.#size * bands;
    for (let band = 0; band < bands; band++) {
      let key = band + 1;
      for (let r = 0; r < rows; r++) key = mixed(Math.imul(key, 0x01000193) ^ (first[band * rows + r] as number));
      this.#keys[at + band] = key;
    }
    this.#size++;
  }

  /** Sets that may be alike, by number, ascending: each pair of them is in some bucket, some in several. */
  *buckets(): Generator<readonly number[]> {
    const empty = new Set(this.#isEmpty);
    const order = Uint32Array.from({ length: this.#size }, (_, i) => i).filter((i) => !empty.has(i));
    for (let band = 0; band < bands; band++) {
      const keyOf = (i: number) => this.#keys[i * bands + band] as number;
      order.sort((a, b) => keyOf(a) - keyOf(b) || a - b);
      for (let from = 0; from < order.length; ) {
        const key = keyOf(order[from] as number);
        let to = from + 1;
        while (to < order.length && keyOf(order[to] as number) === key) to++;
        if (to - from > 1) yield Array.from(order.subarray(from, to));
        from = to;
      }
    }
  }
}

/** The 32 bits of a number, each spread over all (the finalizer of MurmurHash3). */
function mixed(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
