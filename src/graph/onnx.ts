import type { HostTensor, TensorType } from '../core/tensor.ts';

export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

/** A node of an ONNX graph; integers and integer lists are INT(S), `{ float }` is FLOAT. */
export interface OnnxNode {
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A graph in ONNX's terms, ready to be written as a ModelProto. */
export interface OnnxGraph {
  readonly inputs: readonly { name: string; type: TensorType }[];
  readonly outputs: readonly { name: string; type: TensorType }[];
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, HostTensor>;
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
  /** Name of a constant; equal keys share one. */
  shared(key: string, make: () => HostTensor): string;
}

/** Contrib operators of ONNX Runtime. */
export const microsoft = 'com.microsoft';
