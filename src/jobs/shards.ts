import type { Collective } from '../core/collective.ts';
import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { chunk } from './chunks.ts';

/** Which part of the rows a process takes. */
export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly of: number;
}

/** The part that is asked for, if any. @throws UsageError as `shardOf` does, and when several processes share out all rows */
export function shardFor(text: string | undefined, { size }: Collective): Shard | undefined {
  if (text === undefined) return undefined;
  if (size === 1) return shardOf(text);
  throw new UsageError(
    say`${setting('shard')}: the ${size} processes share out the rows among themselves; leave it out, or start each with BERTUNE_MPI=none`,
  );
}

/**
 * What `shard` says: `2/8`, `auto` for the task of Slurm's array, `auto/8` also for the index of Kubernetes' job.
 *
 * @throws UsageError when there is no such part, or the environment does not say which
 */
export function shardOf(text: string, env: NodeJS.ProcessEnv = process.env): Shard {
  const [, first = '', count] = /^(\d+|auto)(?:\/(\d+))?$/.exec(text) ?? [];
  const of = count === undefined ? undefined : Number(count);
  if (first === 'auto') return checked(automatic(of, env), text);
  return checked({ index: Number(first), of: of ?? 0 }, text);
}

function automatic(of: number | undefined, env: NodeJS.ProcessEnv): Shard {
  const { SLURM_ARRAY_TASK_ID: task, SLURM_ARRAY_TASK_COUNT: tasks, JOB_COMPLETION_INDEX: completion } = env;
  if (task !== undefined) {
    const [count, least, most] = [tasks, env.SLURM_ARRAY_TASK_MIN, env.SLURM_ARRAY_TASK_MAX].map(Number) as Numbers;
    const step = count > 1 ? (most - least) / (count - 1) : 1;
    const index = (Number(task) - least) / step + 1;
    if (!Number.isInteger(index) || !(count > 0)) {
      throw new UsageError(
        say`${setting('shard')} auto: the array's tasks are not evenly numbered (task ${task} of ${tasks ?? '?'}); use --array=1-N`,
      );
    }
    if (of !== undefined && of !== count) {
      throw new UsageError(say`${setting('shard')} auto/${of}: Slurm's array has ${count} tasks; say auto alone`);
    }
    return { index, of: count };
  }
  if (completion === undefined) {
    throw new UsageError(
      say`${setting('shard')} auto: there is neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX; say which part, such as 2/8`,
    );
  }
  if (of === undefined) {
    throw new UsageError(
      say`${setting('shard')} auto: Kubernetes tells the index alone; say how many parts there are, such as auto/8 for completions: 8`,
    );
  }
  return { index: Number(completion) + 1, of };
}

type Numbers = [number, number, number];

function checked({ index, of }: Shard, text: string): Shard {
  if (index >= 1 && index <= of && Number.isInteger(index)) return { index, of };
  throw new UsageError(say`${setting('shard')} ${text}: there is no part ${index} of ${of}; they are numbered from 1`);
}

/**
 * Those of the items that a shard takes, in lists that every run without shards computes together, too: the last may
 * be shorter.
 *
 * @param onItem hears every item, also those of other shards
 */
export async function* takenBy<T>(
  items: AsyncIterable<T>,
  { index, of }: Shard = { index: 1, of: 1 },
  onItem?: (item: T) => void,
): AsyncGenerator<T[]> {
  let row = 0;
  let gathered: T[] = [];
  for await (const item of items) {
    onItem?.(item);
    if (Math.floor(row++ / chunk) % of !== index - 1) continue;
    gathered.push(item);
    if (gathered.length < chunk) continue;
    yield gathered;
    gathered = [];
  }
  if (gathered.length > 0) yield gathered;
}
