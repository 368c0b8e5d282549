import { permutedIndex, randomBits } from '../core/random.ts';
import type { BertConfig } from '../models/bert/config.ts';
import type { ParameterSpec, ParameterValues } from '../nn/parameters.ts';
import { BlockBuilder, RowPacker } from '../text/packing.ts';
import type { BertTokenizer } from '../text/tokenizer.ts';
import type { Batch, Cursor, LossGraph, TrainingTask, Update } from '../train/task.ts';
import { type FrozenSplit, takeFrozen } from './frozen.ts';
import { classificationLoss, classifierParts, partParameters } from './losses.ts';

/** One labeled text: its tokens without [CLS] and [SEP], and its class number. */
export interface Example {
  readonly ids: Int32Array;
  readonly label: number;
}

export interface ClassificationTaskOptions {
  readonly config: BertConfig;
  readonly startValues: ParameterValues;
  /** Names of parameters that are not trained. */
  readonly frozen?: ReadonlySet<string>;
  /** Whether a step keeps no activations of a layer, but computes them once more. */
  readonly recompute?: boolean;
  readonly tokenizer: BertTokenizer;
  readonly examples: readonly Example[];
  /** Weight of each class in the loss. */
  readonly classWeights: readonly number[];
  /** Tokens of a row. */
  readonly width: number;
  /** Examples of one update. */
  readonly batchSize: number;
  /** Micro-batches that an update is cut into, at least; more when its texts do not fit the usual rows. */
  readonly accumulationSteps: number;
  readonly seed: number;
  readonly evaluate?: TrainingTask['evaluate'];
}

/** Fine-tuning of the encoder with a classification head, texts packed into blocks. */
export class ClassificationTask implements TrainingTask {
  readonly name = 'classification';
  readonly unit = 'tokens';
  readonly metric = { name: 'accuracy', goal: 'higher' } as const;
  readonly parameters: readonly ParameterSpec[];
  readonly frozen: FrozenSplit['frozen'];
  readonly startValues: ParameterValues;
  readonly evaluate: TrainingTask['evaluate'];
  readonly #options: ClassificationTaskOptions;
  readonly keys: readonly string[];
  /** Rows of the blocks that there are programs for, the fewest first. */
  readonly #rowCounts: readonly number[];
  readonly #places: number;

  constructor(options: ClassificationTaskOptions) {
    this.#options = options;
    const specs = partParameters(options.config, classifierParts);
    const split = takeFrozen(specs, options.startValues, options.frozen ?? new Set());
    this.parameters = split.trained;
    this.frozen = split.frozen;
    this.startValues = options.startValues;
    const { evaluate } = options;
    this.evaluate = evaluate && ((trained, signal) => evaluate({ ...this.frozen, ...trained }, signal));
    this.#places = Math.ceil(options.batchSize / options.accumulationSteps);
    this.#rowCounts = usualRows(options, this.#places);
    this.keys = this.#rowCounts.map(String);
  }

  lossGraph(key: string): LossGraph {
    const { config, width, recompute } = this.#options;
    return classificationLoss(config, { rows: Number(key), width }, this.#places, {
      training: true,
      frozen: this.frozen,
      recompute,
    });
  }

  update({ epoch, index }: Cursor): Update {
    const { examples, batchSize } = this.#options;
    const end = Math.min(index + batchSize, examples.length);
    const chosen = this.#drawn(epoch, index, end);
    const microBatches = this.#cut(chosen).map((part, micro) => this.#batch(part, epoch, index, micro));
    return { microBatches, next: end < examples.length ? { epoch, index: end } : { epoch: epoch + 1, index: 0 } };
  }

  stepsInEpoch(): number {
    return Math.ceil(this.#options.examples.length / this.#options.batchSize);
  }

  #drawn(epoch: number, from: number, to: number): Example[] {
    const { examples, seed } = this.#options;
    return Array.from({ length: to - from }, (_, i) => {
      return examples[permutedIndex(from + i, examples.length, seed, epoch)] as Example;
    });
  }

  /** Cuts an update into parts that each fit a block, longest texts first, which packs tightest. */
  #cut(chosen: readonly Example[]): Example[][] {
    const waiting = [...chosen].sort((a, b) => b.ids.length - a.ids.length);
    const parts: Example[][] = [];
    while (waiting.length > 0) {
      const packer = new RowPacker(this.#rowCounts.at(-1) ?? 1, this.#options.width);
      const part: Example[] = [];
      for (let i = 0; i < waiting.length && part.length < this.#places; ) {
        const example = waiting[i] as Example;
        if (packer.place(example.ids.length + 2)) part.push(...waiting.splice(i, 1));
        else i++;
      }
      parts.push(part);
    }
    return parts;
  }

  #batch(part: readonly Example[], epoch: number, index: number, micro: number): Batch {
    const { tokenizer, width, classWeights, seed } = this.#options;
    const needed = rowsFor(part, width);
    const rows = this.#rowCounts.find((count) => count >= needed) ?? needed;
    const builder = new BlockBuilder(rows, width, tokenizer.special);
    const firstRows = new Int32Array(this.#places);
    const labels = new Int32Array(this.#places);
    const weights = new Float32Array(this.#places);
    part.forEach(({ ids, label }, i) => {
      firstRows[i] = builder.add(ids) ?? 0;
      labels[i] = label;
      weights[i] = classWeights[label] ?? 1;
    });
    const shape = [this.#places];
    return {
      key: String(rows),
      inputs: {
        ...this.frozen,
        ...builder.block,
        firstRows: { dtype: 'int32', shape, data: firstRows },
        labels: { dtype: 'int32', shape, data: labels },
        weights: { dtype: 'float32', shape, data: weights },
        dropoutKey: {
          dtype: 'uint32',
          shape: [2],
          data: randomBits(seed, 'dropout', epoch, index, micro, new Uint32Array(4)).slice(0, 2),
        },
      },
      weight: weights.reduce((sum, weight) => sum + weight, 0),
      units: builder.tokens,
    };
  }
}

/**
 * Rows of the blocks to make programs for: as many as all but the largest part-updates need, which are cut once more, and
 * fewer, if there is a number that spares a tenth of all rows.
 */
function usualRows({ examples, width, seed }: ClassificationTaskOptions, places: number): number[] {
  const needed: number[] = [];
  for (let draw = 0; draw < 256; draw++) {
    const part = Array.from({ length: Math.min(places, examples.length) }, (_, i) => {
      const at = (draw * places + i) % examples.length;
      return examples[permutedIndex(at, examples.length, seed, 0)] as Example;
    });
    needed.push(rowsFor(part, width));
  }
  needed.sort((a, b) => a - b);
  const most = needed[Math.floor(needed.length * 0.97)] ?? 1;
  const costs = Array.from({ length: most }, (_, i) => {
    const fewer = i + 1;
    return { fewer, rows: needed.reduce((sum, rows) => sum + (rows <= fewer ? fewer : most), 0) };
  });
  const best = costs.reduce((a, b) => (b.rows < a.rows ? b : a));
  return best.rows <= 0.9 * most * needed.length ? [best.fewer, most] : [most];
}

/** Rows that texts take when the longest are placed first. */
function rowsFor(part: readonly Example[], width: number): number {
  const packer = new GrowingRows(width);
  for (const length of part.map(({ ids }) => ids.length + 2).sort((a, b) => b - a)) packer.place(length);
  return packer.rows;
}

/** Counts the rows that first-fit packing needs. */
class GrowingRows {
  readonly #width: number;
  readonly #free: number[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  get rows(): number {
    return this.#free.length;
  }

  place(length: number): void {
    const row = this.#free.findIndex((free) => free >= length);
    if (row < 0) this.#free.push(this.#width - length);
    else this.#free[row] = (this.#free[row] as number) - length;
  }
}
