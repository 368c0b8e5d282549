import { fillNormal, fillUniform } from '../core/random.ts';
import { type HostTensor, type Shape, sizeOf } from '../core/tensor.ts';

/**
 * How a parameter starts: normal draws of the model's or its own deviation, uniform ones up to a bound, a constant, or
 * sine and cosine waves of the row's number (Vaswani et al. 2017).
 */
export type Initializer =
  | 'normal'
  | 'zeros'
  | 'ones'
  | 'sines'
  | { readonly deviation: number }
  | { readonly bound: number };

/** One named parameter of a model. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly initializer: Initializer;
  /** Whether weight decay applies; biases and normalization parameters are left out. */
  readonly decay: boolean;
  /** Whether it is a statistic that steps update without gradients. */
  readonly isState?: boolean;
  /** Whether it stays in float32 where the other matrices become int8. */
  readonly isNeverQuantized?: boolean;
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

/** The same for the last product of a model: it is small, and what it rounds nothing evens out. */
export function lastLinearSpecs(name: string, inputs: number, outputs: number): ParameterSpec[] {
  return linearSpecs(name, inputs, outputs).map((spec) => ({ ...spec, isNeverQuantized: true }));
}

/** Scale and shift [size] of a layer normalization. */
export function layerNormSpecs(name: string, size: number): ParameterSpec[] {
  return [
    { name: `${name}.weight`, shape: [size], initializer: 'ones', decay: false },
    { name: `${name}.bias`, shape: [size], initializer: 'zeros', decay: false },
  ];
}

/** Weight and bias of a linear layer, uniform up to 1/√inputs: what torch.nn.Linear starts with. */
export function uniformLinearSpecs(name: string, inputs: number, outputs: number): ParameterSpec[] {
  const initializer = { bound: 1 / Math.sqrt(inputs) };
  return linearSpecs(name, inputs, outputs).map((spec) => ({ ...spec, initializer }));
}

/** Weight and bias of a linear layer, the weight uniform up to √(6 / (inputs + outputs)) (Glorot & Bengio 2010). */
export function glorotLinearSpecs(name: string, inputs: number, outputs: number): ParameterSpec[] {
  const [weight, bias] = [`${name}.weight`, `${name}.bias`];
  return [
    { name: weight, shape: [outputs, inputs], initializer: { bound: Math.sqrt(6 / (inputs + outputs)) }, decay: true },
    { name: bias, shape: [outputs], initializer: 'zeros', decay: false },
  ];
}

/** Filters [outputs, inputs, kernel, kernel] of a convolution before a rectifier (He et al. 2015). */
export function convSpec(name: string, inputs: number, outputs: number, kernel: number): ParameterSpec {
  const deviation = Math.sqrt(2 / (outputs * kernel * kernel));
  return { name: `${name}.weight`, shape: [outputs, inputs, kernel, kernel], initializer: { deviation }, decay: true };
}

/** The bias [outputs] of a convolution. */
export function biasSpec(name: string, outputs: number): ParameterSpec {
  return { name: `${name}.bias`, shape: [outputs], initializer: 'zeros', decay: false };
}

/** Scale and shift [channels] of a batch normalization, and its running mean and variance. */
export function batchNormSpecs(name: string, channels: number): ParameterSpec[] {
  const shape = [channels];
  return [
    ...layerNormSpecs(name, channels),
    { name: `${name}.runningMean`, shape, initializer: 'zeros', decay: false, isState: true },
    { name: `${name}.runningVariance`, shape, initializer: 'ones', decay: false, isState: true },
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
  if (spec.initializer === 'sines') fillSines(value, spec.shape[1] ?? 1);
  const { initializer, name } = spec;
  if (initializer === 'normal') fillNormal(value, deviation, seed, 'initialize', hashName(name));
  if (typeof initializer === 'string') return value;
  if ('bound' in initializer) fillUniform(value, initializer.bound, seed, 'initialize', hashName(name));
  else fillNormal(value, initializer.deviation, seed, 'initialize', hashName(name));
  return value;
}

/** A table of rows of `width`: sin(row / 10000^(2i / width)) in column 2i, the cosine in the next one. */
function fillSines(table: Float32Array, width: number): void {
  for (let at = 0; at < table.length; at++) {
    const column = at % width;
    const angle = Math.floor(at / width) / 10000 ** ((2 * Math.floor(column / 2)) / width);
    table[at] = column % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  }
}

/** FNV-1a, 32 bits. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Parameter values as tensors of their specs' shapes. */
export function asTensors(
  values: ReadonlyMap<string, Float32Array>,
  specs: readonly { readonly name: string; readonly shape: readonly number[] }[],
): Readonly<Record<string, HostTensor<'float32'>>> {
  return Object.fromEntries(
    specs.map(({ name, shape }) => {
      const data = values.get(name);
      if (!data) throw new Error(`internal: no value for ${name}`);
      return [name, { dtype: 'float32', shape, data }];
    }),
  );
}
