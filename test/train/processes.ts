import type { Collective } from '../../src/engine/trainState.ts';

/** Collectives of as many ranks within this process: each sum waits for all of them and adds in the order of ranks. */
export function inOneProcess(size: number): Collective[] {
  let waiting: { values: Float32Array | Float64Array; done: () => void }[] = [];
  const meet = () => {
    const [first, ...others] = waiting;
    waiting = [];
    if (!first) return;
    for (const { values } of others) {
      if (values.length !== first.values.length) throw new Error('the processes sum different arrays');
      values.forEach((value, i) => {
        first.values[i] = (first.values[i] ?? 0) + value;
      });
    }
    for (const { values } of others) values.set(first.values);
    for (const { done } of [first, ...others]) done();
  };
  let places: ({ values: Float32Array | Float64Array; done: () => void } | undefined)[] = new Array(size).fill(
    undefined,
  );
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    sum: (values) =>
      new Promise<void>((done) => {
        places[rank] = { values, done };
        const all = places.flatMap((place) => (place ? [place] : []));
        if (all.length < size) return;
        places = new Array(size).fill(undefined);
        waiting = all;
        meet();
      }),
  }));
}
