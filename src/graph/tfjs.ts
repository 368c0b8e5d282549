import type { Shape } from '../core/tensor.ts';
import type { SymbolicShape } from './sizes.ts';

/**
 * What lowerings to TensorFlow.js compute with: the few functions of its module that they need, under its names. Any of
 * `@tensorflow/tfjs-node-gpu`, `tfjs-node`, `tfjs` and `tfjs-core` has them; none of their types is needed for it.
 *
 * Lowerings keep to what every backend has: windows without padding of their own, channels last, batches of one shape.
 */
export interface TfOps {
  add(a: TfTensor, b: TfTensor): TfTensor;
  sub(a: TfTensor, b: TfTensor): TfTensor;
  mul(a: TfTensor, b: TfTensor): TfTensor;
  div(a: TfTensor, b: TfTensor): TfTensor;
  neg(x: TfTensor): TfTensor;
  exp(x: TfTensor): TfTensor;
  log(x: TfTensor): TfTensor;
  sqrt(x: TfTensor): TfTensor;
  tanh(x: TfTensor): TfTensor;
  erf(x: TfTensor): TfTensor;
  relu(x: TfTensor): TfTensor;
  sigmoid(x: TfTensor): TfTensor;
  equal(a: TfTensor, b: TfTensor): TfTensor;
  greater(a: TfTensor, b: TfTensor): TfTensor;
  where(condition: TfTensor, a: TfTensor, b: TfTensor): TfTensor;
  cast(x: TfTensor, dtype: TfDType): TfTensor;
  clone(x: TfTensor): TfTensor;
  matMul(a: TfTensor, b: TfTensor, transposeA?: boolean, transposeB?: boolean): TfTensor;
  sum(x: TfTensor, axes: number[], keepDims?: boolean): TfTensor;
  max(x: TfTensor, axes: number[], keepDims?: boolean): TfTensor;
  softmax(x: TfTensor): TfTensor;
  reshape(x: TfTensor, shape: number[]): TfTensor;
  broadcastTo(x: TfTensor, shape: number[]): TfTensor;
  transpose(x: TfTensor, permutation: number[]): TfTensor;
  gather(x: TfTensor, indices: TfTensor): TfTensor;
  gatherND(x: TfTensor, indices: TfTensor): TfTensor;
  scatterND(indices: TfTensor, updates: TfTensor, shape: number[]): TfTensor;
  concat(tensors: TfTensor[], axis: number): TfTensor;
  stack(tensors: TfTensor[], axis?: number): TfTensor;
  slice(x: TfTensor, begin: number[], size: number[]): TfTensor;
  stridedSlice(x: TfTensor, begin: number[], end: number[], strides: number[]): TfTensor;
  pad(x: TfTensor, paddings: [number, number][], constantValue?: number): TfTensor;
  conv2d(x: TfTensor, filter: TfTensor, strides: number, pad: 'valid'): TfTensor;
  conv2dTranspose(
    x: TfTensor,
    filter: TfTensor,
    outputShape: [number, number, number, number],
    strides: number,
    pad: 'valid',
  ): TfTensor;
  avgPool(x: TfTensor, filterSize: number, strides: number, pad: 'valid'): TfTensor;
  scalar(value: number, dtype?: TfDType): TfTensor;
  tensor(values: TfData, shape: number[], dtype: TfDType): TfTensor;
}

/** A tensor of TensorFlow.js. */
export interface TfTensor {
  readonly shape: number[];
  dispose(): void;
  data(): Promise<TfData>;
  dataSync(): TfData;
}

export type TfDType = 'float32' | 'int32' | 'bool';
export type TfData = Float32Array | Int32Array | Uint8Array;

/** What an op record's lowering to TensorFlow.js is handed in a run. What it makes on its way is freed after it. */
export interface TfContext<A> {
  readonly tf: TfOps;
  /** int64 and uint32 come as int32: indices, and bits of a key. */
  readonly inputs: readonly TfTensor[];
  readonly attributes: A;
  /** A shape in the numbers of this run. */
  readonly shapeOf: (shape: SymbolicShape) => number[];
  /**
   * Truth values of a dropout mask, drawn on the host: products of int32 lose their low bits in TensorFlow.js.
   *
   * @param key int32 [2], the bits of the key
   */
  readonly drawMask: (key: TfTensor, drawn: { rate: number; stream: number }, shape: Shape) => TfTensor;
}

/** The outputs of an op, computed; none of them is an input itself. */
export type TfLowering<A> = (context: TfContext<A>) => readonly TfTensor[];
