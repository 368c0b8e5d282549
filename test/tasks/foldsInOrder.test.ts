import { expect, test } from 'vitest';
import { auditFolds, foldsInOrder } from '../../src/tasks/outOfFold.ts';

test('of each class a fifth that follows one another is a fold, and what repeats is in one', () => {
  const labels = Int32Array.from({ length: 90 }, (_, i) => Number(i % 3 === 0));
  const all = Array.from(labels, (_, i) => (i === 80 ? ' Text 7' : `text ${i}`));
  const folds = foldsInOrder({ texts: Int32Array.from(labels.keys()), labels, classes: 2 }, all);
  for (const c of [0, 1]) {
    const own = Array.from(labels.keys()).filter((i) => labels[i] === c);
    own.forEach((i, rank) => {
      if (i !== 80) expect(folds[i]).toBe(Math.floor((auditFolds * rank) / own.length));
    });
  }
  expect(folds[80]).toBe(folds[7]);
});
