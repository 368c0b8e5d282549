import { describe, expect, test } from 'vitest';
import { InterruptedError } from '../../src/core/errors.ts';
import { fillNormal } from '../../src/core/random.ts';
import { stratifiedFolds } from '../../src/data/folds.ts';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { fitLinearHead, type LinearHeadOptions } from '../../src/tasks/linearHead.ts';

const engine = onnxEngine({ threads: 1 });
const [size, classes] = [12, 4];

/** Features about one centre a class. @param noise how far they lie from it */
function examples(perClass: number, noise: number): Pick<LinearHeadOptions, 'features' | 'labels'> {
  const labels = Array.from({ length: perClass * classes }, (_, i) => i % classes);
  const centres = new Float32Array(classes * size);
  const data = new Float32Array(labels.length * size);
  fillNormal(centres, 1, 1, 'initialize', 0);
  fillNormal(data, noise, 2, 'initialize', 0);
  for (let i = 0; i < data.length; i++) {
    const centre = (labels[Math.floor(i / size)] as number) * size + (i % size);
    data[i] = (data[i] as number) + (centres[centre] as number);
  }
  return { features: { data, size }, labels };
}

async function fitted(perClass: number, noise: number, options: Partial<LinearHeadOptions> = {}) {
  const given = examples(perClass, noise);
  const folds = stratifiedFolds({ classes: given.labels, keys: [], count: 5, seed: 0 });
  return fitLinearHead({ engine, classes, folds, ...given, ...options });
}

describe('the penalty is chosen by folds', () => {
  test('by the least cross-entropy of what was held out', async () => {
    const { c, scores, scored } = await fitted(20, 2);
    expect(scores.map((score) => score.c)).toEqual([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1]);
    expect(scored).toBe(80);
    const least = Math.min(...scores.map(({ loss }) => loss));
    expect(c).toBe(scores.find(({ loss }) => loss === least)?.c);
    // Between the ends, so that there was something to choose.
    expect(c).toBeGreaterThan(0.001);
    expect(c).toBeLessThan(1);
  });

  test('stronger where classes overlap', async () => {
    const [clear, blurred] = [await fitted(10, 0.3), await fitted(10, 4)];
    const strength = (head: typeof clear) => head.scores.findIndex(({ c }) => c === head.c);
    expect(strength(blurred)).toBeLessThan(strength(clear));
  });

  test('few examples that say next to nothing do not speak for the strongest', async () => {
    // Noise that hides the centres: folds of 16 examples like best what answers the same for all.
    const { c, scores, scored } = await fitted(4, 20);
    const least = Math.min(...scores.map(({ loss }) => loss));
    const [strongest] = scores;
    expect([scored, strongest?.loss]).toEqual([16, least]);
    expect(c).toBeGreaterThan(5 * (strongest?.c ?? 0));
    // Many of the same kind do.
    const many = await fitted(200, 20);
    expect(many.c).toBe(many.scores[0]?.c);
  });

  test('a fold scores as one left out by hand does', async () => {
    const given = examples(10, 2);
    const folds = Int32Array.from(given.labels, (_, i) => (i < 12 ? 0 : -1));
    const { scores } = await fitLinearHead({ engine, classes, folds, cs: [0.1, 1], ...given });
    const rest = { data: given.features.data.subarray(12 * size), size };
    for (const { c, loss, accuracy } of scores) {
      const labels = Array.from(given.labels).slice(12);
      const { weight, bias } = await fitLinearHead({ engine, classes, folds: [], cs: [c], features: rest, labels });
      let [total, right] = [0, 0];
      for (let i = 0; i < 12; i++) {
        const logits = [...bias].map((b, k) =>
          given.features.data
            .subarray(i * size, (i + 1) * size)
            .reduce((sum, x, j) => sum + x * (weight[k * size + j] as number), b),
        );
        const own = logits[given.labels[i] as number] as number;
        total += Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - own), 0));
        if (logits.every((logit) => logit <= own)) right++;
      }
      // Fits of folds end where their loss is right to about a hundredth.
      expect(Math.abs(loss - total / 12)).toBeLessThan(0.01);
      expect(accuracy).toBeCloseTo(right / 12, 9);
    }
  });

  test('one example a class leaves nothing to choose by', async () => {
    const { c, scores, scored, converged } = await fitted(1, 0.5);
    expect({ scores, scored, converged }).toEqual({ scores: [], scored: 0, converged: true });
    expect(c).toBe(1);
  });

  test('classes with one example train and measure nothing', async () => {
    const given = examples(6, 1);
    const labels = Array.from(given.labels, (label, i) => (i === 7 ? 3 : label === 3 ? 2 : label));
    const folds = stratifiedFolds({ classes: labels, keys: [], count: 5, seed: 0 });
    const { scored, scores } = await fitLinearHead({ engine, classes, folds, features: given.features, labels });
    expect(scored).toBe(labels.length - 1);
    expect(scores.every(({ loss }) => loss < 10)).toBe(true);
  });
});

test('the same features give the same head', async () => {
  const [one, other] = [await fitted(8, 2), await fitted(8, 2)];
  expect(other).toEqual(one);
});

test('it stops when it is told to', async () => {
  const controller = new AbortController();
  const onProgress = () => controller.abort();
  await expect(fitted(8, 2, { signal: controller.signal, onProgress })).rejects.toThrow(InterruptedError);
});
