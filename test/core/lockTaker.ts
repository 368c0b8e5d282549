import { pathToFileURL } from 'node:url';
import type { Task } from '../train/checkpointKills.ts';

/** A program that takes a folder, says whether it could and, if so, keeps it until it is ended. */
const task: Task = JSON.parse(process.argv[2] ?? '');
const { FolderLock } = await import(pathToFileURL(`${task.dist}/core/folderLock.js`).href);
try {
  FolderLock.take(task.folder, 'adapt');
  process.stdout.write('taken\n');
  setInterval(() => {}, 1000);
} catch (error) {
  process.stdout.write(`refused: ${error instanceof Error ? error.message : error}\n`);
}
