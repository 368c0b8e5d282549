import { UsageError } from '../core/errors.ts';
import type { JobHooks } from './types.ts';

/** @throws UsageError for hooks that would never be called, such as a controller in place of its signal */
export function checkHooks(hooks: JobHooks): void {
  if (typeof hooks !== 'object' || hooks === null) throw new UsageError('hooks must be an object: { onEvent, signal }');
  const { onEvent, signal } = hooks;
  if (onEvent !== undefined && typeof onEvent !== 'function') throw new UsageError('onEvent must be a function');
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new UsageError("signal must be an AbortSignal: a controller's is controller.signal");
  }
}
