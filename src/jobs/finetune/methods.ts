import type { Fit, Plan } from '../run.ts';
import type { FinetuneResult, MethodName } from '../types.ts';
import type { Base, FinetuneRun } from './base.ts';
import { frozenFit } from './frozen.ts';
import { trainedPlan } from './trained.ts';
import { hybridFit, wordsFit } from './words.ts';

/** A way to make a classifier of labeled texts. */
export interface Method {
  /** In words, for reports and cards. */
  readonly title: string;
  /** Whether the result is a network alone, which can be exported and used in Python. */
  readonly isNetwork: boolean;
  /** Whether it reads an encoder at all. */
  readonly readsEncoder: boolean;
  /** The run that makes the classifier of all training texts. */
  run(run: FinetuneRun, base: () => Promise<Base>): Promise<Plan<FinetuneResult> | Fit<FinetuneResult>>;
}

/** Every method by its name, the simplest first. */
export const methods: Readonly<Record<MethodName, Method>> = {
  words: {
    title: 'TF-IDF of words and character n-grams, linear',
    ...{ isNetwork: false, readsEncoder: false },
    run: wordsFit,
  },
  frozen: {
    title: 'vectors of the encoder as it is, linear',
    ...{ isNetwork: true, readsEncoder: true },
    run: async (run, base) => frozenFit(run, await base()),
  },
  hybrid: {
    title: 'both of these',
    ...{ isNetwork: false, readsEncoder: true },
    run: async (run, base) => hybridFit(run, await base()),
  },
  finetune: {
    title: 'the encoder trained on the labels',
    ...{ isNetwork: true, readsEncoder: true },
    run: async (run, base) => trainedPlan(run, await base(), 'finetune'),
  },
  contrastive: {
    title: 'the encoder trained on the labels and on contrasts between them',
    ...{ isNetwork: true, readsEncoder: true },
    run: async (run, base) => trainedPlan(run, await base(), 'contrastive'),
  },
};
