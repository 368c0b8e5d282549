import type { HostTensor } from '../../core/tensor.ts';
import * as ops from '../../graph/functions.ts';
import { Graph } from '../../graph/graph.ts';
import type { Program } from '../engine.ts';
import { LoopEngine } from '../wasm/engine.ts';
import type { ParameterArena } from './arena.ts';

/** Flat arrays of one arena's layout, and passes over them. */
export class FlatArrays {
  readonly #engine: LoopEngine;
  readonly #arena: ParameterArena;
  readonly #programs = new Map<string, Promise<Program>>();

  /** @param count arrays that are going to be asked for */
  constructor(arena: ParameterArena, count: number) {
    this.#engine = new LoopEngine(count * arena.size);
    this.#arena = arena;
  }

  /** A new array of zeros; passes over such arrays are the fastest. */
  array(): Float32Array {
    return this.#engine.allocate(this.#arena.size);
  }

  /** Euclidean norm of a flat array; NaN or infinite when an element is. */
  async norm(flat: Float32Array): Promise<number> {
    const program = await this.program('norm', flat.length, squareSumGraph);
    const { total } = await program.run({ values: vector(flat) });
    return Math.sqrt(Number(total?.data[0]));
  }

  /** sums += addend, in place. */
  async accumulate(sums: Float32Array, addend: Float32Array): Promise<void> {
    const program = await this.program('add', sums.length, addGraph);
    await program.run({ a: vector(sums), b: vector(addend) }, { sum: vector(sums) });
  }

  /** The parts of the arena with weight decay and without. */
  parts(): { readonly from: number; readonly to: number; readonly decays: boolean }[] {
    const { decayEnd, size } = this.#arena;
    const parts = [
      { from: 0, to: decayEnd, decays: true },
      { from: decayEnd, to: size, decays: false },
    ];
    return parts.filter(({ from, to }) => to > from);
  }

  /** The program of a pass over parts of one size, compiled once. */
  program(kind: string, size: number, graph: (size: number) => Graph): Promise<Program> {
    const key = `${kind} ${size}`;
    const program = this.#programs.get(key) ?? this.#engine.compile(graph(size));
    this.#programs.set(key, program);
    return program;
  }
}

export function vector(data: Float32Array): HostTensor<'float32'> {
  return { dtype: 'float32', shape: [data.length], data };
}

export function scalar(value: number): HostTensor<'float32'> {
  return { dtype: 'float32', shape: [], data: Float32Array.of(value) };
}

function squareSumGraph(size: number): Graph {
  const graph = new Graph();
  const values = graph.input('values', 'float32', [size]);
  graph.output('total', ops.sum(ops.multiply(values, values), [0]));
  return graph;
}

function addGraph(size: number): Graph {
  const graph = new Graph();
  graph.output('sum', ops.add(graph.input('a', 'float32', [size]), graph.input('b', 'float32', [size])));
  return graph;
}
