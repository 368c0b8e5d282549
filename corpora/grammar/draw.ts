import { randomUnit } from '../../src/core/random.ts';

/** Random choices of one message: a pure function of (seed, stream, message), drawn in order. */
export interface Draw {
  /** An integer in [0, limit). */
  below(limit: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
}

export function drawFor(seed: number, stream: number, message: number): Draw {
  let count = 0;
  const unit = () => randomUnit(seed, 'corpus', stream, message, count++);
  const below = (limit: number) => Math.floor(unit() * limit);
  return {
    below,
    chance: (probability) => unit() < probability,
    pick: (list) => {
      if (list.length === 0) throw new RangeError('pick: the list is empty');
      return list[below(list.length)] as (typeof list)[number];
    },
  };
}
