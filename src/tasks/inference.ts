import { breathe } from '../core/interrupt.ts';
import { floatData, type HostTensor } from '../core/tensor.ts';
import type { Engine, NamedTensors } from '../engine/engine.ts';
import { Graph, type Value } from '../graph/graph.ts';
import type { BertConfig } from '../models/bert/config.ts';
import { type BlockShape, bertEncoder } from '../models/bert/encoder.ts';
import { classifierLogits, maskedLmLogits } from '../models/bert/heads.ts';
import { Scope } from '../nn/scope.ts';
import { BlockBuilder } from '../text/packing.ts';
import type { BertTokenizer } from '../text/tokenizer.ts';
import { ProgramCache } from '../train/programs.ts';
import { classifierParts, maskedLmParts, partParameters } from './losses.ts';

/** Tokens of a full block: large enough to keep the cores busy, small enough to stay in their caches. */
const blockTokens = 1024;
/** Widths of a row; a program is compiled for those that come up. */
const widths = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096];
/** Sequences that are sorted by length together before they are packed. */
const sortingWindow = 4096;

/** What to compute: class logits of a text, vocabulary logits of its masks, or its hidden states. */
type Output = 'classes' | 'masks' | 'hidden';

export interface InferenceOptions {
  /** When aborted, the next block throws an InterruptedError. */
  readonly signal?: AbortSignal;
  /** For few sequences at a time, which want an answer soon: programs for blocks of every size are kept. */
  readonly fewAtATime?: boolean;
}

/** A sequence and the places, counted with [CLS] as 0, where words are to be guessed. */
export interface MaskedSequence {
  readonly ids: ArrayLike<number>;
  readonly positions: readonly number[];
}

/** A block of sequences that run together. */
interface PackedBlock {
  readonly shape: BlockShape;
  readonly builder: BlockBuilder;
  /** Number of each sequence in the caller's list and the flat index of its [CLS]. */
  readonly members: { readonly sequence: number; readonly start: number }[];
}

/** Runs a trained BERT forward over packed blocks of several shapes. Sequences come without [CLS] and [SEP]. */
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
    { signal, fewAtATime = false }: InferenceOptions = {},
  ) {
    this.#config = config;
    this.#parameters = parameters;
    this.#signal = signal;
    this.#packing = { tokenizer, maxPositions: config.maxPositions };
    this.#programs = new ProgramCache((key) => engine.compile(this.#graph(key)), fewAtATime ? 24 : 6);
  }

  /** Class logits [labels] of each sequence; those that repeat are computed once, and share them. */
  async classLogits(sequences: readonly ArrayLike<number>[]): Promise<Float32Array[]> {
    const { distinct, numberOf } = withoutRepetitions(sequences);
    const results: Float32Array[] = new Array(distinct.length);
    for (const block of packBlocks(distinct, this.#packing)) {
      const places = roundedUp(block.members.length);
      const starts = block.members.map(({ start }) => start);
      const logits = await this.#run('classes', block, places, { firstRows: indices(starts, places) });
      const labels = logits.length / places;
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
      const places = roundedUp(wanted.length);
      const rows = wanted.map(({ row }) => row);
      const logits = await this.#run('masks', block, places, { predictedRows: indices(rows, places) });
      const size = logits.length / places;
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
      const hidden = await this.#run('hidden', block, 0, {});
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

  async #run(output: Output, { shape, builder }: PackedBlock, places: number, extra: NamedTensors) {
    await breathe(this.#signal);
    const program = await this.#programs.get(JSON.stringify([output, shape.rows, shape.width, places]));
    const { result } = await program.run({ ...this.#parameters, ...builder.block, ...extra });
    if (!result) throw new Error('internal: no result');
    return floatData(result);
  }

  #graph(key: string): Graph {
    const [output, rows, width, places] = JSON.parse(key) as [Output, number, number, number];
    const graph = new Graph();
    const parts = output === 'classes' ? classifierParts : maskedLmParts;
    const scope = new Scope(graph, partParameters(this.#config, parts), { training: false, fused: true });
    const read = (name: string) => graph.input(name, 'int32', [places]);
    const hidden = (wanted?: Value) => bertEncoder(scope, this.#config, { rows, width }, wanted);
    const outputs = {
      classes: () => classifierLogits(scope, this.#config, hidden(read('firstRows'))),
      masks: () => maskedLmLogits(scope, this.#config, hidden(read('predictedRows'))),
      hidden: () => hidden(),
    };
    graph.output('result', outputs[output]());
    return graph;
  }
}

/** Places for guesses in one block, where one sequence has not more: each takes a row of the vocabulary's size. */
const mostBlockPlaces = 128;

interface Packing {
  readonly tokenizer: BertTokenizer;
  readonly maxPositions: number;
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
  { tokenizer, maxPositions, placesOf = () => 0, mostPlaces = 0 }: Packing,
): Generator<PackedBlock> {
  for (let from = 0; from < sequences.length; from += sortingWindow) {
    let waiting = sequences
      .slice(from, from + sortingWindow)
      .map((ids, i) => ({ ids, sequence: from + i }))
      .sort((a, b) => b.ids.length - a.ids.length);
    while (waiting.length > 0) {
      const shape = shapeFor(
        waiting.map(({ ids }) => ids.length + 2),
        maxPositions,
      );
      const builder = new BlockBuilder(shape.rows, shape.width, tokenizer.special);
      const block: PackedBlock = { shape, builder, members: [] };
      let places = 0;
      waiting = waiting.filter(({ ids, sequence }) => {
        const needed = places + placesOf(sequence);
        const isFull = block.members.length === mostMembers(shape) || (needed > mostPlaces && block.members.length > 0);
        const start = isFull ? undefined : builder.add(ids);
        if (start === undefined) return true;
        block.members.push({ sequence, start });
        places = needed;
        return false;
      });
      yield block;
    }
  }
}

/** The smallest of a few blocks with room for sequences of these lengths, the longest first, several to a row. */
function shapeFor(lengths: readonly number[], maxPositions: number): BlockShape {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const longest = lengths[0] ?? 2;
  const width = widthFor(total <= 32 ? total : Math.max(longest, 64), maxPositions);
  const most = Math.max(1, Math.floor(blockTokens / width));
  const needed = Math.max(total / width, lengths.length / mostMembers({ rows: 1, width }));
  return { rows: rowCounts.find((rows) => rows >= needed && rows <= most) ?? most, width: Math.max(width, longest) };
}

const rowCounts = [1, 2, 3, 4, 6, 8, 12, 16];

function widthFor(length: number, maxPositions: number): number {
  const fitting = widths.find((width) => width >= length) ?? length;
  return Math.max(length, Math.min(fitting, Math.max(maxPositions, 16)));
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

/** Sequences of one block at most. */
function mostMembers({ rows, width }: BlockShape): number {
  return Math.max(rows, Math.ceil((rows * width) / 4));
}

/** Places that a graph is made for: powers of two, so that one serves many blocks. */
function roundedUp(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, count)));
}

function indices(values: readonly number[], places: number): HostTensor<'int32'> {
  const data = new Int32Array(places);
  data.set(values);
  return { dtype: 'int32', shape: [places], data };
}

function meanOfRows(rows: Float32Array, size: number): Float32Array {
  const mean = new Float32Array(size);
  const count = rows.length / size;
  for (let i = 0; i < rows.length; i++) mean[i % size] = (mean[i % size] as number) + (rows[i] as number) / count;
  return mean;
}
