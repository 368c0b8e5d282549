import { breathe } from '../../core/interrupt.ts';
import { floatData, type HostTensor } from '../../core/tensor.ts';
import { Turns } from '../../core/turns.ts';
import type { Engine, NamedTensors } from '../../engine/engine.ts';
import { ProgramCache } from '../../engine/programCache.ts';
import * as ops from '../../graph/functions.ts';
import { gradients } from '../../graph/gradients.ts';
import { Graph } from '../../graph/graph.ts';
import { blockInputs } from '../../models/text/block.ts';
import type { HeadName } from '../../models/text/heads/table.ts';
import type { TextModel } from '../../models/text/model.ts';
import { skippedTokens } from '../../models/text/sentence/pooling.ts';
import { Scope } from '../../nn/scope.ts';
import type { Frame } from '../../text/frame.ts';
import { BlockBuilder } from '../../text/packing.ts';
import { poolingOf, readingGraph, readingTensors } from './reading.ts';

/** The table of word embeddings, as every family names it. */
const wordTable = 'embeddings.word.weight';
/** Tokens of a block, whose values are all kept for the gradients: more take more memory and no less time. */
const blockTokens = 256;
/** Points of the way that are tried, one number after the other, until the sum is as near as wanted. */
const usualPoints = [16, 32, 64, 128] as const;
/** Both ends of the way are measured with its points. */
const ends = [
  { at: 0, weight: 0 },
  { at: 1, weight: 0 },
] as const;
/** How far the attributions may sum to something else, as a share of the difference, or in logits. */
const [nearShare, nearLogits] = [0.01, 0.005] as const;

/** What each token of a text does to one output of a head. */
export interface Attribution {
  /** Of each token, without the special ones [tokens]. */
  readonly tokens: Float64Array;
  /** The output for the text less that for a text of padding: what the attributions sum to but for `error`. */
  readonly difference: number;
  /** What the attributions lack of it. */
  readonly error: number;
  readonly points: number;
  /** Texts that were computed for it: points of the way and its ends, of every number that was tried. */
  readonly passes: number;
}

export interface AttributionOptions {
  /** Id of the token in whose place each token of the text is put at the start of the way. */
  readonly baseline: number;
  /** Tokens of the prompt that the text begins with, special ones before it included: they stay as they are. */
  readonly promptTokens?: number;
  /** Points of the way; as many as the sum needs when absent. */
  readonly points?: number;
  /** Is waited for before each block, and may end the work by throwing; without it the process hears others. */
  readonly pause?: () => Promise<void>;
}

/**
 * Integrated gradients (Sundararajan et al. 2017) over word embeddings: ∫ ∂F(b + α (x − b)) / ∂x dα · (x − b) of an output F
 * of a head, by Gauss and Legendre's points, from a text b of padding to the text x.
 *
 * A token has a row of the table of its own here, so that the gradient of the table is that of the tokens: families need
 * to know nothing of it.
 */
export class IntegratedGradients {
  readonly #model: TextModel;
  readonly #frame: Frame;
  readonly #parameters: NamedTensors;
  readonly #head: HeadName;
  readonly #programs: ProgramCache;
  /** A program may be freed for that of another text: one text at a time. */
  readonly #turns = new Turns();

  /** @param parameters of the encoder and the head */
  constructor(engine: Engine, model: TextModel, frame: Frame, parameters: NamedTensors, head: HeadName) {
    this.#model = model;
    this.#frame = frame;
    this.#parameters = parameters;
    this.#head = head;
    this.#programs = new ProgramCache((key) => {
      const [rows = 1, width = 1] = key.split('×').map(Number);
      return engine.compile(this.#graph(rows, width));
    }, 4);
  }

  /** @param ids tokens of a text without the special ones @param output number of the head's output that is explained */
  async of(ids: ArrayLike<number>, output: number, options: AttributionOptions): Promise<Attribution> {
    return this.#turns.during(async () => {
      let last: Attribution | undefined;
      for (const points of options.points === undefined ? usualPoints : [options.points]) {
        const found = await this.#along(ids, output, points, options);
        last = { ...found, passes: (last?.passes ?? 0) + points + ends.length };
        if (Math.abs(last.error) <= Math.max(nearLogits, nearShare * Math.abs(last.difference))) break;
      }
      if (!last) throw new Error('internal: no points to try');
      return last;
    });
  }

  async dispose(): Promise<void> {
    await this.#programs.dispose();
  }

  async #along(
    ids: ArrayLike<number>,
    output: number,
    points: number,
    { baseline, promptTokens = 0, pause = () => breathe(undefined) }: AttributionOptions,
  ): Promise<Omit<Attribution, 'passes'>> {
    const length = ids.length + this.#frame.size;
    // Lengths in steps, so that few programs serve all texts; of a row that has room for two, none would be of its own.
    const width = length < 9 ? length : 8 * Math.ceil(length / 8);
    const way = [...legendre(points), ...ends];
    const rows = rowsOfBlock(width);
    const program = await this.#programs.get(`${rows}×${width}`);
    const reading = this.#model.readingOf(this.#head);
    const pooling = poolingOf(reading);
    if (!pooling) throw new Error(`internal: ${this.#head} reads no whole text`);
    const before = this.#frame.before.length;
    const first = Math.max(before, promptTokens);
    const embeddings = this.#parameters[wordTable];
    if (!embeddings) throw new Error(`internal: no ${wordTable}`);
    const size = Number(embeddings.shape[1]);
    const table = floatData(embeddings);
    const isOwn = (place: number) => place >= first && place < before + ids.length;
    const attributed = new Float64Array(length);
    const reached = [0, 0];
    const outputs = this.#model.outputSize(this.#head);
    for (let from = 0; from < way.length; from += rows) {
      await pause();
      const part = way.slice(from, from + rows);
      const builder = new BlockBuilder(rows, width, this.#frame);
      for (let row = 0; row < rows; row++) builder.add(ids);
      const { inputIds, ...block } = builder.block;
      const rowsOf = new Float32Array(rows * width * size);
      for (let row = 0; row < rows; row++) {
        const at = (part[row] ?? { at: 1 }).at;
        for (let place = 0; place < width; place++) {
          const own = (inputIds.data[row * width + place] as number) * size;
          const share = isOwn(place) ? at : 1;
          const to = (row * width + place) * size;
          for (let j = 0; j < size; j++) {
            const [x, b] = [table[own + j] as number, table[baseline * size + j] as number];
            rowsOf[to + j] = share === 1 ? x : b + share * (x - b);
          }
        }
      }
      const weights = new Float32Array(rows * outputs);
      for (const [row, { weight }] of part.entries()) weights[row * outputs + output] = weight;
      const texts = Array.from({ length: rows }, (_, row) => ({
        ...{ start: row * width, length, skipped: skippedTokens(pooling, promptTokens) },
      }));
      const result = await program.run({
        ...this.#parameters,
        ...block,
        inputIds: counting(rows, width),
        [wordTable]: { dtype: 'float32', shape: [rows * width, size], data: rowsOf },
        weights: { dtype: 'float32', shape: [rows, outputs], data: weights },
        ...readingTensors('', reading, texts, { count: rows, tokens: rows * width, longest: width }),
      });
      const [values, slopes] = [result.result, result.gradient].map((tensor) => tensor && floatData(tensor));
      if (!values || !slopes) throw new Error('internal: no gradient');
      for (const [row, { at, weight }] of part.entries()) {
        if (weight === 0) reached[at] = values[row * outputs + output] as number;
        else addSlopes(row);
      }
      function addSlopes(row: number): void {
        if (!slopes) return;
        for (let place = first; place < before + ids.length; place++) {
          const own = (inputIds.data[row * width + place] as number) * size;
          const place0 = (row * width + place) * size;
          let sum = 0;
          for (let j = 0; j < size; j++) {
            sum +=
              (slopes[place0 + j] as number) * ((table[own + j] as number) - (table[baseline * size + j] as number));
          }
          attributed[place] = (attributed[place] as number) + sum;
        }
      }
    }
    const [low = 0, high = 0] = reached;
    const difference = high - low;
    const total = attributed.reduce((sum, one) => sum + one, 0);
    return { tokens: attributed.slice(before, before + ids.length), difference, error: difference - total, points };
  }

  /** Outputs of each row [rows, outputs], and the gradient of their weighted sum by the rows of the table. */
  #graph(rows: number, width: number): Graph {
    const model = this.#model;
    const graph = new Graph();
    const size = Number(this.#parameters[wordTable]?.shape[1]);
    // Before a layer asks for it: the model's own table has a row for each word, this one for each token.
    const table = graph.input(wordTable, 'float32', [rows * width, size]);
    const weights = graph.input('weights', 'float32', [rows, model.outputSize(this.#head)]);
    const scope = new Scope(graph, model.parameters(model.partsOf(this.#head)), { training: false });
    const shape = { count: rows, tokens: rows * width, longest: width };
    const reading = readingGraph(graph, '', model.readingOf(this.#head), shape);
    const hidden = model.encode(scope, blockInputs(graph, { rows, width }), reading.rows);
    const result = model.outputs(this.#head, scope, reading.rows ? hidden : reading.read(hidden));
    const loss = ops.sum(ops.multiply(result, weights), [0, 1]);
    const [gradient] = gradients(loss, [table]);
    graph.output('result', result);
    if (gradient) graph.output('gradient', gradient);
    return graph;
  }
}

/** Rows of a block: what the fewest points need, parted evenly, since a row without a point is computed, too. */
function rowsOfBlock(width: number): number {
  const fewest = usualPoints[0] + ends.length;
  const blocks = Math.ceil(fewest / Math.max(1, Math.floor(blockTokens / width)));
  return Math.ceil(fewest / blocks);
}

/** 0, 1, 2 … [rows, width]: each token's own row of the table. */
function counting(rows: number, width: number): HostTensor {
  return { dtype: 'int32', shape: [rows, width], data: Int32Array.from({ length: rows * width }, (_, i) => i) };
}

/** Points and weights on [0, 1] that integrate polynomials up to degree 2n − 1 exactly (Gauss and Legendre). */
export function legendre(n: number): { at: number; weight: number }[] {
  return Array.from({ length: n }, (_, i) => {
    // Newton's method from the usual start; the roots of P_n lie near these cosines.
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = 1;
    for (let step = 0; step < 100; step++) {
      let [below, value] = [1, x];
      for (let k = 2; k <= n; k++) [below, value] = [value, ((2 * k - 1) * x * value - (k - 1) * below) / k];
      slope = n === 1 ? 1 : (n * (x * value - below)) / (x * x - 1);
      const change = value / slope;
      x -= change;
      if (Math.abs(change) < 1e-15) break;
    }
    return { at: (1 - x) / 2, weight: 1 / ((1 - x * x) * slope * slope) };
  });
}
