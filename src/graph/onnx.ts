import type { HostTensor, Shape } from '../core/tensor.ts';
import type { Size, SymbolicShape, SymbolicType } from './sizes.ts';

export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

/** A node of an ONNX graph; integers and integer lists are INT(S), `{ float }` is FLOAT. */
export interface OnnxNode {
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A tensor stored in a model; float16 as bit patterns. */
export type StoredTensor =
  | HostTensor
  | { readonly dtype: 'float16'; readonly shape: Shape; readonly data: Uint16Array }
  | { readonly dtype: 'int8'; readonly shape: Shape; readonly data: Int8Array };

/** A graph in ONNX's terms, ready to be written as a ModelProto. */
export interface OnnxGraph {
  readonly inputs: readonly { name: string; type: SymbolicType }[];
  readonly outputs: readonly { name: string; type: SymbolicType }[];
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, StoredTensor>;
}

/** Collects ONNX nodes; what an op record writes to. */
export interface Emitter {
  /** Adds a node with one new intermediate result and returns its name. */
  node(opType: string, inputs: readonly string[], attributes?: OnnxNode['attributes'], domain?: string): string;
  /** Adds a node that computes the named outputs. */
  into(
    outputs: readonly string[],
    opType: string,
    inputs: readonly string[],
    attributes?: OnnxNode['attributes'],
    domain?: string,
  ): void;
  /** Name of a float32 scalar constant. */
  scalar(value: number): string;
  /** Name of an int64 list constant (shapes, axes). */
  integers(values: readonly number[]): string;
  /** Name of an int64 list with the sizes of a shape; a constant unless one of them is known only at a run. */
  shape(sizes: SymbolicShape): string;
  /** Adds a Reshape, into the named outputs or one new result, and returns the result's name. */
  reshape(source: string, shape: SymbolicShape, outputs?: readonly string[]): string;
  /** Name of an int32 scalar with one size. */
  size(size: Size): string;
  /** Name of a constant; equal keys share one. */
  shared(key: string, make: () => HostTensor): string;
}

/** Contrib operators of ONNX Runtime. */
export const microsoft = 'com.microsoft';
