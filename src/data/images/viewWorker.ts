/** The thread that makes views: takes numbers of images and shared arrays to fill, and answers when they are filled. */

import { parentPort, workerData } from 'node:worker_threads';
import { defined } from '../../core/errors.ts';
import { ImageFile } from './imageStore.ts';
import { ViewMaker } from './viewMaker.ts';
import type { ViewQuestion, ViewWorkerSetup } from './views.ts';

const { file, augmentation, seed }: ViewWorkerSetup = workerData;
const maker = new ViewMaker(new ImageFile(file), augmentation, seed);
const port = defined(parentPort, 'the port of the thread that prepares images');

port.on('message', ({ epoch, images, into }: ViewQuestion) => {
  maker.fill(epoch, images, images, into);
  port.postMessage(images.length);
});
