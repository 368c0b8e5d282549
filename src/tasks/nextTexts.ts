import { type Chosen, chooseTexts, type Strategy } from '../evaluation/choosing.ts';
import type { Rows } from '../evaluation/neighbours.ts';
import type { Examples, Learner } from './learner.ts';

export interface NextTextsOptions {
  readonly learner: Learner;
  /** Of all texts of the learner [n, size]. */
  readonly vectors: Rows;
  /** Those with labels; none at the start. */
  readonly labeled: Examples;
  /** Numbers of the texts to choose from. */
  readonly pool: ArrayLike<number>;
  /** Texts of one number are nearly the same [n]. */
  readonly groups: ArrayLike<number>;
  readonly strategy: Strategy;
  readonly count: number;
  readonly seed: number;
  /** The inverse of the penalty's weight; chosen by folds when absent. */
  readonly c?: number;
}

/** Texts that are worth a label, by number among the learner's. */
export async function nextTexts(options: NextTextsOptions): Promise<Chosen[]> {
  const { learner, vectors, labeled, pool, groups, strategy, count, seed } = options;
  const isTold = new Set(Array.from(labeled.labels)).size > 1 && strategy !== 'random' && strategy !== 'coverage';
  let probabilities: { data: Float32Array; classes: number } | undefined;
  if (isTold) {
    const c = options.c ?? (await learner.chooseC(labeled, seed));
    const data = (await learner.fit(labeled, c))(pool).map(Math.exp);
    probabilities = { data, classes: labeled.classes };
  }
  const at = (numbers: ArrayLike<number>): Rows => {
    const { data, size } = vectors;
    const rows = new Float32Array(numbers.length * size);
    for (let i = 0; i < numbers.length; i++) {
      const from = (numbers[i] as number) * size;
      rows.set(data.subarray(from, from + size), i * size);
    }
    return { data: rows, size };
  };
  const chosen = chooseTexts({
    ...{ strategy, count, seed, probabilities, pool: at(pool), labeled: at(labeled.texts) },
    groups: Array.from(pool, (i) => groups[i] as number),
  });
  return chosen.map((one) => ({ ...one, index: pool[one.index] as number }));
}
