import { pathToFileURL } from 'node:url';
import type { Task } from './checkpointKills.ts';
import { watchOperations } from './checkpointOperations.ts';
import { acts, arraysOf, contentsOf, exported, perform, stateOf } from './checkpointValues.ts';

/** A program that writes, replaces, prunes and removes checkpoints; with `BERTUNE_FOREVER` it never stops writing. */
const task: Task = JSON.parse(process.argv[2] ?? '');
const { Checkpoints }: typeof import('../../src/train/checkpoints/checkpoints.ts') = await import(
  pathToFileURL(`${task.dist}/train/checkpoints/checkpoints.js`).href
);
if (process.env.BERTUNE_FOREVER) await writeForever(Number(process.env.BERTUNE_FOREVER));

const checkpoints = new Checkpoints(task.folder, contentsOf());
const operations = await watchOperations(task.kill);
const starts: number[] = [];
for (const act of acts) {
  starts.push(operations.length);
  await perform(checkpoints, act);
}
process.stdout.write(JSON.stringify({ operations, starts }));

async function writeForever(elements: number): Promise<never> {
  const checkpoints = new Checkpoints(task.folder, contentsOf(elements));
  for (let step = (checkpoints.newest()?.state.step ?? 0) + 1; ; step++) {
    await checkpoints.write(stateOf(step, step), exported(arraysOf(step, elements)));
    process.stdout.write(`${step}\n`);
    checkpoints.prune(2, []);
  }
}
