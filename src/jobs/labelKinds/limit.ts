import { alone } from '../../core/collective.ts';
import { randomUnit } from '../../core/random.ts';
import { sha256 } from '../../data/cacheFolder.ts';
import { refuseOtherData } from '../sameEverywhere.ts';
import type { JobHooks } from '../types.ts';

/** At most `limit` texts with their targets [n, size], drawn by chance and in their order. */
export async function drawn(
  texts: readonly string[],
  targets: ArrayLike<number>,
  size: number,
  { limit, seed }: { readonly limit?: number; readonly seed: number },
  { collective = alone }: JobHooks,
): Promise<{ readonly texts: string[]; readonly targets: Float64Array }> {
  const numbers = drawnNumbers(texts.length, limit, seed);
  const chosen = {
    texts: numbers.map((i) => texts[i] as string),
    targets: Float64Array.from({ length: numbers.length * size }, (_, at) => {
      return targets[(numbers[Math.floor(at / size)] as number) * size + (at % size)] as number;
    }),
  };
  const read = JSON.stringify([chosen.texts, Array.from(chosen.targets)]);
  await refuseOtherData(collective, { data: sha256(read).slice(0, 16) });
  return chosen;
}

/** At most `limit` of the numbers below `count`, ascending: a smaller draw is part of a larger one. */
export function drawnNumbers(count: number, limit: number | undefined, seed: number): number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  if (limit === undefined || limit >= count) return all;
  const draw = (i: number) => randomUnit(seed, 'sample', i);
  return all
    .sort((a, b) => draw(a) - draw(b) || a - b)
    .slice(0, limit)
    .sort((a, b) => a - b);
}
