import type { Collective } from '../../src/core/collective.ts';

/** Collectives of as many ranks within this process: each call waits for all of them; sums add in the order of ranks. */
export function inOneProcess(size: number): Collective[] {
  const sums = meeting<Float32Array | Float64Array, void>(size, (all) => {
    const [first, ...others] = all;
    for (const other of others) {
      if (!first || other.length !== first.length) throw new Error('the ranks sum different arrays');
      for (const [i, value] of other.entries()) first[i] = (first[i] ?? 0) + value;
    }
    for (const other of others) other.set(first ?? []);
    return all.map(() => undefined);
  });
  const exchanges = meeting<readonly Uint8Array[], Uint8Array[]>(size, (all) =>
    // Where MPI puts them, they begin anywhere.
    all.map((_, rank) => all.map((parts) => shifted(parts[rank] ?? new Uint8Array(0)))),
  );
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    sum: (values) => sums(rank, values),
    exchange: (parts) => exchanges(rank, parts),
  }));
}

/** What all ranks bring is turned into what each of them gets. */
function meeting<T, R>(size: number, turn: (all: readonly T[]) => readonly R[]): (rank: number, own: T) => Promise<R> {
  const places = new Map<number, { own: T; done(result: R): void }>();
  return (rank, own) =>
    new Promise((done) => {
      places.set(rank, { own, done });
      if (places.size < size) return;
      const all = Array.from({ length: size }, (_, i) => places.get(i)).filter((place) => place !== undefined);
      places.clear();
      const results = turn(all.map((place) => place.own));
      for (const [i, place] of all.entries()) place.done(results[i] as R);
    });
}

function shifted(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length + 3).subarray(3);
  copy.set(bytes);
  return copy;
}
