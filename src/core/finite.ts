import { BertuneError } from './errors.ts';
import type { Message } from './message.ts';

/** What was computed is NaN or infinite in part, and so says nothing. */
export class NotFiniteError extends BertuneError {
  override name = 'NotFiniteError';
}

/** Place of the first value that is NaN or infinite; -1 when there is none. */
export function firstNotFinite(values: Float32Array): number {
  // Zero times a number that is finite is zero. Summed in pieces, since most arrays have no such value.
  const piece = 1 << 12;
  for (let from = 0; from < values.length; from += piece) {
    const to = Math.min(from + piece, values.length);
    let sum = 0;
    for (let i = from; i < to; i++) sum += (values[i] as number) * 0;
    if (sum === 0) continue;
    for (let i = from; i < to; i++) if (!Number.isFinite(values[i])) return i;
  }
  return -1;
}

/**
 * What a model computed, when all of it is finite.
 *
 * @param what gave it: "the model's answers"
 * @throws NotFiniteError
 */
export function finite(values: Float32Array, what: string | Message): Float32Array {
  const at = firstNotFinite(values);
  if (at < 0) return values;
  throw new NotFiniteError(
    `${what} are no numbers (${values[at]}); its weights are damaged or too large to compute with`,
    'take another copy of the model, or an earlier checkpoint',
  );
}
