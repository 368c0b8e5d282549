import { UsageError } from '../core/errors.ts';
import type { Collective } from '../engine/trainState.ts';
import type { TrainingTask } from './task.ts';

/** A process that trains by itself. */
export const alone: Collective = { rank: 0, size: 1, async sum() {} };

/** The sums of numbers over all processes, in double precision. */
export async function sumOf(collective: Collective, ...values: readonly number[]): Promise<number[]> {
  const sums = Float64Array.from(values);
  await collective.sum(sums);
  return [...sums];
}

/** What process 0 has for a number that all are to agree on. */
export async function fromFirst(collective: Collective, value: number): Promise<number> {
  const [first = value] = await sumOf(collective, collective.rank === 0 ? value : 0);
  return first;
}

/** Whether a condition holds in any of the processes. */
export async function inAny(collective: Collective, condition: boolean): Promise<boolean> {
  const [count = 0] = await sumOf(collective, condition ? 1 : 0);
  return count > 0;
}

/**
 * The micro-batches of an update that a process computes, dealt out in turn: what a batch holds and how many there are
 * does not depend on the number of processes.
 */
export async function* shareOf<T>(
  items: Iterable<T> | AsyncIterable<T>,
  { rank, size }: Collective,
): AsyncGenerator<T> {
  let index = 0;
  for await (const item of items) if (index++ % size === rank) yield item;
}

/** @throws UsageError when a task cannot be trained by several processes */
export function checkShared({ name, states = [] }: TrainingTask, { size }: Collective): void {
  const [state] = states;
  if (size === 1 || !state) return;
  throw new UsageError(
    `${name}: the running values of each batch, such as ${state.name}, follow one another, which ${size} processes at once cannot compute; train with one process`,
  );
}
