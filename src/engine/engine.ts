import type { HostTensor } from '../core/tensor.ts';
import type { Graph } from '../graph/graph.ts';
import type { Weight } from '../graph/lowering.ts';

/** Tensors by the name of a graph's input or output. */
export type NamedTensors = Readonly<Record<string, HostTensor>>;

/** Runs graphs. One engine serves any number of programs. */
export interface Engine {
  readonly name: string;
  /**
   * Prepares a graph to be run many times.
   *
   * @param weights inputs that are the same in every run, by name: laid out once for the engine's products, kept by the
   *   program, and not handed in again
   */
  compile(graph: Graph, weights?: ReadonlyMap<string, Weight>): Promise<Program>;
}

/** A graph that is ready to run. */
export interface Program {
  /**
   * Computes the outputs from the inputs.
   *
   * @param inputs a tensor for every input of the graph
   * @param into tensors that the outputs of the same name are written into, without a copy; an elementwise graph may
   *   write over its own input
   * @throws when an input is missing, a tensor does not have its declared type or `into` names no output
   */
  run(inputs: NamedTensors, into?: NamedTensors): Promise<NamedTensors>;
  dispose(): Promise<void>;
}
