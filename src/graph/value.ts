import type { HostTensor } from '../core/tensor.ts';
import type { OpAttributes, OpName } from './ops/attributes.ts';
import type { SymbolicType } from './sizes.ts';

/** One result in a graph: an input, a constant, or an output of a node. */
export interface Value extends SymbolicType {
  readonly graph: GraphBuilder;
  readonly id: number;
  /** The node that computes it; absent for inputs and constants. */
  readonly node?: Node;
}

/** One operation. `inputs` and `outputs` are in the order that the op's record states. */
export interface Node<K extends OpName = OpName> {
  readonly op: K;
  readonly inputs: readonly Value[];
  readonly attributes: OpAttributes[K];
  readonly outputs: readonly Value[];
  readonly place: Place;
}

/** Where in a step a node stands. */
export interface Place {
  /** Equal nodes are computed once within a half, and never across: what the backward half computes is not kept for it. */
  readonly half: 'forward' | 'backward';
  /** Number of the segment of the forward half; what lies within one can be computed anew for the backward half. */
  readonly segment?: number;
}

/** A graph as its values know it: what is in it, and how to add to it. */
export interface GraphBuilder {
  readonly inputs: ReadonlyMap<string, Value>;
  readonly constants: ReadonlyMap<Value, HostTensor>;
  readonly nodes: readonly Node[];
  constant(tensor: HostTensor): Value;
  scalar(number: number): Value;
  add<K extends OpName>(op: K, inputs: readonly Value[], attributes: OpAttributes[K]): readonly Value[];
  /** Adds what `build` adds to the backward half. */
  inBackward<T>(build: () => T): T;
  /** Adds what `build` adds as one segment. */
  inSegment<T>(build: () => T): T;
}
