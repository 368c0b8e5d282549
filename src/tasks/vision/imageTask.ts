import { permutedIndex } from '../../core/random.ts';
import type { ViewBatches } from '../../data/images/views.ts';
import { pixelsOf, type VisionMethod } from '../../models/vision/config.ts';
import { visionSpecs } from '../../models/vision/encoder.ts';
import type { ParameterSpec, ParameterValues } from '../../nn/parameters.ts';
import type { Batch, Cursor, LossGraph, TrainingTask, Update } from '../../train/task.ts';
import { type InputOptions, lossInputs, viewsOf } from './inputs.ts';
import { needsFullBatches, visionLoss } from './losses.ts';

export interface ImageTaskOptions extends InputOptions {
  readonly startValues: ParameterValues;
  /** Where views of the training images come from. */
  readonly views: ViewBatches;
  /** Numbers of the training images. */
  readonly examples: readonly number[];
  /** Images of one update. */
  readonly batchSize: number;
  /** Micro-batches of one update. */
  readonly accumulationSteps: number;
  readonly evaluate?: TrainingTask['evaluate'];
}

/** The images of an update that was announced. */
interface PreparedImages {
  readonly cursor: Cursor;
  readonly examples: readonly number[];
  readonly views: Promise<readonly Float32Array[]>;
}

/** Learning from images, by any of the methods: what differs between them is in their losses and inputs. */
export class ImageTask implements TrainingTask {
  readonly name: VisionMethod;
  readonly unit = 'images';
  readonly metric: TrainingTask['metric'];
  readonly parameters: readonly ParameterSpec[];
  readonly states: readonly ParameterSpec[];
  readonly startValues: ParameterValues;
  readonly evaluate: TrainingTask['evaluate'];
  readonly #options: ImageTaskOptions;
  /** Images of an epoch that are trained on, and of one update. */
  readonly #length: number;
  readonly #batchSize: number;
  #prepared: PreparedImages | undefined;
  /** Arrays of an update that is over. */
  #spare: readonly Float32Array[] = [];

  constructor(options: ImageTaskOptions) {
    const { config, examples, startValues, evaluate } = options;
    this.#options = options;
    this.name = config.method;
    this.metric =
      config.method === 'classifier' ? { name: 'accuracy', goal: 'higher' } : { name: 'loss', goal: 'lower' };
    const specs = visionSpecs(config);
    this.parameters = specs.filter(({ isState }) => !isState);
    this.states = specs.filter(({ isState }) => isState);
    this.startValues = startValues;
    this.evaluate = evaluate;
    this.#batchSize = Math.min(options.batchSize, examples.length);
    const left = needsFullBatches.has(config.method) ? examples.length % this.#batchSize : 0;
    this.#length = examples.length - left;
  }

  lossGraph(key: string): LossGraph {
    return visionLoss(this.#options.config, Number(key), { training: true });
  }

  update(cursor: Cursor): Update {
    const { epoch, index } = cursor;
    const end = Math.min(index + this.#batchSize, this.#length);
    const next = end < this.#length ? { epoch, index: end } : { epoch: epoch + 1, index: 0 };
    // Taken now: the next update is announced before this one's images are asked for.
    return { microBatches: this.#microBatches(this.#take(cursor)), next };
  }

  prepare(cursor: Cursor): void {
    this.#prepared = this.#imagesOf(cursor);
  }

  stepsInEpoch(): number {
    return Math.ceil(this.#length / this.#batchSize);
  }

  async *#microBatches({ cursor, examples, views: made }: PreparedImages): AsyncGenerator<Batch> {
    const { config, accumulationSteps } = this.#options;
    const views = await made;
    const size = pixelsOf(config.image);
    const part = Math.ceil(examples.length / accumulationSteps);
    for (let from = 0; from < examples.length; from += part) {
      const chosen = examples.slice(from, from + part);
      const cut = views.map((view) => view.subarray(from * size, (from + chosen.length) * size));
      yield {
        key: String(chosen.length),
        inputs: lossInputs(this.#options, cursor.epoch, chosen, cut),
        weight: chosen.length,
        units: chosen.length,
      };
    }
    this.#spare = views;
  }

  #examplesOf({ epoch, index }: Cursor): number[] {
    const { examples, seed } = this.#options;
    const end = Math.min(index + this.#batchSize, this.#length);
    return Array.from({ length: end - index }, (_, i) => {
      return examples[permutedIndex(index + i, examples.length, seed, epoch)] as number;
    });
  }

  #take(cursor: Cursor): PreparedImages {
    const prepared = this.#prepared;
    this.#prepared = undefined;
    const isThis = prepared?.cursor.epoch === cursor.epoch && prepared.cursor.index === cursor.index;
    return isThis ? prepared : this.#imagesOf(cursor);
  }

  #imagesOf(cursor: Cursor): PreparedImages {
    const { config, views } = this.#options;
    const examples = this.#examplesOf(cursor);
    const fits = this.#spare[0]?.length === examples.length * pixelsOf(config.image);
    const into = fits ? this.#spare : undefined;
    this.#spare = [];
    const promise = views.batch(cursor.epoch, examples, viewsOf(config), into);
    promise.catch(() => {}); // told when the update is taken
    return { cursor, examples, views: promise };
  }
}
