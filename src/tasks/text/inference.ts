import { breathe } from '../../core/interrupt.ts';
import { floatData, type HostTensor, type Shape, zeros } from '../../core/tensor.ts';
import type { Engine, NamedTensors } from '../../engine/engine.ts';
import { ProgramCache } from '../../engine/programCache.ts';
import * as ops from '../../graph/functions.ts';
import { Graph } from '../../graph/graph.ts';
import type { Weight } from '../../graph/lowering.ts';
import type { ForwardGraph } from '../../hub/onnx/graph.ts';
import { quantizedWeights } from '../../hub/onnx/weights.ts';
import { blockInputs } from '../../models/text/block.ts';
import { type HeadName, heads } from '../../models/text/heads/table.ts';
import type { TextModel } from '../../models/text/model.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import { Scope } from '../../nn/scope.ts';
import type { Frame } from '../../text/frame.ts';
import { type Block, BlockBuilder } from '../../text/packing.ts';

/** Tokens of a full block: large enough to keep the cores busy, small enough to stay in their caches. */
const blockTokens = 1024;
/** Tokens of a row, unless one text has more or all have less: rows that are not long leave little for attention to skip. */
const usualWidth = 64;
/** Sequences that are sorted by length together before they are packed. */
const sortingWindow = 4096;

export interface InferenceOptions {
  /** When aborted, the next block throws an InterruptedError. */
  readonly signal?: AbortSignal;
  /** Whether the parameters stay as they are: products with them are then prepared once. */
  readonly isSettled?: boolean;
  /** Compute with int8 weights, of parameters that stay as they are: faster and less exact. */
  readonly int8?: boolean;
}

/** A sequence and the places, counted with its first special token as 0, that a head is to read. */
export interface PlacedSequence {
  readonly ids: ArrayLike<number>;
  readonly positions: readonly number[];
}

/** A block of sequences that run together. */
interface PackedBlock {
  readonly block: Block;
  /** Number of each sequence in the caller's list and the flat index of its first token. */
  readonly members: { readonly sequence: number; readonly start: number }[];
}

/**
 * Runs a trained model forward over packed blocks, each as large as what is in it. Sequences come without the special
 * tokens around them.
 */
export class TextInference {
  readonly #model: TextModel;
  readonly #frame: Frame;
  readonly #parameters: NamedTensors;
  readonly #programs: ProgramCache;
  readonly #signal: AbortSignal | undefined;

  constructor(
    engine: Engine,
    model: TextModel,
    frame: Frame,
    parameters: NamedTensors,
    { signal, isSettled = false, int8 = false }: InferenceOptions = {},
  ) {
    this.#model = model;
    this.#frame = frame;
    this.#parameters = parameters;
    this.#signal = signal;
    this.#programs = new ProgramCache(async (head) => {
      const forward = this.#graph(head as HeadName);
      const weights = int8
        ? quantizedWeights(forward, valuesOf(parameters))
        : isSettled && settledWeights(forward, parameters);
      return engine.compile(forward.graph, weights || undefined);
    }, 3);
  }

  /** What a head that reads first tokens makes of each sequence [outputs]; those that repeat share theirs. */
  async ofTexts(head: HeadName, sequences: readonly ArrayLike<number>[]): Promise<Float32Array[]> {
    const { distinct, numberOf } = withoutRepetitions(sequences);
    const results: Float32Array[] = new Array(distinct.length);
    const size = heads[head].outputs(this.#model.config);
    for (const block of packBlocks(distinct, { frame: this.#frame })) {
      const starts = block.members.map(({ start }) => start);
      const outputs = await this.#run(head, block, [starts.length, size], { read: indices(starts) });
      block.members.forEach(({ sequence }, i) => {
        results[sequence] = outputs.slice(i * size, (i + 1) * size);
      });
    }
    return numberOf.map((number) => results[number] as Float32Array);
  }

  /**
   * What a head that reads chosen tokens makes of each [outputs], such as logits over the vocabulary, handed to `use` as
   * they come: all of them together may be more than there is memory for. They may be read until `use` returns.
   */
  async ofPlaces(
    head: HeadName,
    sequences: readonly PlacedSequence[],
    use: (sequence: number, place: number, outputs: Float32Array) => void,
  ): Promise<void> {
    const placesOf = (sequence: number) => sequences[sequence]?.positions ?? [];
    const size = heads[head].outputs(this.#model.config);
    for (const block of packBlocks(
      sequences.map(({ ids }) => ids),
      { frame: this.#frame, mostPlaces: mostBlockPlaces, placesOf: (i) => placesOf(i).length },
    )) {
      const wanted = block.members.flatMap(({ sequence, start }) =>
        placesOf(sequence).map((position, place) => ({ sequence, place, row: start + position })),
      );
      const rows = wanted.map(({ row }) => row);
      const outputs = await this.#run(head, block, [rows.length, size], { read: indices(rows) });
      for (const [i, { sequence, place }] of wanted.entries()) {
        use(sequence, place, outputs.subarray(i * size, (i + 1) * size));
      }
    }
  }

  /** One vector [hiddenSize] a sequence: the mean over its tokens, special ones included, or that of the first. */
  async vectors(sequences: readonly ArrayLike<number>[], pooling: 'mean' | 'cls'): Promise<Float32Array[]> {
    const size = heads.pooled.outputs(this.#model.config);
    const { distinct, numberOf } = withoutRepetitions(sequences);
    const results: Float32Array[] = new Array(distinct.length);
    for (const block of packBlocks(distinct, { frame: this.#frame })) {
      const hidden = await this.#run('pooled', block, [...block.block.inputIds.shape, size], {});
      for (const { sequence, start } of block.members) {
        const count = pooling === 'cls' ? 1 : (distinct[sequence]?.length ?? 0) + this.#frame.size;
        results[sequence] = meanOfRows(hidden.subarray(start * size, (start + count) * size), size);
      }
    }
    return numberOf.map((number) => results[number] as Float32Array);
  }

  async dispose(): Promise<void> {
    await this.#programs.dispose();
  }

  async #run(head: HeadName, { block }: PackedBlock, shape: Shape, extra: NamedTensors): Promise<Float32Array> {
    await breathe(this.#signal);
    const program = await this.#programs.get(head);
    const result = zeros('float32', shape);
    await program.run({ ...this.#parameters, ...block, ...extra }, { result });
    return result.data;
  }

  /** Outputs of the tokens that `read` names, or of all tokens for a head that reads means, which are taken later. */
  #graph(head: HeadName): ForwardGraph {
    const model = this.#model;
    const graph = new Graph();
    const fused = new Set(['attention'] as const);
    const scope = new Scope(graph, model.parameters(model.partsOf(head)), { training: false, fused });
    const [rows, width] = [graph.freeDimension('rows'), graph.freeDimension('width')];
    const { reads, outputs } = heads[head];
    const read = reads === 'mean' ? undefined : graph.input('read', 'int32', [graph.freeDimension('places')]);
    const result = model.outputs(head, scope, model.encode(scope, blockInputs(graph, { rows, width }), read));
    graph.output('result', read ? result : ops.reshape(result, [rows, width, outputs(model.config)]));
    return { graph, parameters: [...scope.used.keys()] };
  }
}

/** Bytes of weights that are stored with a program: of more, the copies that loading makes cost more than they save. */
const mostSettledBytes = 64 * 2 ** 20;

/** The operands of products, unless they are large. */
function settledWeights({ graph }: ForwardGraph, parameters: NamedTensors): Map<string, Weight> | undefined {
  const operands = new Set(graph.nodes.flatMap(({ op, inputs }) => (op === 'linear' ? inputs.slice(1) : [])));
  const read = new Set(graph.nodes.flatMap(({ op, inputs }) => (op === 'gatherRows' ? inputs : [])));
  const weights = new Map<string, Weight>();
  let bytes = 0;
  for (const [name, value] of graph.inputs) {
    const tensor = parameters[name];
    if (!tensor || !operands.has(value) || read.has(value)) continue;
    weights.set(name, { dtype: 'float32', shape: tensor.shape, data: floatData(tensor) });
    bytes += tensor.data.byteLength;
  }
  return bytes <= mostSettledBytes ? weights : undefined;
}

function valuesOf(parameters: NamedTensors): ParameterValues {
  return new Map(Object.entries(parameters).map(([name, tensor]) => [name, floatData(tensor)]));
}

/** Places for guesses in one block, where one sequence has not more: each takes a row of the vocabulary's size. */
const mostBlockPlaces = 128;

interface Packing {
  readonly frame: Frame;
  /** Places for guesses that a sequence needs, and those of a block. */
  readonly placesOf?: (sequence: number) => number;
  readonly mostPlaces?: number;
}

/**
 * Packs sequences into blocks, the longest of a window first and shorter ones into the gaps that they leave, so that
 * little of a block is padding.
 */
function* packBlocks(
  sequences: readonly ArrayLike<number>[],
  { frame, placesOf = () => 0, mostPlaces = 0 }: Packing,
): Generator<PackedBlock> {
  for (let from = 0; from < sequences.length; from += sortingWindow) {
    let waiting = sequences
      .slice(from, from + sortingWindow)
      .map((ids, i) => ({ ids, sequence: from + i }))
      .sort((a, b) => b.ids.length - a.ids.length);
    while (waiting.length > 0) {
      const { rows, width } = largestBlock(waiting.map(({ ids }) => ids.length + frame.size));
      const builder = new BlockBuilder(rows, width, frame);
      const members: PackedBlock['members'] = [];
      let places = 0;
      waiting = waiting.filter(({ ids, sequence }) => {
        const needed = places + placesOf(sequence);
        const isFull = needed > mostPlaces && members.length > 0;
        const start = isFull ? undefined : builder.add(ids);
        if (start === undefined) return true;
        members.push({ sequence, start });
        places = needed;
        return false;
      });
      yield { block: builder.used(), members };
    }
  }
}

/** The most that a block of sequences of these lengths holds, the longest first, several to a row. */
function largestBlock(lengths: readonly number[]): { rows: number; width: number } {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const width = Math.max(lengths[0] ?? 2, Math.min(total, usualWidth));
  return { rows: Math.min(lengths.length, Math.max(1, Math.floor(blockTokens / width))), width };
}

/** The sequences without repetitions, and for each of the given ones its number among these. */
function withoutRepetitions(sequences: readonly ArrayLike<number>[]) {
  const distinct: ArrayLike<number>[] = [];
  const numbers = new Map<string, number>();
  const numberOf = sequences.map((ids) => {
    const key = Array.prototype.join.call(ids, ' ');
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, distinct.length);
    return distinct.push(ids) - 1;
  });
  return { distinct, numberOf };
}

function indices(values: readonly number[]): HostTensor<'int32'> {
  return { dtype: 'int32', shape: [values.length], data: Int32Array.from(values) };
}

function meanOfRows(rows: Float32Array, size: number): Float32Array {
  const mean = new Float32Array(size);
  const count = rows.length / size;
  for (let i = 0; i < rows.length; i++) mean[i % size] = (mean[i % size] as number) + (rows[i] as number) / count;
  return mean;
}
