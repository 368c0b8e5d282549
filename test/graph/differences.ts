import type { Value } from '../../src/graph/graph.ts';
import { evaluate, type NumberTensor } from './evaluator.ts';

/**
 * Gradient of a scalar by an input from central differences of fourth order in float64. With a step of 1e-3 the
 * formula errs by about 1e-12 of the fifth derivative and rounding by about 1e-13, far below any wrong term of a rule.
 */
export function centralDifferences(
  loss: Value,
  inputs: Readonly<Record<string, NumberTensor>>,
  name: string,
  elements: readonly number[] = [...(inputs[name]?.data.keys() ?? [])],
): number[] {
  const step = 1e-3;
  const original = inputs[name] ?? { shape: [], data: new Float64Array() };
  const lossAt = (element: number, offset: number) => {
    const data = Float64Array.from(original.data);
    data[element] = (data[element] ?? 0) + offset;
    return evaluate([loss], { ...inputs, [name]: { ...original, data } })[0]?.data[0] ?? Number.NaN;
  };
  return elements.map((element) => {
    const near = lossAt(element, step) - lossAt(element, -step);
    const far = lossAt(element, 2 * step) - lossAt(element, -2 * step);
    return (8 * near - far) / (12 * step);
  });
}

/** Largest difference of two lists as a share of the largest expected element. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let error = 0;
  let scale = 0;
  for (let i = 0; i < expected.length; i++) {
    error = Math.max(error, Math.abs(Number(actual[i]) - Number(expected[i])));
    scale = Math.max(scale, Math.abs(Number(expected[i])));
  }
  if (Number.isNaN(error)) return Number.POSITIVE_INFINITY;
  return error === 0 ? 0 : error / scale;
}
