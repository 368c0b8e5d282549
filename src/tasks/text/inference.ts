import { finite } from '../../core/finite.ts';
import { breathe } from '../../core/interrupt.ts';
import { floatData, type Shape, sizeOf, zeros } from '../../core/tensor.ts';
import type { Engine, NamedTensors } from '../../engine/engine.ts';
import { ProgramCache } from '../../engine/programCache.ts';
import { Graph } from '../../graph/graph.ts';
import type { Weight } from '../../graph/lowering.ts';
import { product } from '../../graph/sizes.ts';
import { type ForwardGraph, forwardOf } from '../../hub/onnx/graph.ts';
import { quantizedWeights } from '../../hub/onnx/weights.ts';
import { blockInputs } from '../../models/text/block.ts';
import type { HeadName } from '../../models/text/heads/table.ts';
import type { TextModel } from '../../models/text/model.ts';
import { type Pooling, skippedTokens } from '../../models/text/sentence/pooling.ts';
import type { ParameterValues } from '../../nn/parameters.ts';
import { Scope } from '../../nn/scope.ts';
import type { Frame } from '../../text/frame.ts';
import { type Block, BlockBuilder } from '../../text/packing.ts';
import { poolingOf, readingGraph, readingTensors } from './reading.ts';

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

/** How whole texts are read. */
export interface TextReading {
  /** In place of what the head reads and of the modules behind it: the vector is what is pooled. */
  readonly pooling?: Pooling;
  /** Tokens of the prompt that every sequence begins with, special ones before it included. */
  readonly promptTokens?: number;
}

/** What a program computes. */
interface Forward {
  readonly head: HeadName;
  readonly pooling?: Pooling;
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
    this.#programs = new ProgramCache(async (what) => {
      const forward = this.#graph(JSON.parse(what));
      const weights = int8
        ? quantizedWeights(forward, valuesOf(parameters))
        : isSettled && settledWeights(forward, parameters);
      return engine.compile(forward.graph, weights || undefined);
    }, 3);
  }

  /**
   * What a head that reads whole texts makes of each sequence [outputs], such as logits of a classifier or the vector;
   * those that repeat share theirs.
   */
  async ofTexts(
    head: HeadName,
    sequences: readonly ArrayLike<number>[],
    asked: TextReading = {},
  ): Promise<Float32Array[]> {
    const { pooling, promptTokens = 0 } = asked;
    const reading = pooling ?? this.#model.readingOf(head);
    const read = poolingOf(reading);
    if (!read) throw new Error(`internal: ${head} reads no whole text`);
    const size = pooling ? pooling.modes.length * this.#model.config.hiddenSize : this.#model.outputSize(head);
    const { distinct, numberOf } = withoutRepetitions(sequences);
    const results: Float32Array[] = new Array(distinct.length);
    for (const block of packBlocks(distinct, { frame: this.#frame, tellsTexts: this.#model.tellsTexts })) {
      const texts = block.members.map(({ sequence, start }) => {
        const length = (distinct[sequence]?.length ?? 0) + this.#frame.size;
        return { start, length, skipped: skippedTokens(read, promptTokens) };
      });
      const tokens = sizeOf(block.block.inputIds.shape);
      const longest = texts.reduce((most, { length }) => Math.max(most, length), 0);
      const inputs = readingTensors('', reading, texts, { count: texts.length, tokens, longest });
      const outputs = await this.#run({ head, pooling }, block, [texts.length, size], inputs);
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
    const size = this.#model.outputSize(head);
    for (const block of packBlocks(
      sequences.map(({ ids }) => ids),
      {
        ...{ frame: this.#frame, tellsTexts: this.#model.tellsTexts, placesOf: (i: number) => placesOf(i).length },
        mostPlaces: Math.max(mostBlockPlaces, Math.floor(mostBlockNumbers / size)),
      },
    )) {
      const wanted = block.members.flatMap(({ sequence, start }) =>
        placesOf(sequence).map((chosen, place) => ({ sequence, place, start, chosen, length: 0, skipped: 0 })),
      );
      const sizes = { count: wanted.length, tokens: sizeOf(block.block.inputIds.shape), longest: 0 };
      const inputs = readingTensors('', 'chosen', wanted, sizes);
      const outputs = await this.#run({ head }, block, [wanted.length, size], inputs);
      for (const [i, { sequence, place }] of wanted.entries()) {
        use(sequence, place, outputs.subarray(i * size, (i + 1) * size));
      }
    }
  }

  async dispose(): Promise<void> {
    await this.#programs.dispose();
  }

  async #run(what: Forward, { block }: PackedBlock, shape: Shape, extra: NamedTensors): Promise<Float32Array> {
    await breathe(this.#signal);
    const program = await this.#programs.get(JSON.stringify(what));
    const result = zeros('float32', shape);
    await program.run({ ...this.#parameters, ...block, ...extra }, { result });
    return finite(result.data, "the model's answers");
  }

  /** What the head makes of what it reads; with a pooling of the caller's, what is pooled itself. */
  #graph({ head, pooling }: Forward): ForwardGraph {
    const model = this.#model;
    const graph = new Graph();
    const fused = new Set(['attention'] as const);
    const scope = new Scope(graph, model.parameters(model.partsOf(head)), { training: false, fused });
    const [rows, width] = [graph.freeDimension('rows'), graph.freeDimension('width')];
    const [count, longest] = [graph.freeDimension('places'), graph.freeDimension('longest')];
    const reading = readingGraph(graph, '', pooling ?? model.readingOf(head), {
      ...{ count, longest },
      tokens: product(rows, width),
    });
    const hidden = model.encode(scope, blockInputs(graph, { rows, width }, model.tellsTexts), reading.rows);
    const read = reading.rows ? hidden : reading.read(hidden);
    graph.output('result', pooling ? read : model.outputs(head, scope, read));
    return forwardOf(scope);
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
/** Numbers of all places of a block, where a head makes few of each. */
const mostBlockNumbers = 1_000_000;

interface Packing {
  readonly frame: Frame;
  readonly tellsTexts: boolean;
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
  { frame, tellsTexts, placesOf = () => 0, mostPlaces = 0 }: Packing,
): Generator<PackedBlock> {
  for (let from = 0; from < sequences.length; from += sortingWindow) {
    let waiting = sequences
      .slice(from, from + sortingWindow)
      .map((ids, i) => ({ ids, sequence: from + i }))
      .sort((a, b) => b.ids.length - a.ids.length);
    while (waiting.length > 0) {
      const { rows, width } = largestBlock(waiting.map(({ ids }) => ids.length + frame.size));
      const builder = new BlockBuilder(rows, width, frame, tellsTexts);
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
