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

/** A result that is waited for until the signal; what makes it may have to be stopped by itself. Throws as `throwIfAborted`. */
export async function untilAborted<T>(coming: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return coming;
  throwIfAborted(signal);
  const asked = new AbortController();
  const stopped = new Promise<never>((_, reject) => {
    const stop = () => reject(new InterruptedError('stopped before the end'));
    signal.addEventListener('abort', stop, { signal: asked.signal });
  });
  coming.catch(() => {}); // nobody may be there to hear it
  try {
    return await Promise.race([coming, stopped]);
  } finally {
    asked.abort();
  }
}
