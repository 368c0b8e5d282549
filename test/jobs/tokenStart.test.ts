import { expect, test } from 'vitest';
import { tokenHeadStart } from '../../src/jobs/tokens/tokenHead.ts';
import type { ParameterValues } from '../../src/nn/parameters.ts';

const drawn = (...weight: number[]): ParameterValues =>
  new Map([['tokenClassifier.weight', Float32Array.from(weight)]]);
const startOf = (weight: number[], bias: number[], values: ParameterValues) => {
  const start = tokenHeadStart({ weight: Float64Array.from(weight), bias: Float64Array.from(bias) }, values);
  return [start.get('tokenClassifier.weight'), start.get('tokenClassifier.bias')].map((part) => [...(part ?? [])]);
};

test('training starts from the fitted directions at the size of a head that is drawn at random', () => {
  // Of norm 20 beside one of norm 5: a quarter of all.
  expect(startOf([12, 0, -16, 0], [8, -2], drawn(3, 0, 0, 4))).toEqual([
    [3, 0, -4, 0],
    [2, -0.5],
  ]);
});

test('a fitted head that is smaller stays as it is', () => {
  expect(startOf([0.5, 0, 0, -0.5], [1, 0], drawn(3, 0, 0, 4))).toEqual([
    [0.5, 0, 0, -0.5],
    [1, 0],
  ]);
  expect(startOf([0, 0, 0, 0], [1, 0], drawn(3, 0, 0, 4))).toEqual([
    [0, 0, 0, 0],
    [1, 0],
  ]);
});
