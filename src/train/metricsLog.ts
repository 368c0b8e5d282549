import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import type { TrainerCallback } from './callbacks.ts';

/**
 * Appends a JSON line for every step and evaluation to `path`. A resumed run cuts the file back to its checkpoint, so
 * no step is there twice.
 */
export function metricsLog(path: string): TrainerCallback {
  const append = (line: object) => appendFileSync(path, `${JSON.stringify(line)}\n`);
  return {
    name: 'metricsLog',
    onStep: ({ step, epoch, loss, learningRate, gradientNorm, units, unitsPerSecond }) =>
      append({ step, epoch, loss, learningRate, gradientNorm, units, unitsPerSecond: Math.round(unitsPerSecond) }),
    onEvaluation: (step, metrics) => append({ step, evaluation: metrics }),
    state: () => (existsSync(path) ? syncedSize(path) : 0),
    restore: (state) => cutBack(path, typeof state === 'number' ? state : 0),
  };
}

/** Bytes of the file, all of them on disk: a checkpoint counts on them. */
function syncedSize(path: string): number {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
    return fstatSync(file).size;
  } finally {
    closeSync(file);
  }
}

/** Cuts the file back to `bytes`, or to its whole lines where someone has made it shorter. */
function cutBack(path: string, bytes: number): void {
  if (bytes === 0 || !existsSync(path)) writeFileSync(path, '');
  else if (statSync(path).size >= bytes) truncateSync(path, bytes);
  else truncateSync(path, readFileSync(path).lastIndexOf('\n') + 1);
}
