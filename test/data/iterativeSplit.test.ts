import { describe, expect, test } from 'vitest';
import { randomUnit } from '../../src/core/random.ts';
import { iterativeSplit } from '../../src/data/iterativeSplit.ts';

/** Labels by rising rarity: text `i` has label `c` with probability 0.5 / (c + 1)². */
const labels = Array.from({ length: 400 }, (_, i) =>
  Array.from({ length: 6 }, (_, c) => c).filter((c) => randomUnit(1, 'corpus', i, c) < 0.5 / (c + 1) ** 2),
);
const shares = [0.2, 0.2, 0.2, 0.2, 0.2];

function countsOf(parts: Int32Array, part: number): number[] {
  const own = labels.filter((_, i) => parts[i] === part);
  return Array.from({ length: 6 }, (_, c) => own.filter((list) => list.includes(c)).length);
}

describe('iterative stratification', () => {
  test('deals every label evenly, the rare ones too, and the texts', () => {
    const parts = iterativeSplit({ labels, keys: [], shares, seed: 0 });
    const counts = shares.map((_, part) => countsOf(parts, part));
    for (let c = 0; c < 6; c++) {
      const of = counts.map((count) => count[c] as number);
      expect(Math.max(...of) - Math.min(...of), `label ${c}`).toBeLessThanOrEqual(2);
    }
    const sizes = shares.map((_, part) => parts.filter((one) => one === part).length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(4);
  });

  test('by chance alone rare labels lie less evenly', () => {
    const dealt = iterativeSplit({ labels, keys: [], shares, seed: 0 });
    const drawn = Int32Array.from(labels, (_, i) => Math.floor(5 * randomUnit(2, 'corpus', i)));
    const unevenness = (parts: Int32Array) => {
      const total = countsOf(new Int32Array(labels.length), 0);
      return shares.reduce((sum, share, part) => {
        return sum + countsOf(parts, part).reduce((all, n, c) => all + (n / (total[c] as number) - share) ** 2, 0);
      }, 0);
    };
    expect(unevenness(dealt)).toBeLessThan(0.5 * unevenness(drawn));
  });

  test('what shares a key stays together, and a seed gives the same again', () => {
    const keys = [labels.map((_, i) => `group ${i % 50}`)];
    const parts = iterativeSplit({ labels, keys, shares: [0.9, 0.1], seed: 3 });
    for (let i = 50; i < labels.length; i++) expect(parts[i]).toBe(parts[i % 50]);
    expect(parts.filter((part) => part === 1).length).toBeGreaterThan(20);
    expect(iterativeSplit({ labels, keys, shares: [0.9, 0.1], seed: 3 })).toEqual(parts);
  });

  test('a label of one text is not held out', () => {
    const single = [[0], [0], [0], [0], [0], [0], [0], [0], [0], [1]];
    for (let seed = 0; seed < 8; seed++) {
      expect(iterativeSplit({ labels: single, keys: [], shares: [0.9, 0.1], seed })[9]).toBe(0);
    }
  });
});
