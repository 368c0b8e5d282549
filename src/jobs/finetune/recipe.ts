import type { Resolved } from '../../settings/options.ts';
import type { Base, FinetuneRun } from './base.ts';

/** The methods that train the encoder. */
export type TrainedMethod = 'finetune' | 'contrastive';

/** How a method trains, with what depends on model and data filled in. */
export interface Recipe {
  readonly method: TrainedMethod;
  readonly epochs: number;
  /** Supervised contrast beside the cross-entropy of the labels; absent: none. */
  readonly contrast?: {
    readonly temperature: number;
    /** Examples of one class that are drawn together. */
    readonly together: number;
  };
  /**
   * Share of what training changed that is kept: the weights are this far on the way from those that it started with
   * (Wortsman et al. 2022); absent: all.
   */
  readonly share?: number;
  /** The settings that go by model and data, as they were given or as they suit. */
  readonly settings: Required<Pick<Resolved<'finetune'>, 'learningRate' | 'batchSize' | 'warmup'>>;
}

/** Updates that a run makes at least, as far as `mostEpochs` give them: five epochs of few labels are too few. */
const leastSteps = 200;
const mostEpochs = 30;
/** Epochs of any number of examples, and of so many that fewer do. */
const [usualEpochs, fewestEpochs, manyExamples] = [5, 3, 20_000] as const;

/** What differs between the methods. */
const recipes = {
  finetune: { rate: 1e-4, batchSize: 16 },
  contrastive: { rate: 2.5e-4, batchSize: 32, contrast: { temperature: 0.05, together: 4 }, share: 0.6 },
} as const satisfies Readonly<Record<TrainedMethod, unknown>>;

/** The recipe of a method for a model and a number of examples. */
export function recipeOf(
  method: TrainedMethod,
  { given }: Pick<FinetuneRun, 'given'>,
  base: Base,
  examples: number,
): Recipe {
  const { rate, batchSize: usual, ...other } = recipes[method];
  const batchSize = given.batchSize ?? usual;
  const least = examples < manyExamples ? usualEpochs : fewestEpochs;
  const epochs = Math.min(mostEpochs, Math.max(least, Math.ceil(leastSteps / Math.ceil(examples / batchSize))));
  const learningRate = given.learningRate ?? rateFor(rate, base.model.config.hiddenSize);
  return { method, epochs, ...other, settings: { learningRate, batchSize, warmup: given.warmup ?? 0.1 } };
}

/** Width of the model that the learning rates were measured on. */
const measuredWidth = 384;

/** Narrower models take larger steps: the rate goes with the square of the width, to two digits. */
export function rateFor(rate: number, width: number): number {
  const scaled = rate * (measuredWidth / width) ** 2;
  return Number(Math.min(1e-3, Math.max(1e-5, scaled)).toPrecision(2));
}
