import { breathe } from '../core/interrupt.ts';
import { floatData, type HostTensor, type Shape, zeros } from '../core/tensor.ts';
import type { Engine, NamedTensors } from '../engine/engine.ts';
import * as ops from '../graph/functions.ts';
import { Graph, type Value } from '../graph/graph.ts';
import type { Weight } from '../graph/lowering.ts';
import type { ForwardGraph } from '../hub/onnx/graph.ts';
import { quantizedWeights } from '../hub/onnx/weights.ts';
import type { BertConfig } from '../models/bert/config.ts';
import { bertEncoder } from '../models/bert/encoder.ts';
import { classifierLogits, maskedLmLogits } from '../models/bert/heads.ts';
import type { ParameterValues } from '../nn/parameters.ts';
import { Scope } from '../nn/scope.ts';
import { type Block, BlockBuilder } from '../text/packing.ts';
import type { BertTokenizer } from '../text/tokenizer.ts';
import { ProgramCache } from '../train/programs.ts';
import { classifierParts, maskedLmParts, partParameters } from './losses.ts';

/** Tokens of a full block: large enough to keep the cores busy, small enough to stay in their caches. */
const blockTokens = 1024;
/** Tokens of a row, unless one text has more or all have less: rows that are not long leave little for attention to skip. */
const usualWidth = 64;
/** Sequences that are sorted by length together before they are packed. */
const sortingWindow = 4096;

/** What to compute: class logits of a text, vocabulary logits of its masks, or its hidden states. */
type Output = 'classes' | 'masks' | 'hidden';

export interface InferenceOptions {
  /** When aborted, the next block throws an InterruptedError. */
  readonly signal?: AbortSignal;
  /** Whether the parameters stay as they are: products with them are then prepared once. */
  readonly isSettled?: boolean;
  /** Compute with int8 weights, of parameters that stay as they are: faster and less exact. */
  readonly int8?: boolean;
}

/** A sequence and the places, counted with [CLS] as 0, where words are to be guessed. */
export interface MaskedSequence {
  readonly ids: ArrayLike<number>;
  readonly positions: readonly number[];
}

/** A block of sequences that run together. */
interface PackedBlock {
  readonly block: Block;
  /** Number of each sequence in the caller's list and the flat index of its [CLS]. */
  readonly members: { readonly sequence: number; readonly start: number }[];
}

/** Runs a trained BERT forward over packed blocks, each as large as what is in it. Sequences come without [CLS] and [SEP]. */
export class BertInference {
  readonly #config: BertConfig;
  readonly #parameters: NamedTensors;
  readonly #programs: ProgramCache;
  readonly #signal: AbortSignal | undefined;
  readonly #packing: Packing;

  constructor(
    engine: Engine,
    config: BertConfig,
    tokenizer: BertTokenizer,
    parameters: NamedTensors,
    { signal, isSettled = false, int8 = false }: InferenceOptions = {},
  ) {
    this.#config = config;
    this.#parameters = parameters;
    this.#signal = signal;
    this.#packing = { tokenizer };
    this.#programs = new ProgramCache(async (output) => {
      const forward = this.#graph(output as Output);
      const weights = int8
        ? quantizedWeights(forward, valuesOf(parameters))
        : isSettled && settledWeights(forward, parameters);
      return engine.compile(forward.graph, weights || undefined);
    }, 3);
  }

  /** Class logits [labels] of each sequence; those that repeat are computed once, and share them. */
  async classLogits(sequences: readonly ArrayLike<number>[]): Promise<Float32Array[]> {
    const { distinct, numberOf } = withoutRepetitions(sequences);
    const results: Float32Array[] = new Array(distinct.length);
    for (const block of packBlocks(distinct, this.#packing)) {
      const starts = block.members.map(({ start }) => start);
      const labels = this.#config.labels?.length ?? 0;
      const logits = await this.#run('classes', block, [starts.length, labels], { firstRows: indices(starts) });
      block.members.forEach(({ sequence }, i) => {
        results[sequence] = logits.slice(i * labels, (i + 1) * labels);
      });
    }
    return numberOf.map((number) => results[number] as Float32Array);
  }

  /**
   * Vocabulary logits [vocabularySize] at the places of each sequence, handed to `use` as they come: all of them together
   * may be more than there is memory for. They may be read until `use` returns.
   */
  async vocabularyLogits(
    sequences: readonly MaskedSequence[],
    use: (sequence: number, place: number, logits: Float32Array) => void,
  ): Promise<void> {
    const placesOf = (sequence: number) => sequences[sequence]?.positions ?? [];
    const packing = { ...this.#packing, mostPlaces: mostBlockPlaces, placesOf: (i: number) => placesOf(i).length };
    for (const block of packBlocks(
      sequences.map(({ ids }) => ids),
      packing,
    )) {
      const wanted = block.members.flatMap(({ sequence, start }) =>
        placesOf(sequence).map((position, place) => ({ sequence, place, row: start + position })),
      );
      const rows = wanted.map(({ row }) => row);
      const size = this.#config.vocabularySize;
      const logits = await this.#run('masks', block, [rows.length, size], { predictedRows: indices(rows) });
      for (const [i, { sequence, place }] of wanted.entries()) {
        use(sequence, place, logits.subarray(i * size, (i + 1) * size));
      }
    }
  }

  /** One vector [hiddenSize] a sequence: the mean over its tokens, [CLS] and [SEP] included, or that of [CLS]. */
  async vectors(sequences: readonly ArrayLike<number>[], pooling: 'mean' | 'cls'): Promise<Float32Array[]> {
    const size = this.#config.hiddenSize;
    const { distinct, numberOf } = withoutRepetitions(sequences);
    const results: Float32Array[] = new Array(distinct.length);
    for (const block of packBlocks(distinct, this.#packing)) {
      const hidden = await this.#run('hidden', block, [...block.block.inputIds.shape, size], {});
      for (const { sequence, start } of block.members) {
        const count = pooling === 'cls' ? 1 : (distinct[sequence]?.length ?? 0) + 2;
        results[sequence] = meanOfRows(hidden.subarray(start * size, (start + count) * size), size);
      }
    }
    return numberOf.map((number) => results[number] as Float32Array);
  }

  async dispose(): Promise<void> {
    await this.#programs.dispose();
  }

  async #run(output: Output, { block }: PackedBlock, shape: Shape, extra: NamedTensors): Promise<Float32Array> {
    await breathe(this.#signal);
    const program = await this.#programs.get(output);
    const result = zeros('float32', shape);
    await program.run({ ...this.#parameters, ...block, ...extra }, { result });
    return result.data;
  }

  #graph(output: Output): ForwardGraph {
    const graph = new Graph();
    const parts = output === 'classes' ? classifierParts : maskedLmParts;
    const fused = new Set(['attention'] as const);
    const scope = new Scope(graph, partParameters(this.#config, parts), { training: false, fused });
    const [rows, width] = [graph.freeDimension('rows'), graph.freeDimension('width')];
    const read = (name: string) => graph.input(name, 'int32', [graph.freeDimension('places')]);
    const hidden = (wanted?: Value) => bertEncoder(scope, this.#config, { rows, width }, wanted);
    const outputs = {
      classes: () => classifierLogits(scope, this.#config, hidden(read('firstRows'))),
      masks: () => maskedLmLogits(scope, this.#config, hidden(read('predictedRows'))),
      hidden: () => ops.reshape(hidden(), [rows, width, this.#config.hiddenSize]),
    };
    graph.output('result', outputs[output]());
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
  readonly tokenizer: BertTokenizer;
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
  { tokenizer, placesOf = () => 0, mostPlaces = 0 }: Packing,
): Generator<PackedBlock> {
  for (let from = 0; from < sequences.length; from += sortingWindow) {
    let waiting = sequences
      .slice(from, from + sortingWindow)
      .map((ids, i) => ({ ids, sequence: from + i }))
      .sort((a, b) => b.ids.length - a.ids.length);
    while (waiting.length > 0) {
      const { rows, width } = largestBlock(waiting.map(({ ids }) => ids.length + 2));
      const builder = new BlockBuilder(rows, width, tokenizer.special);
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
