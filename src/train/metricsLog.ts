import { appendFileSync, existsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import type { TrainerCallback } from './callbacks.ts';

/**
 * Appends a JSON line for every step and evaluation to `path`. A resumed run cuts the file back to its checkpoint, so
 * no step is there twice.
 */
export function metricsLog(path: string): TrainerCallback {
  const append = (line: object) => appendFileSync(path, `${JSON.stringify(line)}\n`);
  const restoreTo = (bytes: number) => {
    if (existsSync(path) && statSync(path).size >= bytes) truncateSync(path, bytes);
    else writeFileSync(path, '');
  };
  return {
    name: 'metricsLog',
    onStep: ({ step, epoch, loss, learningRate, gradientNorm, units, unitsPerSecond }) =>
      append({ step, epoch, loss, learningRate, gradientNorm, units, unitsPerSecond: Math.round(unitsPerSecond) }),
    onEvaluation: (step, metrics) => append({ step, evaluation: metrics }),
    state: () => (existsSync(path) ? statSync(path).size : 0),
    restore: (state) => restoreTo(typeof state === 'number' ? state : 0),
  };
}
