import type { Resolved } from '../../settings/options.ts';
import type { FoundModel } from '../findModel.ts';
import type { Fit, Plan, Reading } from '../run.ts';
import type { RunRecord } from '../runRecord.ts';
import type { AnyFinetuneResult, FinetuneOptions, JobHooks } from '../types.ts';

/** Reads labeled texts of one kind, and finds the run that learns from them. */
export type Learner = (asked: Learning) => Promise<Plan<AnyFinetuneResult> | Fit<AnyFinetuneResult>>;

/** What a run of fine-tuning begins with. */
export interface Learning {
  readonly given: Resolved<'finetune'>;
  readonly options: FinetuneOptions;
  readonly reading: Reading;
  readonly hooks: JobHooks;
  /** Where the model lies. */
  find(): Promise<FoundModel>;
  /** Of the run that is gone on with. */
  readonly record: RunRecord | undefined;
  /** When the run began, as `performance.now()` tells it. */
  readonly began: number;
}
