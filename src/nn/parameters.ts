import { fillNormal } from '../core/random.ts';
import { type Shape, sizeOf } from '../core/tensor.ts';

/** How a parameter starts: normal draws of the model's deviation, or a constant. */
export type Initializer = 'normal' | 'zeros' | 'ones';

/** One named parameter of a model. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly initializer: Initializer;
  /** Whether weight decay applies; biases and normalization parameters are left out. */
  readonly decay: boolean;
}

/** Parameter values by name; every array has the size of its spec's shape. */
export type ParameterValues = Map<string, Float32Array>;

/** Weight [outputs, inputs] and bias [outputs] of a linear layer. */
export function linearSpecs(name: string, inputs: number, outputs: number): ParameterSpec[] {
  return [
    { name: `${name}.weight`, shape: [outputs, inputs], initializer: 'normal', decay: true },
    { name: `${name}.bias`, shape: [outputs], initializer: 'zeros', decay: false },
  ];
}

/** Scale and shift [size] of a layer normalization. */
export function layerNormSpecs(name: string, size: number): ParameterSpec[] {
  return [
    { name: `${name}.weight`, shape: [size], initializer: 'ones', decay: false },
    { name: `${name}.bias`, shape: [size], initializer: 'zeros', decay: false },
  ];
}

/** A table of `rows` vectors of `width`. */
export function embeddingSpec(name: string, rows: number, width: number): ParameterSpec {
  return { name: `${name}.weight`, shape: [rows, width], initializer: 'normal', decay: true };
}

/**
 * A random start for one parameter: a function of (seed, name, shape) alone, so it does not depend on which other
 * parameters are initialized beside it.
 */
export function initialValue(spec: ParameterSpec, deviation: number, seed: number): Float32Array {
  const value = new Float32Array(sizeOf(spec.shape));
  if (spec.initializer === 'ones') value.fill(1);
  if (spec.initializer === 'normal') fillNormal(value, deviation, seed, 'initialize', hashName(spec.name));
  return value;
}

/** FNV-1a, 32 bits. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
