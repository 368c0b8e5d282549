import type { HostTensor } from '../core/tensor.ts';
import type { Engine, Program } from '../engine/engine.ts';
import * as ops from '../graph/functions.ts';
import { Graph } from '../graph/graph.ts';
import type { ParameterArena } from './arena.ts';

/**
 * Elements of one slice of an elementwise pass: small enough that its arrays stay in a core's cache, large enough
 * that the fixed cost of a run does not show.
 */
const sliceSize = 256 * 1024;

/** Passes over flat arrays of one arena's layout: graphs that run slice by slice. */
export class FlatArrays {
  readonly #engine: Engine;
  readonly #arena: ParameterArena;
  readonly #programs = new Map<string, Promise<Program>>();

  constructor(engine: Engine, arena: ParameterArena) {
    this.#engine = engine;
    this.#arena = arena;
  }

  /** Euclidean norm of a flat array; NaN or infinite when an element is. */
  async norm(flat: Float32Array): Promise<number> {
    let total = 0;
    for (const { from, to } of this.slices()) {
      const program = await this.program('norm', to - from, squareSumGraph);
      const { total: part } = await program.run({ values: vector(flat.subarray(from, to)) });
      total += Number(part?.data[0]);
    }
    return Math.sqrt(total);
  }

  /** sums += addend, in place. */
  async accumulate(sums: Float32Array, addend: Float32Array): Promise<void> {
    for (const { from, to } of this.slices()) {
      const program = await this.program('add', to - from, addGraph);
      const target = vector(sums.subarray(from, to));
      await program.run({ a: target, b: vector(addend.subarray(from, to)) }, { sum: target });
    }
  }

  /** Slices of the whole arena, each with or without weight decay. */
  *slices(): Generator<{ readonly from: number; readonly to: number; readonly decays: boolean }> {
    const { decayEnd, size } = this.#arena;
    for (const [start, end, decays] of [[0, decayEnd, true] as const, [decayEnd, size, false] as const]) {
      for (let from = start; from < end; from += sliceSize) yield { from, to: Math.min(from + sliceSize, end), decays };
    }
  }

  /** The program of a pass over slices of one size, compiled once. */
  program(kind: string, size: number, graph: (size: number) => Graph): Promise<Program> {
    const key = `${kind} ${size}`;
    const program = this.#programs.get(key) ?? this.#engine.compile(graph(size));
    this.#programs.set(key, program);
    return program;
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs.values()) await (await program).dispose();
  }
}

export function vector(data: Float32Array): HostTensor<'float32'> {
  return { dtype: 'float32', shape: [data.length], data };
}

export function scalar(value: number): HostTensor<'float32'> {
  return { dtype: 'float32', shape: [], data: Float32Array.of(value) };
}

/** A row by itself as a column: one pass, where squaring and summing are two. */
function squareSumGraph(size: number): Graph {
  const graph = new Graph();
  const row = ops.reshape(graph.input('values', 'float32', [size]), [1, size]);
  graph.output('total', ops.reshape(ops.matmul(row, row, { transposeB: true }), []));
  return graph;
}

function addGraph(size: number): Graph {
  const graph = new Graph();
  graph.output('sum', ops.add(graph.input('a', 'float32', [size]), graph.input('b', 'float32', [size])));
  return graph;
}
