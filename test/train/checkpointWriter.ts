import { pathToFileURL } from 'node:url';
import type { RunState } from '../../src/train/checkpoint.ts';
import type { Task } from './checkpointKills.ts';
import { watchOperations } from './checkpointOperations.ts';
import { acts, arraysOf, perform, stateOf } from './checkpointValues.ts';

/** A program that writes, replaces, prunes and removes checkpoints; with `BERTUNE_FOREVER` it never stops writing. */
const task: Task = JSON.parse(process.argv[2] ?? '');
const checkpoint: typeof import('../../src/train/checkpoint.ts') = await import(
  pathToFileURL(`${task.dist}/train/checkpoint.js`).href
);
if (process.env.BERTUNE_FOREVER) writeForever(Number(process.env.BERTUNE_FOREVER));

const operations = await watchOperations(task.kill);
const starts = acts.map((act) => {
  const start = operations.length;
  perform(checkpoint, task.folder, act);
  return start;
});
process.stdout.write(JSON.stringify({ operations, starts }));

function writeForever(elements: number): never {
  const arrays = arraysOf(0, elements);
  const path = checkpoint.latestCheckpoint(task.folder, arrays);
  let state: RunState = path ? checkpoint.readCheckpoint(path, arrays) : stateOf(0, 0);
  for (;;) {
    const step = state.step + 1;
    state = stateOf(step, step);
    checkpoint.writeCheckpoint(task.folder, state, arraysOf(step, elements));
    process.stdout.write(`${step}\n`);
    checkpoint.pruneCheckpoints(task.folder, 2, [], arrays);
  }
}
