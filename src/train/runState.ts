import { counted, UsageError } from '../core/errors.ts';
import { joined, say, setting } from '../core/message.ts';
import type { Cursor } from './task.ts';

/** Where a run stands: all of its state that is not in arrays. */
export interface RunState {
  /** Optimizer steps taken. */
  readonly step: number;
  readonly cursor: Cursor;
  /** Units trained on so far. */
  readonly units: number;
  readonly best: { readonly step: number; readonly value: number } | null;
  /** Step of the last evaluation. */
  readonly evaluatedStep: number | null;
  /** Evaluations since the best one. */
  readonly evaluationsWithoutBest: number;
  /** Settings that a resumed run has to share. */
  readonly fingerprint: Readonly<Record<string, unknown>>;
  readonly callbacks: Readonly<Record<string, unknown>>;
}

export function startOf(fingerprint: RunState['fingerprint']): RunState {
  return {
    step: 0,
    cursor: { epoch: 0, index: 0 },
    units: 0,
    best: null,
    evaluatedStep: null,
    evaluationsWithoutBest: 0,
    fingerprint,
    callbacks: {},
  };
}

/** @throws UsageError when a run is to go on with other settings than the saved ones */
export function refuseOtherSettings(
  saved: RunState['fingerprint'],
  current: RunState['fingerprint'],
  path: string,
): void {
  const different = Object.keys({ ...saved, ...current }).filter(
    (key) => JSON.stringify(saved[key]) !== JSON.stringify(current[key]),
  );
  if (different.length === 0) return;
  const list = different.map(
    (key) => say`${setting(key)} (${JSON.stringify(saved[key])}, now ${JSON.stringify(current[key])})`,
  );
  throw new UsageError(
    say`cannot resume ${path}: ${counted(different.length, 'setting')} changed: ${joined(list, ', ')}; run with the settings it was started with, or with ${setting('overwrite')} to start anew`,
  );
}

/** Where a run stands after an evaluation. @param sign 1 where lower values are better, -1 where higher ones are */
export function evaluated(run: RunState, value: number, sign: 1 | -1): RunState {
  const { step, best, evaluationsWithoutBest } = run;
  const isBetter = Number.isFinite(value) && (!best || sign * value < sign * best.value);
  return isBetter
    ? { ...run, evaluatedStep: step, best: { step, value }, evaluationsWithoutBest: 0 }
    : { ...run, evaluatedStep: step, evaluationsWithoutBest: evaluationsWithoutBest + 1 };
}
