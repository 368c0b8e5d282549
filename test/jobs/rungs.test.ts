import { describe, expect, test } from 'vitest';
import { bestOf as best, commonestOf, compared, rightOf, rungsOf, type Tried } from '../../src/jobs/finetune/rungs.ts';
import type { MethodName } from '../../src/jobs/types.ts';

/** A method that is right where the text has a 1, wrong where it has a 0, and has no answer at a dash. */
function tried(method: MethodName, answers: string): Tried {
  const right = [...answers].map((sign) => (sign === '-' ? undefined : sign === '1'));
  return { method, right, seconds: 1, bytes: 8 };
}

/** The best of methods that all are better than the commonest class alone. */
const bestOf = (all: readonly Tried[]) =>
  best(
    all,
    Array.from(all[0]?.right ?? [], () => false),
  );

describe('which of the answers are right', () => {
  test('by the largest logit, and undefined without one', () => {
    const nan = Number.NaN;
    const answers = Float32Array.from([1, 2, 0, nan, nan, nan, 5, 1, 1, 0, 0, 1]);
    expect(rightOf(answers, Int32Array.from([1, 0, 1, 2]), 3)).toEqual([true, undefined, false, true]);
  });
});

describe('two methods are compared on the texts that both answered', () => {
  test('by the mean of the paired differences and its standard error', () => {
    // Differences of the first five: 0, 1, 1, -1, 1, whose variance is 0.8.
    const { mean, standardError, low, high } = compared(tried('words', '100101--'), tried('frozen', '11101-11'));
    expect(mean).toBeCloseTo(0.4, 9);
    expect(standardError).toBeCloseTo(Math.sqrt(0.8 / 5), 6);
    expect(low).toBeCloseTo(mean - 1.959964 * standardError, 5);
    expect(high).toBeCloseTo(mean + 1.959964 * standardError, 5);
  });

  test('none in common says nothing', () => {
    expect(compared(tried('words', '11--'), tried('frozen', '--11')).mean).toBe(0);
  });
});

describe('the best', () => {
  test('of equal ones is the simplest', () => {
    expect(bestOf([tried('words', '1100'), tried('frozen', '0011'), tried('hybrid', '1010')]).method).toBe('words');
  });

  test('a dearer one has to be better by more than a tie', () => {
    const simple = tried('frozen', '1'.repeat(50) + '0'.repeat(50));
    // 21 won and 20 lost: 0.01 at a standard error of 0.064.
    const tie = tried('finetune', `${'0'.repeat(20)}${'1'.repeat(30)}${'1'.repeat(21)}${'0'.repeat(29)}`);
    expect(bestOf([simple, tie]).method).toBe('frozen');
    const better = tried('finetune', `${'0'.repeat(10)}${'1'.repeat(40)}${'1'.repeat(20)}${'0'.repeat(30)}`);
    expect(bestOf([simple, better]).method).toBe('finetune');
  });

  test('a worse one in between is not what others are measured by', () => {
    const all = [tried('words', '1110000000'), tried('frozen', '1100000000'), tried('hybrid', '1111000000')];
    expect(bestOf(all).method).toBe('hybrid');
  });

  test('is none that is no better than the commonest class alone, unless all are so', () => {
    const commonest = commonestOf(Int32Array.from([2, 2, 2, 2, 2, 2, 0, 0, 1, 1]));
    expect(commonest.map(Number).join('')).toBe('1111110000');
    const [words, frozen] = [tried('words', '1111110000'), tried('frozen', '1011101000')];
    const hybrid = tried('hybrid', '1110101110');
    expect(best([words, frozen, hybrid], commonest).method).toBe('hybrid');
    expect(best([words, frozen], commonest).method).toBe('frozen');
    // Of those that answered some texts, these are what they are measured by.
    expect(best([words, frozen, tried('finetune', '------1000')], commonest).method).toBe('finetune');
  });

  test('is chosen by fewer texts where a dear one answered fewer', () => {
    // Over all texts frozen has 6 of 10; of the four that finetune answered it has 1, finetune 3.
    const all = [tried('frozen', '1000111110'), tried('finetune', '1110------')];
    expect(bestOf(all).method).toBe('finetune');
  });
});

test("the report has accuracy with Wilson's interval, and differences from the best", () => {
  const all = [tried('words', '11110000'), tried('frozen', '11111100'), tried('finetune', '1110----')];
  const chosen = bestOf(all);
  expect(chosen.method).toBe('frozen');
  const rungs = rungsOf(all, chosen);
  expect(rungs.map(({ method, texts, accuracy }) => [method, texts, accuracy])).toEqual([
    ['words', 8, 0.5],
    ['frozen', 8, 0.75],
    ['finetune', 4, 0.75],
  ]);
  // statsmodels: proportion_confint(6, 8, method='wilson') gives 0.40927, 0.92852
  expect(rungs[1]?.low).toBeCloseTo(0.40927, 4);
  expect(rungs[1]?.high).toBeCloseTo(0.92852, 4);
  expect(rungs[1]?.difference).toBeNull();
  expect(rungs[0]?.difference?.mean).toBeCloseTo(-0.25, 9);
  expect(rungs[2]?.difference?.mean).toBeCloseTo(-0.25, 9);
});
