import { alone, inOrder, shareOf } from '../../core/collective.ts';
import { breathe } from '../../core/interrupt.ts';
import { permutedIndex, randomBits } from '../../core/random.ts';
import type { Corpus } from '../../data/corpus.ts';
import type { StoredSequence, TokenStore } from '../../data/tokenStore.ts';
import type { Engine, NamedTensors } from '../../engine/engine.ts';
import { ProgramCache } from '../../engine/programCache.ts';
import { RatioEstimate } from '../../evaluation/intervals.ts';
import type { ParameterSpec, ParameterValues } from '../../nn/parameters.ts';
import type { Frame } from '../../text/frame.ts';
import { evaluationEpoch } from '../../text/masking.ts';
import { RowPacker } from '../../text/packing.ts';
import { lossOutput } from '../../train/programs.ts';
import type { Batch, Cursor, LossGraph, Metrics, TrainingTask, Update } from '../../train/task.ts';
import { placesIn, textBatch } from './batch.ts';
import { copyOfStart, type FrozenSplit, takeFrozen } from './frozen.ts';
import { objectiveGraph, objectiveParameters, type Places } from './graph.ts';
import type { Objective, ObjectiveTaskOptions, ReadText } from './objective.ts';

export interface CorpusTaskOptions extends ObjectiveTaskOptions<StoredSequence> {
  readonly training: Pick<Corpus, 'store' | 'excluded'>;
  /** Sequences that evaluation reads, in a store of their own or the training corpus' held-out part. */
  readonly heldOut: { readonly store: TokenStore; readonly sequences: readonly number[] };
  /** Rows of one micro-batch. */
  readonly rows: number;
  readonly engine: Engine;
  /** Measures what is held out, in place of the loss that is trained. */
  readonly evaluate?: TrainingTask['evaluate'];
}

/** Learns an objective from a corpus on disk: sequences in the epoch's order, packed into blocks of one shape. */
export class CorpusTask implements TrainingTask {
  readonly name: string;
  readonly unit = 'tokens';
  readonly metric: TrainingTask['metric'];
  readonly parameters: readonly ParameterSpec[];
  readonly frozen: FrozenSplit['frozen'];
  readonly startValues: ParameterValues;
  readonly evaluate: TrainingTask['evaluate'];
  readonly #options: CorpusTaskOptions;
  readonly #excluded: ReadonlySet<number>;
  readonly #usual: Places;
  /** What the graph takes of the model that training starts from. */
  readonly #start: FrozenSplit['frozen'];

  constructor(options: CorpusTaskOptions) {
    this.#options = options;
    const { model, objective, startValues, heldOut, engine } = options;
    this.name = objective.name;
    this.metric = objective.metric;
    const specs = objectiveParameters(model, objective);
    const split = takeFrozen(specs, startValues, options.frozen ?? new Set());
    this.parameters = split.trained;
    this.frozen = split.frozen;
    this.startValues = startValues;
    this.#excluded = new Set(options.training.excluded);
    this.#usual = usualPlaces(options);
    const { graph } = this.lossGraph(Object.values(this.#usual).join(' '));
    this.#start = copyOfStart(graph.inputs.keys(), specs, split, startValues);
    const evaluate = options.evaluate ?? ((values, ...how) => evaluateCorpus(this.#options, values, engine, ...how));
    this.evaluate =
      heldOut.sequences.length > 0
        ? (trained, ...how) => evaluate({ ...this.frozen, ...this.#start, ...trained }, ...how)
        : undefined;
  }

  lossGraph(key: string): LossGraph {
    const { model, objective, rows, width, recompute } = this.#options;
    const options = { training: true, frozen: this.frozen, recompute };
    return objectiveGraph(model, objective, { rows, width }, placesOfKey(objective, key), options);
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
    const { training, seed, frame, rows, width } = this.#options;
    const { store } = training;
    let packer = new RowPacker(rows, width);
    let sequences: number[] = [];
    for (let index = from; index < store.length; index++) {
      const sequence = permutedIndex(index, store.length, seed, epoch);
      if (this.#excluded.has(sequence)) continue;
      const length = store.lengthOf(sequence) + frame.size;
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
    const { training, objective, seed } = this.#options;
    const texts = sequences.map((sequence) => objective.read(training.store.read(sequence), sequence, epoch));
    const batch = corpusBatch(this.#options, texts, this.#usual);
    const key = dropoutKeyOf(seed, epoch, index);
    return { ...batch, inputs: { ...this.frozen, ...this.#start, ...batch.inputs, dropoutKey: key } };
  }
}

function dropoutKeyOf(seed: number, epoch: number, index: number) {
  const data = randomBits(seed, 'dropout', epoch, index, 0, new Uint32Array(4)).slice(0, 2);
  return { dtype: 'uint32', shape: [2], data } as const;
}

/** Name of the output with the loss of each place of the first term. */
const eachOutput = 'losses';

/** What evaluating on a corpus needs. */
export type CorpusEvaluation = Pick<CorpusTaskOptions, 'model' | 'objective' | 'frame' | 'heldOut' | 'rows' | 'width'>;

/** Of the first term of an objective. */
export interface CorpusMeasure extends Metrics {
  /** Mean over all places, each of equal weight: in nats for masked tokens. */
  readonly loss: number;
  /** Of the loss, over texts. */
  readonly lossStandardError: number;
  /** Places, such as masked tokens. */
  readonly count: number;
}

/**
 * Mean loss over sequences as they are in the one epoch of evaluation: with masks that never move, and every place of
 * equal weight, so the value does not depend on how the texts are batched.
 *
 * @param collective processes that share out the blocks
 * @throws InterruptedError when the signal was aborted
 */
export async function evaluateCorpus(
  evaluated: CorpusEvaluation,
  parameters: NamedTensors,
  engine: Engine,
  signal?: AbortSignal,
  collective = alone,
): Promise<CorpusMeasure> {
  const [first = ''] = Object.keys(evaluated.objective.terms);
  const objective = withTerm(evaluated.objective, first);
  const options = { ...evaluated, objective };
  const { model, frame, rows, width, heldOut } = options;
  const programs = new ProgramCache((key) => {
    const places = placesOfKey(objective, key);
    const { graph, loss, each } = objectiveGraph(model, objective, { rows, width }, places, { training: false });
    const losses = each.get(first);
    graph.output(lossOutput, loss);
    if (losses) graph.output(eachOutput, losses);
    return engine.compile(graph);
  }, 2);
  const own: Float64Array[] = [];
  try {
    for await (const { number, sequences } of shareOf(inBlocks(heldOut, frame, rows, width), collective)) {
      await breathe(signal);
      // For an objective that tells passes apart by dropout: as fixed as the masks.
      const dropoutKey = dropoutKeyOf(0, evaluationEpoch, number);
      const read = (sequence: number) => objective.read(heldOut.store.read(sequence), sequence, evaluationEpoch);
      const texts = sequences.map(read);
      const batch = corpusBatch(options, texts);
      const program = await programs.get(batch.key);
      const { [lossOutput]: loss, [eachOutput]: each } = await program.run({
        ...parameters,
        ...batch.inputs,
        dropoutKey,
      });
      const measured = [Number(loss?.data[0]), batch.weight];
      let place = 0;
      for (const { asked } of texts) {
        const places = asked[first]?.places?.length ?? 1;
        let total = 0;
        for (let i = 0; i < places; i++) total += Number(each?.data[place++]);
        measured.push(total, places);
      }
      own.push(Float64Array.from(measured));
    }
  } finally {
    await programs.dispose();
  }
  return measureOf(await inOrder(collective, own), objective);
}

/** @param blocks of each the loss and the count, then those of each text */
function measureOf(blocks: readonly Float64Array[], objective: CorpusEvaluation['objective']): CorpusMeasure {
  let summed = 0;
  let count = 0;
  const byText = new RatioEstimate();
  for (const [blockLoss = 0, places = 0, ...texts] of blocks) {
    summed += blockLoss;
    count += places;
    for (let i = 0; i < texts.length; i += 2) byText.add(texts[i] ?? 0, texts[i + 1] ?? 0);
  }
  const loss = summed / count;
  return { loss, lossStandardError: byText.standardError, ...objective.alsoMeasured?.(loss), count };
}

/** The objective with one of its terms. */
function withTerm(objective: CorpusEvaluation['objective'], name: string): CorpusEvaluation['objective'] {
  return { ...objective, terms: Object.fromEntries(Object.entries(objective.terms).filter(([key]) => key === name)) };
}

function* inBlocks({ store, sequences }: CorpusEvaluation['heldOut'], frame: Frame, rows: number, width: number) {
  let packer = new RowPacker(rows, width);
  let block: number[] = [];
  let number = 0;
  for (const sequence of sequences) {
    const length = store.lengthOf(sequence) + frame.size;
    if (!packer.fits(length)) {
      yield { number: number++, sequences: block };
      packer = new RowPacker(rows, width);
      block = [];
    }
    packer.place(length);
    block.push(sequence);
  }
  if (block.length > 0) yield { number, sequences: block };
}

/** Places of a block are multiples of this, where they are not a multiple of the usual number. */
const placesUnit = 64;

/** One block; its key is the number of places of each term, a multiple of the usual one. */
function corpusBatch(evaluation: CorpusEvaluation, texts: readonly ReadText[], usual: Places = {}): Batch {
  const { rows, width } = evaluation;
  const needed = placesIn(evaluation.objective, texts);
  const places = Object.fromEntries(
    Object.entries(needed).map(([name, count]) => {
      const unit = usual[name] ?? placesUnit;
      return [name, Math.max(1, Math.ceil(count / unit)) * unit];
    }),
  );
  const { inputs, weight, tokens } = textBatch(evaluation, { rows, width }, texts, places);
  return { key: Object.values(places).join(' '), inputs, weight, units: tokens };
}

function placesOfKey({ terms }: Objective<never>, key: string): Places {
  const counts = key.split(' ').map(Number);
  return Object.fromEntries(Object.keys(terms).map((name, i) => [name, counts[i] ?? 0]));
}

/**
 * Places that nearly every block of the corpus gets by with, so that one compiled graph serves all: the mean of a full
 * block, from the lengths of the first sequences, and some deviations.
 */
function usualPlaces({ objective, training: { store }, frame, rows, width }: CorpusTaskOptions): Places {
  const sampled = Math.min(store.length, 2000);
  return Object.fromEntries(
    Object.entries(objective.terms).map(([name, { usual = { places: () => 1, deviations: 5 } }]) => {
      let slots = 0;
      let expected = 0;
      for (let i = 0; i < sampled; i++) {
        const length = store.lengthOf(i);
        slots += length + frame.size;
        expected += usual.places(length);
      }
      const mean = (rows * width * expected) / slots;
      return [name, Math.ceil((mean + usual.deviations * Math.sqrt(mean) + 4) / 16) * 16];
    }),
  );
}
