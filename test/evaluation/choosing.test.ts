import { describe, expect, test } from 'vitest';
import { fillNormal } from '../../src/core/random.ts';
import { type ChooseOptions, chooseTexts, type Strategy } from '../../src/evaluation/choosing.ts';
import { kMeans } from '../../src/evaluation/kMeans.ts';

const size = 8;
/** Places of 40, 25, 15 and 10 texts that lie far from each other, one after the other. */
const sizes = [40, 25, 15, 10];
const count = sizes.reduce((sum, one) => sum + one, 0);
const placeOf = sizes.flatMap((own, place) => new Array<number>(own).fill(place));
const data = new Float32Array(count * size);
fillNormal(data, 0.3, 5, 'noise', 0);
for (const [i, place] of placeOf.entries()) data[i * size + place] = (data[i * size + place] as number) + 10;
const pool = { data, size };
const none = { data: new Float32Array(0), size };
const alone = Int32Array.from({ length: count }, (_, i) => i);

function choose(strategy: Strategy, more: Partial<ChooseOptions> = {}) {
  return chooseTexts({ strategy, count: 4, seed: 1, pool, labeled: none, groups: alone, ...more });
}

test('clusters are the places', () => {
  const { clusterOf, clusters } = kMeans(pool, 4, 1);
  expect(clusters).toBe(4);
  for (let i = 1; i < count; i++) {
    expect(clusterOf[i] === clusterOf[i - 1]).toBe(placeOf[i] === placeOf[i - 1]);
  }
});

test('rows that repeat make no more clusters than there are rows that differ', () => {
  const same = { data: new Float32Array(5 * size).fill(1), size };
  expect(kMeans(same, 3, 1).clusters).toBe(1);
});

describe('before there are labels', () => {
  test.each(['mix', 'coverage', 'margin'] as const)('%s takes a text of each place, the largest first', (strategy) => {
    const chosen = choose(strategy);
    expect(chosen.map(({ index }) => placeOf[index])).toEqual([0, 1, 2, 3]);
    expect(chosen.map(({ standsFor }) => standsFor)).toEqual(sizes);
    expect(chosen[1]?.score).toBe(25 / 40);
  });

  test('places with a label come last', () => {
    const labeled = { data: data.slice(3 * size, 4 * size), size };
    expect(choose('coverage', { labeled, count: 3 }).map(({ index }) => placeOf[index])).not.toContain(0);
  });

  test('what is taken is the most typical: the one nearest to its neighbours', () => {
    const [first] = choose('coverage', { count: 1 });
    const far = (i: number) => {
      const own = placeOf.flatMap((place, j) => (place === placeOf[i] ? [j] : []));
      const distances = own.map((j) =>
        Math.hypot(
          ...Array.from({ length: size }, (_, n) => (data[i * size + n] as number) - (data[j * size + n] as number)),
        ),
      );
      return distances
        .sort((a, b) => a - b)
        .slice(1, 21)
        .reduce((sum, one) => sum + one, 0);
    };
    // One cluster holds all, of which the largest place is the densest.
    expect(placeOf[first?.index ?? -1]).toBe(0);
    expect(far(first?.index ?? -1)).toBe(Math.min(...Array.from({ length: 40 }, (_, i) => far(i))));
  });
});

describe('with a classifier', () => {
  /** In doubt between classes 1 and 2 where `i` is 7 or 61, a little where it is 50; sure elsewhere. */
  const rows = Array.from({ length: count }, (_, i) => {
    if (i === 7 || i === 61) return [0.02, 0.5, 0.48];
    return i === 50 ? [0.3, 0.1, 0.6] : [0.98, 0.01, 0.01];
  });
  const probabilities = { data: Float32Array.from(rows.flat()), classes: 3 };
  const labeled = { data: data.slice(0, 9 * size), size };

  test('margin takes what is nearest to a tie, and says between which classes', () => {
    const chosen = choose('margin', { probabilities, labeled, count: 3 });
    expect(chosen.map(({ index }) => index)).toEqual([7, 61, 50]);
    expect(chosen[0]).toMatchObject({ between: [1, 2] });
    expect(chosen[0]?.score).toBeCloseTo(0.98, 6);
    expect(chosen[2]?.score).toBeCloseTo(0.7, 6);
  });

  test('entropy takes what is most even', () => {
    const chosen = choose('entropy', { probabilities, labeled, count: 3 });
    expect(chosen.map(({ index }) => index)).toEqual([50, 7, 61]);
    const entropy = -[0.3, 0.1, 0.6].reduce((sum, p) => sum + p * Math.log(p), 0) / Math.log(3);
    expect(chosen[0]?.score).toBeCloseTo(entropy, 6);
  });

  test('mix takes doubt that lies apart', () => {
    const chosen = choose('mix', { probabilities, labeled, count: 3 }).map(({ index }) => index);
    expect([...chosen].sort((a, b) => a - b)).toEqual([7, 50, 61]);
  });

  test('mix covers places while labels are few', () => {
    const few = { data: data.slice(0, 2 * size), size };
    expect(choose('mix', { probabilities, labeled: few }).every(({ standsFor }) => standsFor !== undefined)).toBe(true);
  });
});

test.each(['mix', 'margin', 'entropy', 'coverage', 'random'] as const)(
  '%s takes one of those that are nearly the same',
  (strategy) => {
    const groups = Int32Array.from(alone, (i) => i % 3);
    const probabilities = { data: new Float32Array(count * 2).map((_, i) => (i % 2 ? 0.4 : 0.6)), classes: 2 };
    const labeled = { data: data.slice(0, 10 * size), size };
    const chosen = choose(strategy, { groups, probabilities, labeled, count: 20 });
    expect(chosen).toHaveLength(3);
    expect(new Set(chosen.map(({ index }) => index % 3)).size).toBe(3);
    expect(choose(strategy, { groups, probabilities, labeled, count: 20 })).toEqual(chosen);
  },
);
