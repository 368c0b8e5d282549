import type { Metrics } from './task.ts';

/** What one optimizer step did. */
export interface StepRecord {
  /** Steps taken, this one included. */
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  /** Mean loss of the update. */
  readonly loss: number;
  readonly learningRate: number;
  /** Global norm of the mean gradient, before clipping. */
  readonly gradientNorm: number;
  /** Units (non-padding tokens, images) of this update. */
  readonly units: number;
  /** Of this process so far, its first step left out. */
  readonly unitsPerSecond: number;
  readonly secondsLeft: number;
}

/**
 * Watches a run. What `state` returns is kept in checkpoints; `restore` gets it at the start of a resumed run, and
 * undefined at the start of a new one.
 */
export interface TrainerCallback {
  readonly name: string;
  /**
   * Before the first step, and before `restore`; `resumedFrom` is the step of the checkpoint the run goes on from,
   * `damaged` the paths of those that it could not.
   */
  onStart?(resumedFrom: number | null, damaged: readonly string[]): void | Promise<void>;
  onStep?(record: StepRecord): void;
  onEvaluation?(step: number, metrics: Metrics): void;
  onCheckpoint?(step: number, path: string): void;
  state?(): unknown;
  restore?(state: unknown): void;
}
