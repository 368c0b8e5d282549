import type { Fit, Plan } from '../run.ts';
import type { FinetuneResult, MethodName } from '../types.ts';
import type { Base, FinetuneRun } from './base.ts';
import type { TrialFacts } from './calibrated.ts';
import { frozenFit } from './frozen.ts';
import { wordsOf } from './hybrid.ts';
import type { TrainedMethod } from './recipe.ts';
import { trainedPlan } from './trained.ts';
import { wordsFit } from './words.ts';

/** A way to make a classifier of labeled texts. */
export interface Method {
  /** In words, for reports and cards. */
  readonly title: string;
  /**
   * The run that makes the classifier of all training texts.
   *
   * @param found what folds found of it, where methods were tried
   */
  run(run: FinetuneRun, base: () => Promise<Base>, found?: FoundByFolds): Promise<MethodRun>;
}

/** What folds found of a trained method. */
export interface FoundByFolds extends TrialFacts {
  /** Weight of the words beside the network. */
  readonly wordsWeight?: number;
}

export type MethodRun = Plan<FinetuneResult> | Fit<FinetuneResult>;

/** Weight of the words beside a trained network when nothing chose it. */
const usualWeight = 0.5;

const trained =
  (method: TrainedMethod): Method['run'] =>
  async (run, base, found) =>
    trainedPlan(run, await base(), method, { found });

const trainedWithWords =
  (method: TrainedMethod): Method['run'] =>
  async (run, base, found) => {
    const { model, c } = await wordsOf(run);
    const words = { words: model, weight: found?.wordsWeight ?? usualWeight, c };
    return trainedPlan(run, await base(), method, { words, found });
  };

/** Every method by its name, the simplest first. */
export const methods: Readonly<Record<MethodName, Method>> = {
  words: { title: 'a linear classifier on TF-IDF of words and character n-grams', run: wordsFit },
  frozen: {
    title: 'a linear classifier on the vectors of the encoder as it is',
    run: async (run, base) => frozenFit(run, await base()),
  },
  hybrid: {
    title: 'linear classifiers on vectors and on words, side by side',
    run: async (run, base) => frozenFit(run, await base(), true),
  },
  finetune: { title: 'the encoder trained on the labels', run: trained('finetune') },
  'finetune+words': {
    title: 'the encoder trained on the labels, and a linear classifier on words beside it',
    run: trainedWithWords('finetune'),
  },
  contrastive: {
    title: 'the encoder trained on the labels and on contrasts between them',
    run: trained('contrastive'),
  },
  'contrastive+words': {
    title: 'the encoder trained on labels and contrasts, and a linear classifier on words beside it',
    run: trainedWithWords('contrastive'),
  },
};

/** Their names, the simplest first. */
export const methodNames = Object.keys(methods) as [MethodName, ...MethodName[]];
