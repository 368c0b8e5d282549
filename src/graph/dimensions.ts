import type { Shape } from '../core/tensor.ts';

/**
 * Sizes that are known only when a graph runs. In shapes they stand as primes that no real size is a multiple of, so
 * every rule that computes with sizes (products, broadcasting, equal counts of elements) holds for them as it is, and a
 * lowering can tell `rows · width` from either: factors are unique.
 */
const primes = [1_000_003, 1_000_033, 1_000_037] as const;

/** The free dimensions of one graph by the number that stands for each. */
export class FreeDimensions {
  readonly #names = new Map<number, string>();

  /** The number that stands for a new free dimension. @throws when there are no more numbers. */
  add(name: string): number {
    const prime = primes[this.#names.size];
    if (prime === undefined) throw new Error(`graph: no more than ${primes.length} free dimensions`);
    this.#names.set(prime, name);
    return prime;
  }

  /** Name of the dimension that a size stands for; undefined for a size that is a number. */
  nameOf(size: number): string | undefined {
    return this.#names.get(size);
  }

  /** A size as the free dimensions in it and a factor that is known. */
  factors(size: number): { readonly free: readonly number[]; readonly known: number } {
    const free: number[] = [];
    let known = size;
    for (const prime of this.#names.keys()) {
      for (; known > 0 && known % prime === 0; known /= prime) free.push(prime);
    }
    return { free, known };
  }

  isFree(size: number): boolean {
    return this.factors(size).free.length > 0;
  }

  /** Whether a shape has a size that is known only when the graph runs. */
  anyFree(shape: Shape): boolean {
    return shape.some((size) => this.isFree(size));
  }
}
