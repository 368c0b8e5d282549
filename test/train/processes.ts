import type { Collective } from '../../src/engine/trainState.ts';

interface Place {
  readonly values: Float32Array | Float64Array;
  done(): void;
}

/** Collectives of as many ranks within this process: each sum waits for all of them and adds in the order of ranks. */
export function inOneProcess(size: number): Collective[] {
  const places = new Map<number, Place>();
  const sumUp = () => {
    const [first, ...others] = Array.from({ length: size }, (_, rank) => places.get(rank));
    places.clear();
    for (const other of others) {
      if (!first || other?.values.length !== first.values.length) throw new Error('the ranks sum different arrays');
      for (const [i, value] of other.values.entries()) first.values[i] = (first.values[i] ?? 0) + value;
    }
    for (const other of others) other?.values.set(first?.values ?? []);
    for (const place of [first, ...others]) place?.done();
  };
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    sum: (values) =>
      new Promise<void>((done) => {
        places.set(rank, { values, done });
        if (places.size === size) sumUp();
      }),
  }));
}
