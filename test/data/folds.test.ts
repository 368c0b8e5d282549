import { describe, expect, test } from 'vitest';
import { stratifiedFolds } from '../../src/data/folds.ts';

const five = { count: 5, seed: 0, keys: [] };

function countsOf(folds: Int32Array, classes: readonly number[], label: number): number[] {
  return [0, 1, 2, 3, 4].map((fold) => classes.filter((c, i) => c === label && folds[i] === fold).length);
}

describe('stratified folds', () => {
  test('every fold has its share of every class', () => {
    const classes = [...Array(50).fill(0), ...Array(23).fill(1), ...Array(3).fill(2)];
    const folds = stratifiedFolds({ ...five, classes });
    expect(countsOf(folds, classes, 0)).toEqual([10, 10, 10, 10, 10]);
    expect(countsOf(folds, classes, 1).toSorted()).toEqual([4, 4, 5, 5, 5]);
    expect(countsOf(folds, classes, 2).toSorted()).toEqual([0, 0, 1, 1, 1]);
    const sizes = [0, 1, 2, 3, 4].map((fold) => folds.filter((f) => f === fold).length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });

  test('the seed alone decides who is in which', () => {
    const classes = Array.from({ length: 60 }, (_, i) => i % 3);
    const folds = stratifiedFolds({ ...five, classes });
    expect(stratifiedFolds({ ...five, classes })).toEqual(folds);
    expect(stratifiedFolds({ ...five, classes, seed: 1 })).not.toEqual(folds);
  });

  test('examples that share a key of any list stay together, also through others', () => {
    const classes = Array.from({ length: 40 }, (_, i) => i % 2);
    const texts = classes.map((_, i) => (i < 4 ? 'again' : `text ${i}`));
    const groups = classes.map((_, i) => (i === 3 || i === 20 || i === 30 ? 'one' : `group ${i}`));
    const folds = stratifiedFolds({ ...five, classes, keys: [texts, groups] });
    expect(new Set([0, 1, 2, 3, 20, 30].map((i) => folds[i])).size).toBe(1);
    const sizes = [0, 1, 2, 3, 4].map((fold) => folds.filter((f) => f === fold).length);
    expect(sizes.toSorted()).toEqual([8, 8, 8, 8, 8]);
  });
});
