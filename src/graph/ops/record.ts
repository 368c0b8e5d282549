import type { Emitter } from '../onnx.ts';
import type { SymbolicType } from '../sizes.ts';
import type { TfLowering } from '../tfjs.ts';
import type { Value } from '../value.ts';
import type { OpAttributes, OpName } from './attributes.ts';

/** Said for an input that has no gradient by nature (indices, labels, conditions). */
export const noGradient = Symbol('no gradient');

export interface GradientContext<A> {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: A;
  /** Gradient of the first output; gradients never flow through further outputs. */
  readonly gradient: Value;
}

/**
 * Gradient by each input, in order. A rule may return the shape of the output for an input that was broadcast: the
 * reverse walk sums it down.
 */
export type GradientRule<A> = (context: GradientContext<A>) => (Value | typeof noGradient)[];

export interface LoweringContext<A> {
  readonly emit: Emitter;
  /** Names of inputs and outputs in the ONNX graph. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: A;
  readonly inputTypes: readonly SymbolicType[];
  readonly outputTypes: readonly SymbolicType[];
}

/** All there is to know of an op. */
export interface OpRecord<A> {
  /** Output types. @throws a message with the op, what it expects and what came. */
  readonly infer: (inputs: readonly SymbolicType[], attributes: A) => SymbolicType[];
  readonly gradient: GradientRule<A> | 'not differentiable';
  /**
   * The first output built once more for the backward half, which then need not keep it: for ops that are cheap beside
   * what they would hold, and whose inputs are kept in any case (Chen et al. 2016).
   */
  readonly rebuild?: (node: Pick<GradientContext<A>, 'inputs' | 'attributes'>) => Value;
  /** Emits the ONNX nodes that compute the outputs. */
  readonly lower: (context: LoweringContext<A>) => void;
  /** Computes the outputs with TensorFlow.js. */
  readonly lowerTfjs: TfLowering<A>;
  /** `lower` where the op's weight is stored as int8 codes, with the factor of each of its rows beside it. */
  readonly lowerQuantized?: (context: LoweringContext<A> & { readonly scales: string }) => void;
  /** Which input `lowerQuantized` takes as codes. */
  readonly weightInput?: number;
}

export type OpRecords<K extends OpName> = { readonly [Name in K]: OpRecord<OpAttributes[Name]> };

/** The i-th item, which the op's arity promises. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`internal: op input ${index} is missing`);
  return item;
}
