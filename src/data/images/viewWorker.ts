/** The thread that makes views: takes numbers of images, answers with an array a view, in the order of the questions. */

import { parentPort, workerData } from 'node:worker_threads';
import { defined } from '../../core/errors.ts';
import { ImageFile } from './imageStore.ts';
import { ViewMaker } from './viewMaker.ts';
import type { ViewQuestion, ViewWorkerSetup } from './views.ts';

const { file, augmentation, seed }: ViewWorkerSetup = workerData;
const maker = new ViewMaker(new ImageFile(file), augmentation, seed);
const port = defined(parentPort, 'the port of the thread that prepares images');

port.on('message', ({ epoch, images, views }: ViewQuestion) => {
  const answer = maker.views(epoch, images, images, views);
  port.postMessage(
    answer,
    answer.map(({ buffer }) => buffer as ArrayBuffer),
  );
});
