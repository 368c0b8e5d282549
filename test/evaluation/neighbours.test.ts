import { describe, expect, test } from 'vitest';
import { randomUnit } from '../../src/core/random.ts';
import { neighbourAgreement } from '../../src/evaluation/neighbours.ts';

describe('agreement of neighbours', () => {
  const size = 3;
  const drawn = (seed: number) =>
    Float32Array.from({ length: 30 * size }, (_, i) => randomUnit(seed, 'split', i) - 0.5);

  test('is the share of nearest others that stay, as plain sorting finds them', () => {
    const [before, after] = [drawn(1), drawn(2)];
    const nearestOthers = (data: Float32Array, row: number, k: number) => {
      const at = (i: number) => Array.from(data.subarray(i * size, (i + 1) * size));
      const cosine = (i: number) => {
        const [a, b] = [at(row), at(i)];
        const product = a.reduce((sum, x, j) => sum + x * (b[j] ?? 0), 0);
        return product / Math.hypot(...b);
      };
      const others = Array.from({ length: 30 }, (_, i) => i).filter((i) => i !== row);
      return others.sort((i, j) => cosine(j) - cosine(i)).slice(0, k);
    };
    let kept = 0;
    for (let row = 0; row < 30; row++) {
      const now = nearestOthers(after, row, 5);
      kept += nearestOthers(before, row, 5).filter((i) => now.includes(i)).length;
    }
    expect(kept).toBeGreaterThan(0);
    expect(neighbourAgreement({ data: before, size }, { data: after, size }, 5)).toBeCloseTo(kept / 150, 12);
  });

  test('is 1 of the same vectors, whatever their lengths and repetitions', () => {
    const data = drawn(3);
    const longer = data.map((x, i) => x * (1 + Math.floor(i / size)));
    expect(neighbourAgreement({ data, size }, { data: longer, size }, 5)).toBe(1);
    data.copyWithin(size, 0, size);
    expect(neighbourAgreement({ data, size }, { data, size }, 5)).toBe(1);
  });
});
