import type { Resolved } from '../../settings/options.ts';
import type { AnswerFacts } from '../answers/answerKind.ts';
import type { JobHooks, LabeledResult } from '../types.ts';

/** What a job has to know of a kind of answers that is learned from labeled texts; how models answer stands in `answers/`. */
export interface LabelKind {
  /** What the setting `task` calls it. */
  readonly task: NonNullable<Resolved<'finetune'>['task']>;
  /** Reads labeled texts, and measures a model's answers to them. @throws what reading them throws */
  evaluate(measured: Measured, settings: Resolved<'evaluate'>, hooks: JobHooks): Promise<LabeledResult>;
}

/** A model that is measured. */
export interface Measured extends AnswerFacts {
  /** What its classifier makes of each text [outputs]. */
  rows(texts: readonly string[]): Promise<ArrayLike<number>[]>;
}
