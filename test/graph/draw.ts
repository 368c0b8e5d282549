import { fillNormal, randomBelow } from '../../src/core/random.ts';
import { type HostTensor, type Shape, sizeOf } from '../../src/core/tensor.ts';

/** Standard normal elements; the same seed gives the same tensor. */
export function normal(shape: Shape, seed: number): HostTensor<'float32'> {
  const data = new Float32Array(sizeOf(shape));
  fillNormal(data, 1, seed, 'sample', 0);
  return { dtype: 'float32', shape, data };
}

/** Elements at least 0.25 away from zero, of both signs. */
export function nonzero(shape: Shape, seed: number): HostTensor<'float32'> {
  const { data } = normal(shape, seed);
  return { dtype: 'float32', shape, data: data.map((x) => x + 0.25 * (Math.sign(x) || 1)) };
}

/** Elements of at least 0.25. */
export function positive(shape: Shape, seed: number): HostTensor<'float32'> {
  return { dtype: 'float32', shape, data: nonzero(shape, seed).data.map(Math.abs) };
}

/** Integers from 0 to limit - 1. */
export function indices(shape: Shape, limit: number, seed: number): HostTensor<'int32'> {
  const data = Int32Array.from({ length: sizeOf(shape) }, (_, i) => randomBelow(limit, seed, 'sample', i));
  return { dtype: 'int32', shape, data };
}

export function booleans(shape: Shape, seed: number): HostTensor<'bool'> {
  return { dtype: 'bool', shape, data: Uint8Array.from(indices(shape, 2, seed).data) };
}
