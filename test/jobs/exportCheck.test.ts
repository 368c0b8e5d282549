import { expect, test } from 'vitest';
import { compareRows } from '../../src/jobs/exportCheck.ts';

const rows = (...values: number[][]) => values.map((row) => Float32Array.from(row));

test('the largest difference is told as a part of the largest number, and labels are compared', () => {
  const found = compareRows(rows([1, -4], [2, 3]), rows([1.5, -4], [3.5, 3]), 'oneLabel');
  expect(found).toEqual({ largestDifference: 1.5 / 4, agreement: 0.5 });
  expect(compareRows(rows([1, 2]), rows([1, 2]), 'pooled')).toEqual({
    largestDifference: 0,
    agreement: null,
  });
});

test.each([
  ['first', rows([Number.NaN, 2], [1, 2])],
  ['last', rows([1, 2], [1, Number.NaN])],
  ['of another length', rows([1], [1, 5])],
])('a row with no number is never taken for a small difference: %s', (_, exported) => {
  const { largestDifference } = compareRows(rows([1, 2], [1, 2]), exported, 'maskedLm');
  expect(largestDifference).toBeNaN();
});
