import { BertuneError } from '../../core/errors.ts';
import { floatData, type HostTensor, zeros } from '../../core/tensor.ts';
import type { Graph } from '../../graph/graph.ts';
import { formatType } from '../../graph/ops/shapes.ts';
import { elementsOf, knownShape } from '../../graph/sizes.ts';
import type { Engine, NamedTensors, Program } from '../engine.ts';
import { type Loop, loopOf, sumBytes, turnElements } from './loop.ts';
import { arrayMemory, mostMemoryBytes } from './memory.ts';

/** Elements of the arrays that are copied in and out at once: they stay in a core's cache. */
const stagedElements = 16_384;
/** Arrays that there is room for to be staged. */
const mostStaged = 15;
/** The sums and the staged elements. */
const ownBytes = (1 + mostStaged) * 4 * stagedElements;
/** Arrays start at multiples of a cache line. */
const alignment = 64;

type Run = (count: number, results: number, ...rest: number[]) => void;

/**
 * Runs graphs of arithmetic over vectors as loops of WebAssembly, each in one pass over memory, in the calling thread.
 * Arrays that the engine allocated are read and written where they are; others are copied through its memory in parts.
 */
export class LoopEngine implements Engine {
  readonly name = 'wasm';
  readonly #memory: WebAssembly.Memory;
  #used = ownBytes;

  /** @param elements of all arrays that are going to be allocated; those that find no room are ordinary arrays */
  constructor(elements: number) {
    const wanted = Math.min(mostMemoryBytes, ownBytes + 4 * elements + 16 * alignment);
    const memory = arrayMemory(wanted) ?? arrayMemory(ownBytes);
    if (!memory) throw new BertuneError('out of address space: WebAssembly has no room for a memory of 1 MB');
    this.#memory = memory;
  }

  /** An array of zeros. */
  allocate(elements: number): Float32Array {
    const { buffer } = this.#memory;
    const bytes = Math.ceil((4 * elements) / alignment) * alignment;
    if (this.#used + bytes > buffer.byteLength) return new Float32Array(elements);
    const array = new Float32Array(buffer, this.#used, elements);
    this.#used += bytes;
    // Memory that is read before it is written costs two page faults a page; the first step would pay for both.
    return array.fill(0);
  }

  /** @throws when the graph is not arithmetic over float32 vectors of one size and scalars */
  async compile(graph: Graph): Promise<Program> {
    const loop = loopOf(graph);
    if (loop.vectorInputs.length + loop.vectorOutputs.length > mostStaged) throw new Error('loops: too many vectors');
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(loop.module), {
      host: { memory: this.#memory },
    });
    const run = exports.run as Run;
    return {
      run: async (inputs, into = {}) => this.#run(graph, loop, run, inputs, into),
      async dispose() {},
    };
  }

  #run(graph: Graph, loop: Loop, run: Run, inputs: NamedTensors, into: NamedTensors): NamedTensors {
    const scalars = loop.scalarInputs.map((name) => given(graph, name, inputs)[0] ?? 0);
    const read = loop.vectorInputs.map((name) => given(graph, name, inputs));
    const outputs: Record<string, HostTensor> = {};
    const written = loop.vectorOutputs.map((name) => {
      const output = into[name] ?? zeros('float32', [loop.size]);
      outputs[name] = output;
      return floatData(output);
    });
    const vectors = [...read, ...written];
    const totals = loop.sums.map(() => 0);
    const isHere = (array: Float32Array) => array.buffer === this.#memory.buffer;
    if (vectors.every(isHere) && loop.size % turnElements === 0) {
      run(loop.size, 0, ...vectors.map((array) => array.byteOffset), ...scalars);
      this.#addSums(totals);
    } else {
      this.#runStaged(loop, run, read, written, scalars, totals);
    }
    loop.sums.forEach((name, i) => {
      const shape = knownShape(graph.outputs.get(name)?.shape ?? [], 'loops: a sum');
      outputs[name] = { dtype: 'float32', shape, data: Float32Array.of(totals[i] ?? 0) };
    });
    return outputs;
  }

  #runStaged(
    { size }: Loop,
    run: Run,
    read: readonly Float32Array[],
    written: readonly Float32Array[],
    scalars: readonly number[],
    totals: number[],
  ): void {
    const stages = [...read, ...written].map(
      (_, i) => new Float32Array(this.#memory.buffer, (i + 1) * 4 * stagedElements, stagedElements),
    );
    for (let from = 0; from < size; from += stagedElements) {
      const to = Math.min(size, from + stagedElements);
      const count = Math.ceil((to - from) / turnElements) * turnElements;
      read.forEach((array, i) => {
        stages[i]?.set(array.subarray(from, to));
      });
      run(count, 0, ...stages.map((stage) => stage.byteOffset), ...scalars);
      written.forEach((array, i) => {
        array.set((stages[read.length + i] as Float32Array).subarray(0, to - from), from);
      });
      this.#addSums(totals);
    }
  }

  #addSums(totals: number[]): void {
    const parts = new Float64Array(this.#memory.buffer, 0, (totals.length * sumBytes) / 8);
    parts.forEach((part, i) => {
      const sum = Math.floor((8 * i) / sumBytes);
      totals[sum] = (totals[sum] as number) + part;
    });
  }
}

function given(graph: Graph, name: string, inputs: NamedTensors): Float32Array {
  const [type, tensor] = [graph.inputs.get(name), inputs[name]];
  if (!tensor || !type) throw new Error(`engine: input ${name} is missing`);
  const data = floatData(tensor);
  if (data.length !== elementsOf(type.shape)) {
    throw new Error(`engine: ${name} must be ${formatType(type)}, got ${formatType(tensor)}`);
  }
  return data;
}
