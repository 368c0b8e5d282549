import type { Collective } from '../core/collective.ts';
import { UsageError } from '../core/errors.ts';
import type { TrainingTask } from './task.ts';

/** How gradients of several processes are added up. */
export type Reduction = 'fast' | 'exact';

/** @throws UsageError when a task cannot be trained by several processes */
export function checkShared({ name, states = [] }: TrainingTask, { size }: Collective): void {
  const [state] = states;
  if (size === 1 || !state) return;
  throw new UsageError(
    `${name}: the running values of each batch, such as ${state.name}, follow one another, which ${size} processes at once cannot compute; train with one process`,
  );
}
