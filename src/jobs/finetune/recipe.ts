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
  /** Whether the classifier is fitted anew to the vectors of the trained encoder. */
  readonly refits: boolean;
  /** The settings that go by model and data, as they were given or as they suit. */
  readonly settings: Required<Pick<Resolved<'finetune'>, 'learningRate' | 'batchSize' | 'warmup'>>;
}

/** Updates that a run makes at least, by default, as far as `mostEpochs` give them: three epochs of few labels are too few. */
const leastSteps = 200;
const mostEpochs = 30;

/** The recipe of a method for a model and a set of examples. */
export function recipeOf(method: TrainedMethod, { given }: FinetuneRun, base: Base, examples: number): Recipe {
  const isContrastive = method === 'contrastive';
  const batchSize = given.batchSize ?? (isContrastive ? 32 : 16);
  const epochs = Math.min(mostEpochs, Math.max(3, Math.ceil(leastSteps / Math.ceil(examples / batchSize))));
  return {
    method,
    epochs,
    contrast: isContrastive ? { temperature: 0.1, together: 4 } : undefined,
    refits: isContrastive,
    settings: {
      learningRate: given.learningRate ?? usualRate(base, isContrastive),
      batchSize,
      warmup: given.warmup ?? 0.1,
    },
  };
}

/** Peak learning rate that suits a model by the width of its layers. */
function usualRate(base: Base, isContrastive: boolean): number {
  const { hiddenSize } = base.model.config;
  return (isContrastive ? 1e-4 : 5e-5) * Math.max(1, 384 / hiddenSize);
}
