import { setImmediate } from 'node:timers/promises';
import { InterruptedError } from './errors.ts';

/** @throws InterruptedError when the signal was aborted */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new InterruptedError('stopped before the end');
}

/** Lets the process hear signals, and answer others, between two long computations. Throws as `throwIfAborted`. */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  throwIfAborted(signal);
}
