import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { holm, measureSlices } from '../../src/evaluation/slices.ts';

interface Reference {
  readonly values: string[];
  readonly right: boolean[];
  readonly slices: { value: string; texts: number; accuracy: number; p: number | null }[];
  readonly holm: { chances: number[]; corrected: number[] }[];
}

/** Made by `slices.py` beside it, with scipy and statsmodels. */
const reference: Reference = JSON.parse(
  readFileSync(new URL('../fixtures/slices/slices.json', import.meta.url), 'utf8'),
);

test('chances of slices are those of scipy and statsmodels; one that is too small is not tried', () => {
  const slices = measureSlices(reference.values, reference.right);
  expect(slices.length).toBe(reference.slices.length);
  for (const { value, texts, accuracy, p } of reference.slices) {
    const own = slices.find((one) => one.value === value);
    expect(own?.texts).toBe(texts);
    expect(own?.accuracy).toBeCloseTo(accuracy, 12);
    if (p === null) expect(own).toMatchObject({ p: null, isWorse: false });
    else expect((own?.p ?? 0) / p, value).toBeCloseTo(1, 8);
    expect(own?.isWorse).toBe(p !== null && p < 0.05);
  }
  // Both cases are there, and the worst stands first.
  expect(slices.map(({ isWorse }) => isWorse)).toContain(false);
  expect(slices[0]).toMatchObject({ value: 'phone', isWorse: true });
});

test('Holm corrects as statsmodels does', () => {
  for (const { chances, corrected } of reference.holm) {
    for (const [i, p] of holm(chances).entries()) expect(p).toBeCloseTo(corrected[i] as number, 12);
  }
});

test('where slices differ by chance alone, one in twenty sets of them names one', () => {
  let named = 0;
  let state = 12345;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let draw = 0; draw < 400; draw++) {
    const values = Array.from({ length: 300 }, () => `channel ${Math.floor(random() * 6)}`);
    const right = values.map(() => random() < 0.8);
    if (measureSlices(values, right).some(({ isWorse }) => isWorse)) named++;
  }
  // Exact tests are cautious: at most 5 % are expected, 36 of 400 come up once in a thousand times at that.
  expect(named).toBeLessThan(36);
  expect(named).toBeGreaterThan(0);
});

test('a single value, or none, is compared with nothing', () => {
  expect(measureSlices([], [])).toEqual([]);
  expect(measureSlices(new Array(50).fill('a'), new Array(50).fill(false))).toMatchObject([
    { value: 'a', others: null, p: null, isWorse: false, accuracy: 0 },
  ]);
});
