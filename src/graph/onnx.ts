import type { HostTensor, Shape, TensorType } from '../core/tensor.ts';
import type { FreeDimensions } from './dimensions.ts';

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
  readonly inputs: readonly { name: string; type: TensorType }[];
  readonly outputs: readonly { name: string; type: TensorType }[];
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, StoredTensor>;
  /** Names of the sizes in the types that are known only when the model runs. */
  readonly dimensions: FreeDimensions;
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
  /** Name of an int64 list with the sizes of a shape; a constant unless one of them is free. */
  shape(sizes: Shape): string;
  /** The same for a Reshape, which finds one free size out by itself. */
  reshape(sizes: Shape): string;
  /** Name of an int32 scalar with one size. */
  size(size: number): string;
  /** Whether a shape has a size that is known only when the graph runs. */
  anyFree(sizes: Shape): boolean;
  /** Name of a constant; equal keys share one. */
  shared(key: string, make: () => HostTensor): string;
}

/** Contrib operators of ONNX Runtime. */
export const microsoft = 'com.microsoft';
