import { pathToFileURL } from 'node:url';
import type { Task } from '../train/checkpointKills.ts';
import { watchOperations } from '../train/checkpointOperations.ts';
import { acts, claim, type Product } from './killValues.ts';

/** A program that ends a run: it takes the folder over, writes the record, the model and the record again; with
 * `BERTUNE_OVERWRITE` it replaces the run. */
const task: Task = JSON.parse(process.argv[2] ?? '');
const load = (path: string) => import(pathToFileURL(`${task.dist}/${path}`).href);
const product: Product = {
  ...(await load('jobs/runFolder.js')),
  ...(await load('hub/saveText.js')),
  ...(await load('models/text/bert/family.js')),
  ...(await load('models/text/model.js')),
};

const operations = await watchOperations(task.kill);
const starts: number[] = [];
const overwrite = process.env.BERTUNE_OVERWRITE !== undefined;
const run = product.RunFolder.claim(task.folder, { ...claim, resume: !overwrite, overwrite });
for (const act of acts) {
  starts.push(operations.length);
  await act(product, run);
}
process.stdout.write(JSON.stringify({ operations, starts }));
