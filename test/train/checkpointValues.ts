import type { ExportedArray } from '../../src/engine/trainState.ts';
import type { Checkpoints } from '../../src/train/checkpoints/checkpoints.ts';
import type { CheckpointContents } from '../../src/train/checkpoints/manifest.ts';
import type { RunState } from '../../src/train/runState.ts';

/** One thing that is done to a folder of checkpoints; `version` says which values are written. */
export type Act =
  | { readonly kind: 'write'; readonly step: number; readonly version: number }
  | { readonly kind: 'prune'; readonly keep: number; readonly keepSteps: readonly number[] }
  | { readonly kind: 'remove'; readonly step: number };

/** A life of checkpoints: new ones, one that is replaced, pruning with and without a best one, one that diverged. */
export const acts: readonly Act[] = [
  { kind: 'write', step: 1, version: 1 },
  { kind: 'write', step: 2, version: 2 },
  { kind: 'write', step: 2, version: 3 },
  { kind: 'prune', keep: 1, keepSteps: [1] },
  { kind: 'prune', keep: 1, keepSteps: [] },
  { kind: 'write', step: 3, version: 4 },
  { kind: 'write', step: 4, version: 5 },
  { kind: 'prune', keep: 2, keepSteps: [] },
  { kind: 'remove', step: 4 },
  { kind: 'prune', keep: 2, keepSteps: [] },
];

/** The version that the newest checkpoint holds before each act, and after the last. */
export const newestVersions = [undefined, 1, 2, 3, 3, 3, 4, 5, 5, 4, 4] as const;

export async function perform(checkpoints: Checkpoints, act: Act): Promise<void> {
  if (act.kind === 'write') await checkpoints.write(stateOf(act.step, act.version), exported(arraysOf(act.version)));
  else if (act.kind === 'prune') checkpoints.prune(act.keep, act.keepSteps);
  else checkpoints.remove(act.step);
}

/** A run of one parameter. */
export function contentsOf(elements = 40): CheckpointContents {
  const parameters = [{ name: 'w', shape: [elements], decay: true }];
  return { parameters, states: [], optimizer: 'adamw', slots: ['momentum', 'variance'] };
}

/** Its arrays by part; every element tells the version and the array. */
export function arraysOf(version: number, elements = 40): Record<string, Float32Array> {
  const filled = (array: number) =>
    Float32Array.from({ length: elements }, (_, i) => version + array / 4 + i / elements);
  return { parameters: filled(0), momentum: filled(1), variance: filled(2) };
}

export async function* exported(arrays: Readonly<Record<string, Float32Array>>): AsyncGenerator<ExportedArray> {
  for (const [part, data] of Object.entries(arrays)) yield { part, name: 'w', shape: [data.length], data };
}

export function stateOf(step: number, version: number): RunState {
  return {
    step,
    cursor: { epoch: version, index: 7 * version },
    units: 1000 * version,
    best: { step: 1, value: version / 3 },
    evaluatedStep: step,
    evaluationsWithoutBest: version,
    fingerprint: { version },
    callbacks: { metricsLog: version },
  };
}
