import type { Resolved } from '../../settings/options.ts';
import type { AnswerFacts } from '../answers/answerKind.ts';
import type { Learned, Trust } from '../trust/trust.ts';
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
  /** How far its answers can be trusted; null where nothing is known of it. */
  readonly trust: Trust | null;
  /** Texts that it learned from, as far as they are known. */
  readonly learned: Learned;
  /** How strange texts are [n], by each score that the model has; the one that it goes by is named in `trust`. */
  strangeness(texts: readonly string[]): Promise<ReadonlyMap<string, Float64Array>>;
  /** What its classifier makes of each text [outputs]. */
  rows(texts: readonly string[]): Promise<ArrayLike<number>[]>;
}
