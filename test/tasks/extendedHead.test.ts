import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { fitLogisticRegression, hostProducts, type LinearClassifier } from '../../src/evaluation/logisticRegression.ts';
import { fitExtendedHead } from '../../src/tasks/extendedHead.ts';

interface Reference {
  readonly size: number;
  readonly classes: number;
  readonly labels: number[];
  readonly features: number[];
  readonly prior: { readonly weight: number[]; readonly bias: number[] };
  readonly fits: {
    readonly strength: number;
    readonly fixed: number[];
    readonly weight: number[];
    readonly bias: number[];
  }[];
  readonly head: { readonly c: number; readonly weight: number[]; readonly bias: number[] };
}

const reference: Reference = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/evaluation/prior.json'), 'utf8'),
);
const { size, classes, labels, prior } = reference;
const features = { data: Float32Array.from(reference.features), size };
const known: LinearClassifier = { weight: Float64Array.from(prior.weight), bias: Float64Array.from(prior.bias) };

function expectClose(
  { weight, bias }: LinearClassifier,
  expected: { weight: number[]; bias: number[] },
  digits: number,
) {
  for (const [i, value] of expected.weight.entries()) expect(weight[i], `weight ${i}`).toBeCloseTo(value, digits);
  for (const [i, value] of expected.bias.entries()) expect(bias[i], `bias ${i}`).toBeCloseTo(value, digits);
}

describe('a penalty that draws towards a known classifier', () => {
  test.each(reference.fits)('has the minimum that scipy finds, at $strength with $fixed fixed', async (one) => {
    const padded = { weight: new Float64Array(classes * size), bias: new Float64Array(classes) };
    padded.weight.set(known.weight);
    padded.bias.set(known.bias);
    const isFixed = Array.from({ length: classes }, (_, c) => Number(one.fixed.includes(c)));
    const fitted = await fitLogisticRegression(hostProducts(features), labels, classes, {
      ...{ strength: one.strength, prior: { ...padded, isFixed }, tolerance: 1e-9 },
    });
    expectClose(fitted, one, 5);
    for (const c of one.fixed) {
      expect(fitted.weight.subarray(c * size, (c + 1) * size)).toEqual(
        padded.weight.subarray(c * size, (c + 1) * size),
      );
      expect(fitted.bias[c]).toBe(padded.bias[c]);
    }
  });
});

describe('a head that is extended', () => {
  const options = {
    engine: onnxEngine({ threads: 1 }),
    features,
    labels,
    classes,
    known,
    folds: labels.map((_, i) => i % 3),
  };

  test('is what scipy finds for examples and stand-ins', async () => {
    const head = await fitExtendedHead(options);
    expect(head.c).toBe(reference.head.c);
    expectClose(head, reference.head, 4);
  });

  test('leaves classes without an example as they are, to the last bit', async () => {
    const head = await fitExtendedHead(options);
    const present = new Set(labels);
    const kept = [0, 1, 2, 3].filter((c) => !present.has(c));
    expect(kept).toEqual([1, 3]);
    for (const c of kept) {
      expect(head.weight.subarray(c * size, (c + 1) * size)).toEqual(known.weight.subarray(c * size, (c + 1) * size));
      expect(head.bias[c]).toBe(known.bias[c]);
    }
    expect(head.weight.subarray(0, size)).not.toEqual(known.weight.subarray(0, size));
  });

  test('may keep all that is known and fit new classes alone', async () => {
    const head = await fitExtendedHead({ ...options, keepsKnown: true });
    expect(head.weight.subarray(0, 4 * size)).toEqual(known.weight);
    expect(head.bias.subarray(0, 4)).toEqual(known.bias);
    expect(head.weight.subarray(4 * size).some((value) => Math.abs(value) > 0.01)).toBe(true);
  });

  test('chooses the penalty by folds where every known class has examples', async () => {
    const all = labels.map((label, i) => (i < 8 ? i % 4 : label));
    const head = await fitExtendedHead({ ...options, labels: all });
    expect(head.scores.length).toBe(7);
    expect(head.held).toHaveLength(labels.length * classes);
    const best = head.scores.reduce((a, b) => (b.loss < a.loss ? b : a));
    expect(head.c).toBe(best.c);
  });
});
