import { NotFiniteError } from '../core/finite.ts';
import type { Metrics } from './task.ts';

/** What of a measurement is no number, in words; undefined when all are finite. */
export function badMetric(metrics: Metrics): string | undefined {
  const [name, value] = Object.entries(metrics).find(([, value]) => !Number.isFinite(value)) ?? [];
  return name === undefined ? undefined : `the held-out ${name} is ${value}`;
}

/** For a run whose start is no number: no setting of the training has had a part in it. */
export function notFiniteAtStart(sign: string): NotFiniteError {
  return new NotFiniteError(
    `${sign} before anything was learned: the weights that training starts from, or its data, are too large to compute with`,
    'take another model',
  );
}
