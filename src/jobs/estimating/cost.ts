import { existsSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { sizeOf } from '../../core/tensor.ts';
import type { TrainedBy } from '../training.ts';

/** Bytes on disk that a run takes at most at one time. */
export interface DiskUse {
  /** The model that is left. */
  readonly model: number;
  /** The checkpoints that stand beside each other while one is written. */
  readonly checkpoints: number;
  /** What the disk of the output has free; null where it cannot be told. */
  readonly free: number | null;
}

type Sized = readonly { readonly shape: readonly number[] }[];

/** Parameter, and both moments of AdamW. */
const arraysOfCheckpoint = 3;

/** @param trained parameters that the run trains @param all those that the saved model has */
export function diskUse(
  { trained, all }: { readonly trained: Sized; readonly all: Sized },
  {
    saveSteps,
    keepCheckpoints,
    evalSteps,
    patience,
    steps,
  }: Pick<TrainedBy, 'saveSteps' | 'keepCheckpoints' | 'evalSteps' | 'patience'> & { readonly steps: number },
  output: string,
): DiskUse {
  const bytes = (parameters: Sized) => parameters.reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
  const written = saveSteps > 0 ? Math.floor(steps / saveSteps) : 0;
  const hasBest = patience > 0 || (evalSteps !== undefined && saveSteps > 0);
  // One more while the next is written.
  const together = Math.min(keepCheckpoints + 1, written) + (hasBest ? 1 : 0);
  return {
    model: bytes(all),
    checkpoints: together * arraysOfCheckpoint * bytes(trained),
    free: freeBytes(output),
  };
}

/** Free bytes of the disk that a path, there or not, lies on. */
function freeBytes(path: string): number | null {
  let folder = resolve(path);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return null;
  }
}
