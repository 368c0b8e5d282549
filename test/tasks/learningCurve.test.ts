import { describe, expect, test } from 'vitest';
import { randomUnit } from '../../src/core/random.ts';
import type { Examples, Learner } from '../../src/tasks/learner.ts';
import { learningCurve } from '../../src/tasks/learningCurve.ts';

const classes = 4;
const count = 1600;
const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
const texts = Array.from({ length: count }, (_, i) => `text ${i}`);
const examples: Examples = { texts: Int32Array.from(texts.keys()), labels, classes };

/** Is wrong as often as a law says for the number of examples, of each text by chance. */
function lawful(error: (examples: number) => number, fitted: Examples[] = []): Learner {
  return {
    ...{ method: 'words', texts },
    async chooseC() {
      return 1;
    },
    async fit(own) {
      fitted.push(own);
      const share = error(own.labels.length);
      return (wanted) =>
        Float32Array.from(
          Array.from(wanted, (i) => {
            const isWrong = randomUnit(7, 'noise', i, own.labels.length) < share;
            const said = ((labels[i] as number) + Number(isWrong)) % classes;
            return Array.from({ length: classes }, (_, c) => Math.log(c === said ? 0.7 : 0.1));
          }).flat(),
        );
    },
  };
}

describe('a learner whose errors are known', () => {
  const error = (n: number) => 0.04 + 3 * n ** -0.6;

  test('is measured by halves, from folds that it has not seen', async () => {
    const fitted: Examples[] = [];
    const { sizes } = await learningCurve({ learner: lawful(error, fitted), examples, seed: 3 });
    expect(sizes.map((one) => one.labels)).toEqual([38, 75, 150, 300, 600, 1200]);
    for (const { labels: n, accuracy, low, high } of sizes) {
      expect(Math.abs(accuracy - (1 - error(n)))).toBeLessThan(0.035);
      expect(low).toBeLessThan(accuracy);
      expect(high).toBeGreaterThan(accuracy);
      expect(high - low).toBeLessThan(0.1);
    }
    // Four draws of six sizes, each a part of the next, every class in its share.
    expect(fitted).toHaveLength(24);
    for (const [i, { texts: own, labels: ofOwn }] of fitted.entries()) {
      if (i % 6 === 5) continue;
      const larger = new Set(Array.from(fitted[i + 1]?.texts ?? []));
      expect(Array.from(own).every((text) => larger.has(text))).toBe(true);
      const sizesOf = Array.from(
        { length: classes },
        (_, c) => Array.from(ofOwn).filter((label) => label === c).length,
      );
      expect(Math.max(...sizesOf) - Math.min(...sizesOf)).toBeLessThanOrEqual(1);
    }
  });

  test('is forecast: what more labels bring lies in the interval', async () => {
    const { forecast, gain } = await learningCurve({ learner: lawful(error), examples, seed: 3 });
    for (const n of [1600, 3200, 6400]) {
      const { accuracy, low, high } = forecast(n);
      expect(Math.abs(accuracy - (1 - error(n)))).toBeLessThan(0.025);
      expect(low).toBeLessThanOrEqual(1 - error(n));
      expect(high).toBeGreaterThanOrEqual(1 - error(n));
    }
    const more = gain(1600, 3200);
    const real = error(1600) - error(3200);
    expect(more.low).toBeLessThanOrEqual(real);
    expect(more.high).toBeGreaterThanOrEqual(real);
    expect(more.mean).toBeGreaterThan(0);
  });

  test('may be measured on texts of their own', async () => {
    const part = (from: number, to: number): Examples => ({
      ...{ texts: examples.texts, labels, classes },
      ...{ texts: Int32Array.from(texts.keys()).slice(from, to), labels: labels.slice(from, to) },
    });
    const fitted: Examples[] = [];
    const options = { learner: lawful(error, fitted), examples: part(0, 800), held: part(800, 1600), seed: 3 };
    const { sizes } = await learningCurve(options);
    expect(sizes.at(-1)?.labels).toBe(800);
    expect(fitted.flatMap((own) => Array.from(own.texts)).every((i) => i < 800)).toBe(true);
  });
});

test('one that learns nothing from more is said to gain nothing', async () => {
  const { gain } = await learningCurve({ learner: lawful(() => 0.3), examples, seed: 3 });
  const { mean, low } = gain(1600, 3200);
  expect(low).toBe(0);
  expect(mean).toBeLessThan(0.01);
});
