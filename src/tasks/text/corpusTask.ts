import { breathe } from '../core/interrupt.ts';
import { permutedIndex, randomBits } from '../core/random.ts';
import type { HostTensor } from '../core/tensor.ts';
import type { Corpus } from '../data/corpus.ts';
import type { TokenStore } from '../data/tokenStore.ts';
import type { Engine, NamedTensors } from '../engine/engine.ts';
import { RatioEstimate } from '../evaluation/intervals.ts';
import type { BertConfig } from '../models/bert/config.ts';
import type { ParameterSpec, ParameterValues } from '../nn/parameters.ts';
import { evaluationEpoch, type MaskingOptions, maskSequence } from '../text/masking.ts';
import { BlockBuilder, RowPacker } from '../text/packing.ts';
import type { BertTokenizer } from '../text/tokenizer.ts';
import { lossOutput, ProgramCache } from '../train/programs.ts';
import type { Batch, Cursor, LossGraph, TrainingTask, Update } from '../train/task.ts';
import { type FrozenSplit, takeFrozen } from './frozen.ts';
import { maskedLmLoss, maskedLmParts, partParameters } from './losses.ts';

export interface MaskedLmTaskOptions {
  readonly config: BertConfig;
  readonly startValues: ParameterValues;
  /** Names of parameters that are not trained. */
  readonly frozen?: ReadonlySet<string>;
  /** Whether a step keeps no activations of a layer, but computes them once more. */
  readonly recompute?: boolean;
  readonly tokenizer: BertTokenizer;
  readonly training: Corpus;
  /** Sequences that evaluation reads, in a store of their own or the training corpus' held-out part. */
  readonly heldOut: { readonly store: TokenStore; readonly sequences: readonly number[] };
  readonly masking: MaskingOptions;
  /** Rows and tokens a row of one micro-batch. */
  readonly rows: number;
  readonly width: number;
  /** Micro-batches of one update. */
  readonly accumulationSteps: number;
  readonly engine: Engine;
}

/** A text read for the model: its masked ids and what was there. */
interface Prepared {
  readonly inputs: Int32Array;
  readonly positions: readonly number[];
  readonly ids: Uint32Array;
}

/** Masked language modeling over packed blocks, with masks drawn anew each epoch. */
export class MaskedLmTask implements TrainingTask {
  readonly name = 'maskedLm';
  readonly unit = 'tokens';
  readonly metric = { name: 'loss', goal: 'lower' } as const;
  readonly parameters: readonly ParameterSpec[];
  readonly frozen: FrozenSplit['frozen'];
  readonly startValues: ParameterValues;
  readonly evaluate: TrainingTask['evaluate'];
  readonly #options: MaskedLmTaskOptions;
  readonly #excluded: ReadonlySet<number>;
  readonly #predictions: number;

  constructor(options: MaskedLmTaskOptions) {
    this.#options = options;
    const specs = partParameters(options.config, maskedLmParts);
    const split = takeFrozen(specs, options.startValues, options.frozen ?? new Set());
    this.parameters = split.trained;
    this.frozen = split.frozen;
    this.startValues = options.startValues;
    this.#excluded = new Set(options.training.excluded);
    this.#predictions = usualPredictions(options);
    const { heldOut, engine } = options;
    this.evaluate =
      heldOut.sequences.length > 0
        ? (trained, signal) => evaluateMaskedLm(this.#options, { ...this.frozen, ...trained }, engine, signal)
        : undefined;
  }

  lossGraph(key: string): LossGraph {
    const { config, rows, width, recompute } = this.#options;
    return maskedLmLoss(config, { rows, width }, Number(key), { training: true, frozen: this.frozen, recompute });
  }

  update(cursor: Cursor): Update & { readonly microBatches: readonly Batch[] } {
    const microBatches: Batch[] = [];
    let { epoch, index } = cursor;
    while (microBatches.length === 0) {
      for (const plan of this.#plans(epoch, index)) {
        microBatches.push(this.#batch(epoch, index, plan.sequences));
        index = plan.next;
        if (microBatches.length === this.#options.accumulationSteps) break;
      }
      if (index >= this.#options.training.store.length || microBatches.length === 0) {
        epoch++;
        index = 0;
      }
    }
    return { microBatches, next: { epoch, index } };
  }

  stepsInEpoch(epoch: number): number {
    let batches = 0;
    for (const _ of this.#plans(epoch, 0)) batches++;
    return Math.ceil(batches / this.#options.accumulationSteps);
  }

  /** The sequences of each micro-batch from place `from` of the epoch's order on; depends on lengths alone. */
  *#plans(epoch: number, from: number): Generator<{ sequences: number[]; next: number }> {
    const { training, masking, rows, width } = this.#options;
    const { store } = training;
    let packer = new RowPacker(rows, width);
    let sequences: number[] = [];
    for (let index = from; index < store.length; index++) {
      const sequence = permutedIndex(index, store.length, masking.seed, epoch);
      if (this.#excluded.has(sequence)) continue;
      const length = store.lengthOf(sequence) + 2;
      if (!packer.fits(length)) {
        yield { sequences, next: index };
        packer = new RowPacker(rows, width);
        sequences = [];
      }
      packer.place(length);
      sequences.push(sequence);
    }
    if (sequences.length > 0) yield { sequences, next: store.length };
  }

  #batch(epoch: number, index: number, sequences: readonly number[]): Batch {
    const { training, masking } = this.#options;
    const texts = sequences.map((sequence) => prepare(training.store, sequence, epoch, masking));
    const batch = maskedBlock(this.#options, texts, this.#predictions);
    const dropoutKey = randomBits(masking.seed, 'dropout', epoch, index, 0, new Uint32Array(4)).slice(0, 2);
    const key = { dtype: 'uint32', shape: [2], data: dropoutKey } as const;
    return { ...batch, inputs: { ...this.frozen, ...batch.inputs, dropoutKey: key } };
  }
}

/** Name of the output with the loss of each predicted token. */
const eachOutput = 'losses';

/** What evaluating a masked language model needs. */
export type MaskedLmEvaluation = Pick<
  MaskedLmTaskOptions,
  'config' | 'tokenizer' | 'heldOut' | 'masking' | 'rows' | 'width'
>;

/**
 * Mean cross-entropy of masked tokens, with masks that never move and every token of equal weight, so the value does
 * not depend on how the texts are batched.
 *
 * @returns loss in nats with its standard error over texts, perplexity, and the number of predicted tokens
 * @throws InterruptedError when the signal was aborted
 */
export async function evaluateMaskedLm(
  options: MaskedLmEvaluation,
  parameters: NamedTensors,
  engine: Engine,
  signal?: AbortSignal,
): Promise<{ loss: number; lossStandardError: number; perplexity: number; count: number }> {
  const { config, rows, width, heldOut, masking } = options;
  let summed = 0;
  let count = 0;
  const byText = new RatioEstimate();
  const programs = new ProgramCache((key) => {
    const { graph, loss, each } = maskedLmLoss(config, { rows, width }, Number(key), { training: false });
    graph.output(lossOutput, loss);
    graph.output(eachOutput, each);
    return engine.compile(graph);
  }, 2);
  try {
    for (const sequences of inBlocks(heldOut, rows, width)) {
      await breathe(signal);
      const texts = sequences.map((sequence) => prepare(heldOut.store, sequence, evaluationEpoch, masking));
      const batch = maskedBlock(options, texts, 64);
      const program = await programs.get(batch.key);
      const { [lossOutput]: loss, [eachOutput]: each } = await program.run({ ...parameters, ...batch.inputs });
      summed += Number(loss?.data[0]);
      count += batch.weight;
      let place = 0;
      for (const { positions } of texts) {
        let total = 0;
        for (let i = 0; i < positions.length; i++) total += Number(each?.data[place++]);
        byText.add(total, positions.length);
      }
    }
  } finally {
    await programs.dispose();
  }
  const loss = summed / count;
  // JSON writes infinity as null, which reads as not measured.
  const perplexity = Math.min(Math.exp(loss), Number.MAX_VALUE);
  return { loss, lossStandardError: byText.standardError, perplexity, count };
}

function* inBlocks({ store, sequences }: MaskedLmEvaluation['heldOut'], rows: number, width: number) {
  let packer = new RowPacker(rows, width);
  let block: number[] = [];
  for (const sequence of sequences) {
    const length = store.lengthOf(sequence) + 2;
    if (!packer.fits(length)) {
      yield block;
      packer = new RowPacker(rows, width);
      block = [];
    }
    packer.place(length);
    block.push(sequence);
  }
  if (block.length > 0) yield block;
}

function prepare(store: TokenStore, sequence: number, epoch: number, masking: MaskingOptions): Prepared {
  const { ids, starts } = store.read(sequence);
  return { ids, ...maskSequence(ids, starts, sequence, epoch, masking) };
}

/** One block; its key is the number of places for predictions, a multiple of `unit`. */
function maskedBlock(options: MaskedLmEvaluation, texts: readonly Prepared[], unit: number): Batch {
  const builder = new BlockBuilder(options.rows, options.width, options.tokenizer.special);
  const weight = texts.reduce((sum, { positions }) => sum + positions.length, 0);
  const places = Math.max(1, Math.ceil(weight / unit)) * unit;
  const predictedRows = new Int32Array(places);
  const labels = new Int32Array(places);
  let used = 0;
  for (const { inputs, positions, ids } of texts) {
    const start = builder.add(inputs);
    if (start === undefined) throw new Error('internal: a planned sequence does not fit its block');
    for (const position of positions) {
      predictedRows[used] = start + 1 + position;
      labels[used++] = ids[position] as number;
    }
  }
  const weights = new Float32Array(places).fill(1, 0, used);
  const vector = <D extends 'int32' | 'float32'>(dtype: D, data: HostTensor<D>['data']) => ({
    dtype,
    shape: [places],
    data,
  });
  return {
    key: String(places),
    inputs: {
      ...builder.block,
      predictedRows: vector('int32', predictedRows),
      labels: vector('int32', labels),
      weights: vector('float32', weights),
    },
    weight,
    units: builder.tokens,
  };
}

/**
 * Places for predictions that nearly every batch of the corpus gets by with, so that one compiled graph serves all: the
 * mean of a full block, from the lengths of the first sequences, and five deviations.
 */
function usualPredictions({ training: { store }, masking, rows, width }: MaskedLmTaskOptions): number {
  const sampled = Math.min(store.length, 2000);
  const p = masking.probability;
  let slots = 0;
  let expected = 0;
  for (let i = 0; i < sampled; i++) {
    const length = store.lengthOf(i);
    slots += length + 2;
    expected += p * length + (1 - p) ** length;
  }
  const mean = (rows * width * expected) / slots;
  const spread = masking.wholeWord ? 8 : 5;
  return Math.ceil((mean + spread * Math.sqrt(mean) + 4) / 16) * 16;
}
