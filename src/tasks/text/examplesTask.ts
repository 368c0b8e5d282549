import { alone, inOrder, shareOf } from '../../core/collective.ts';
import { breathe } from '../../core/interrupt.ts';
import { permutedIndex, randomBits } from '../../core/random.ts';
import type { Engine, NamedTensors } from '../../engine/engine.ts';
import { ProgramCache } from '../../engine/programCache.ts';
import type { ParameterSpec, ParameterValues } from '../../nn/parameters.ts';
import type { Frame } from '../../text/frame.ts';
import { evaluationEpoch } from '../../text/masking.ts';
import { RowPacker } from '../../text/packing.ts';
import { lossOutput } from '../../train/programs.ts';
import type { Batch, Cursor, LossGraph, Metrics, TrainingTask, Update } from '../../train/task.ts';
import { placesIn, textBatch } from './batch.ts';
import { type FrozenSplit, takeFrozen } from './frozen.ts';
import { type LossOptions, objectiveGraph, objectiveParameters, type Places, readingOf } from './graph.ts';
import type { ObjectiveTaskOptions, ReadText } from './objective.ts';

/** An example that is one text, and what else its objective knows. */
export interface TextExample {
  /** Tokens without the special ones around them. */
  readonly ids: ArrayLike<number>;
}

/** Where a micro-batch does not fit the usual rows, an update is cut into more than `accumulationSteps`. */
export interface ExamplesTaskOptions<Example extends TextExample> extends ObjectiveTaskOptions<Example> {
  readonly examples: readonly Example[];
  /** Examples of one update. */
  readonly batchSize: number;
  /** The order of an epoch [examples], a pure function of it; a shuffled one when absent. */
  readonly order?: (epoch: number) => Int32Array;
  readonly evaluate?: TrainingTask['evaluate'];
  /** Examples whose loss is measured, where there is no `evaluate`, and the engine that computes it. */
  readonly heldOut?: { readonly examples: readonly Example[]; readonly engine: Engine };
}

type HeldOut<Example extends TextExample> = NonNullable<ExamplesTaskOptions<Example>['heldOut']>;

/** Learns an objective from examples in memory, a number of them an update, packed into blocks. */
export class ExamplesTask<Example extends TextExample> implements TrainingTask {
  readonly name: string;
  readonly unit = 'tokens';
  readonly metric: TrainingTask['metric'];
  readonly parameters: readonly ParameterSpec[];
  readonly frozen: FrozenSplit['frozen'];
  readonly startValues: ParameterValues;
  readonly evaluate: TrainingTask['evaluate'];
  readonly #options: ExamplesTaskOptions<Example>;
  readonly keys: readonly string[] | undefined;
  /** Rows of the blocks that there are programs for, the fewest first. */
  readonly #rowCounts: readonly number[];
  /** Examples of a micro-batch. */
  readonly #most: number;
  /** The order of the epoch that was asked for last, where it is not the shuffled one. */
  #ordered: { readonly epoch: number; readonly numbers: Int32Array } | undefined;

  constructor(options: ExamplesTaskOptions<Example>) {
    this.#options = options;
    const { model, objective, startValues, heldOut } = options;
    const measured = heldOut && heldOut.examples.length > 0 ? heldOut : undefined;
    const evaluate: TrainingTask['evaluate'] =
      options.evaluate ?? (measured && ((values, ...how) => this.#measure(measured, values, ...how)));
    this.name = objective.name;
    this.metric = objective.metric;
    const split = takeFrozen(objectiveParameters(model, objective), startValues, options.frozen ?? new Set());
    this.parameters = split.trained;
    this.frozen = split.frozen;
    this.startValues = startValues;
    this.evaluate = evaluate && ((trained, ...how) => evaluate({ ...this.frozen, ...trained }, ...how));
    this.#most = Math.ceil(options.batchSize / options.accumulationSteps);
    this.#rowCounts = usualRows(options, this.#most);
    const isFixed = Object.values(objective.terms).every((term) => readingOf(model, term) !== 'chosen');
    this.keys = isFixed ? this.#rowCounts.map((rows) => keyOf(rows, this.#placesFor([]))) : undefined;
  }

  lossGraph(key: string): LossGraph {
    return this.#graph(key, { training: true, frozen: this.frozen, recompute: this.#options.recompute });
  }

  #graph(key: string, options: LossOptions): LossGraph {
    const { model, objective, width } = this.#options;
    const [rows = 1, ...counts] = key.split(' ').map(Number);
    const places = Object.fromEntries(Object.keys(objective.terms).map((name, i) => [name, counts[i] ?? 0]));
    return objectiveGraph(model, objective, { rows, width }, places, options);
  }

  /** The loss that is trained, without dropout, of examples as they are in the one epoch of evaluation. */
  async #measure(
    { examples, engine }: HeldOut<Example>,
    values: NamedTensors,
    signal?: AbortSignal,
    collective = alone,
  ): Promise<Metrics> {
    const { objective, batchSize } = this.#options;
    const programs = new ProgramCache((key) => {
      const { graph, loss } = this.#graph(key, { training: false });
      graph.output(lossOutput, loss);
      return engine.compile(graph);
    }, 2);
    const starts = Array.from({ length: Math.ceil(examples.length / batchSize) }, (_, i) => i * batchSize);
    const own: Float64Array[] = [];
    try {
      for await (const from of shareOf(starts, collective)) {
        const total = { loss: 0, weight: 0 };
        const part = examples.slice(from, from + batchSize);
        const texts = part.map((example, i) => objective.read(example, from + i, evaluationEpoch));
        for (const cut of this.#cut(texts)) {
          await breathe(signal);
          const { key, inputs, weight } = this.#block(cut);
          const { [lossOutput]: loss } = await (await programs.get(key)).run({ ...values, ...inputs });
          total.loss += Number(loss?.data[0]);
          total.weight += weight;
        }
        own.push(Float64Array.of(total.loss, total.weight));
      }
    } finally {
      await programs.dispose();
    }
    let [losses, weights] = [0, 0];
    for (const [loss = 0, weight = 0] of await inOrder(collective, own)) {
      losses += loss;
      weights += weight;
    }
    return { loss: losses / weights, count: examples.length };
  }

  update({ epoch, index }: Cursor): Update {
    const { examples, batchSize } = this.#options;
    const end = Math.min(index + batchSize, examples.length);
    const chosen = this.#drawn(epoch, index, end);
    const microBatches = this.#cut(chosen).map((part, micro) =>
      this.#forTraining(this.#block(part), epoch, index, micro),
    );
    return { microBatches, next: end < examples.length ? { epoch, index: end } : { epoch: epoch + 1, index: 0 } };
  }

  stepsInEpoch(): number {
    return Math.ceil(this.#options.examples.length / this.#options.batchSize);
  }

  /** Examples of the epoch's order, read. */
  #drawn(epoch: number, from: number, to: number): ReadText[] {
    const { examples, objective } = this.#options;
    return Array.from({ length: to - from }, (_, i) => {
      const number = this.#numberAt(epoch, from + i);
      return objective.read(examples[number] as Example, number, epoch);
    });
  }

  #numberAt(epoch: number, place: number): number {
    const { examples, seed, order } = this.#options;
    if (!order) return permutedIndex(place, examples.length, seed, epoch);
    if (this.#ordered?.epoch !== epoch) this.#ordered = { epoch, numbers: order(epoch) };
    return this.#ordered.numbers[place] as number;
  }

  /** Cuts an update into parts that each fit a block, longest texts first, which packs tightest. */
  #cut(chosen: readonly ReadText[]): ReadText[][] {
    const { width, frame } = this.#options;
    const waiting = [...chosen].sort((a, b) => b.ids.length - a.ids.length);
    const parts: ReadText[][] = [];
    while (waiting.length > 0) {
      const packer = new RowPacker(this.#rowCounts.at(-1) ?? 1, width);
      const part: ReadText[] = [];
      for (let i = 0; i < waiting.length && part.length < this.#most; ) {
        const text = waiting[i] as ReadText;
        if (packer.place(text.ids.length + frame.size)) part.push(...waiting.splice(i, 1));
        else i++;
      }
      if (part.length === 0) throw new Error(`internal: a text of ${waiting[0]?.ids.length} tokens fits no row`);
      parts.push(part);
    }
    return parts;
  }

  #block(part: readonly ReadText[]): Batch {
    const { width } = this.#options;
    const needed = rowsFor(part, this.#options);
    const rows = this.#rowCounts.find((count) => count >= needed) ?? needed;
    const places = this.#placesFor(part);
    const { inputs, weight, tokens } = textBatch(this.#options, { rows, width }, part, places);
    return { key: keyOf(rows, places), inputs, weight, units: tokens };
  }

  #forTraining(block: Batch, epoch: number, index: number, micro: number): Batch {
    const { seed } = this.#options;
    const data = randomBits(seed, 'dropout', epoch, index, micro, new Uint32Array(4)).slice(0, 2);
    const dropoutKey = { dtype: 'uint32', shape: [2], data } as const;
    return { ...block, inputs: { ...this.frozen, ...block.inputs, dropoutKey } };
  }

  /** Room for every example of a micro-batch; for chosen places, of which there may be any number, in large steps. */
  #placesFor(part: readonly ReadText[]): Places {
    const { model, objective } = this.#options;
    const needed = placesIn(objective, part);
    const places = Object.entries(objective.terms).map(([name, term]) => {
      const chosen = Math.max(1, Math.ceil((needed[name] ?? 0) / placesUnit)) * placesUnit;
      return [name, readingOf(model, term) === 'chosen' ? chosen : this.#most] as const;
    });
    return Object.fromEntries(places);
  }
}

/** Chosen places of a block are multiples of this. */
const placesUnit = 64;

/** Rows and the places of each term. */
function keyOf(rows: number, places: Places): string {
  return [rows, ...Object.values(places)].join(' ');
}

/**
 * Rows of the blocks to make programs for: as many as all but the largest part-updates need, which are cut once more, and
 * fewer, if there is a number that spares a tenth of all rows.
 */
function usualRows<E extends TextExample>(options: ExamplesTaskOptions<E>, most: number): number[] {
  const { examples, seed } = options;
  const needed: number[] = [];
  for (let draw = 0; draw < 256; draw++) {
    const part = Array.from({ length: Math.min(most, examples.length) }, (_, i) => {
      const at = (draw * most + i) % examples.length;
      return examples[permutedIndex(at, examples.length, seed, 0)] as E;
    });
    needed.push(rowsFor(part, options));
  }
  needed.sort((a, b) => a - b);
  const enough = needed[Math.floor(needed.length * 0.97)] ?? 1;
  const costs = Array.from({ length: enough }, (_, i) => {
    const fewer = i + 1;
    return { fewer, rows: needed.reduce((sum, rows) => sum + (rows <= fewer ? fewer : enough), 0) };
  });
  const best = costs.reduce((a, b) => (b.rows < a.rows ? b : a));
  return best.rows <= 0.9 * enough * needed.length ? [best.fewer, enough] : [enough];
}

/** Rows that texts take when the longest are placed first. */
function rowsFor(part: readonly TextExample[], { frame, width }: { readonly frame: Frame; readonly width: number }) {
  const packer = new GrowingRows(width);
  for (const length of part.map(({ ids }) => ids.length + frame.size).sort((a, b) => b - a)) packer.place(length);
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
