import type { DType, HostTensor } from '../core/tensor.ts';
import type { OpAttributes, OpName } from './ops/attributes.ts';
import { opTable } from './ops/table.ts';
import { isFree, isKnownSize, type SymbolicShape, type SymbolicSize, type SymbolicType, symbol } from './sizes.ts';
import type { GraphBuilder, Node, Place, Value } from './value.ts';

export type { Node, Value } from './value.ts';

/**
 * A computation over tensors of fixed shapes, but for sizes that `freeDimension` gives: typed inputs, constants, nodes in
 * the order they were added (which is a topological order) and named outputs. It knows no engine.
 */
export class Graph implements GraphBuilder {
  readonly inputs = new Map<string, Value>();
  readonly constants = new Map<Value, HostTensor>();
  readonly nodes: Node[] = [];
  readonly outputs = new Map<string, Value>();
  readonly #free = new Set<string>();
  #nextId = 0;
  #segments = 0;
  #place: Place = { half: 'forward' };

  /**
   * A size for shapes that is known only when the graph runs: that of an input which has it as one of its own.
   *
   * @throws when the graph has given the name to a size already
   */
  freeDimension(name: string): SymbolicSize {
    if (this.#free.has(name)) throw new Error(`graph: there is a size ${name} already`);
    this.#free.add(name);
    return symbol(name);
  }

  /** A tensor handed in at every run. @throws when the name is taken. */
  input(name: string, dtype: DType, shape: SymbolicShape): Value {
    if (this.inputs.has(name) || this.outputs.has(name)) throw new Error(`graph: the name ${name} is taken`);
    const value = this.#value({ dtype, shape });
    this.inputs.set(name, value);
    return value;
  }

  /** A tensor that is part of the graph. */
  constant(tensor: HostTensor): Value {
    const value = this.#value(tensor);
    this.constants.set(value, tensor);
    return value;
  }

  /** A float32 scalar constant []. */
  scalar(number: number): Value {
    return this.constant({ dtype: 'float32', shape: [], data: Float32Array.of(number) });
  }

  /** Adds a node; its output types come from the op's record. @throws when the inputs do not fit the op. */
  add<K extends OpName>(op: K, inputs: readonly Value[], attributes: OpAttributes[K]): readonly Value[] {
    const outputs: Value[] = [];
    const node: Node<K> = { op, inputs, attributes, outputs, place: this.#place };
    for (const type of opTable[op].infer(inputs, attributes)) outputs.push(this.#value(type, node));
    this.nodes.push(node);
    return outputs;
  }

  inBackward<T>(build: () => T): T {
    return this.#at({ half: 'backward' }, build);
  }

  inSegment<T>(build: () => T): T {
    return this.#at({ half: 'forward', segment: this.#segments++ }, build);
  }

  /** Names a result that a run returns. @throws when an input or output has the name. */
  output(name: string, value: Value): void {
    if (this.inputs.has(name)) throw new Error(`graph: output ${name} has the name of an input`);
    if (this.outputs.has(name)) throw new Error(`graph: output ${name} exists already`);
    this.outputs.set(name, value);
  }

  /** The nodes that the outputs depend on, in topological order. */
  liveNodes(): Node[] {
    const needed = new Set<Value>(this.outputs.values());
    const live: Node[] = [];
    for (const node of [...this.nodes].reverse()) {
      if (!node.outputs.some((output) => needed.has(output))) continue;
      for (const input of node.inputs) needed.add(input);
      live.push(node);
    }
    return live.reverse();
  }

  #at<T>(place: Place, build: () => T): T {
    const outer = this.#place;
    this.#place = place;
    try {
      return build();
    } finally {
      this.#place = outer;
    }
  }

  #value({ dtype, shape }: SymbolicType, node?: Node): Value {
    if (!shape.every((size) => isFree(size) || isKnownSize(size))) {
      throw new Error(`${node?.op ?? 'graph'}: a size is a whole number, got [${shape.join(', ')}]`);
    }
    return { graph: this, id: this.#nextId++, dtype, shape, node };
  }
}
