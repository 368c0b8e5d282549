import { availableParallelism } from 'node:os';
import { say, setting } from '../../core/message.ts';
import { WorkerPool, workerFile } from '../workerPool.ts';
import type { Augmentation } from './augmentation.ts';
import type { ImageFileSetup, ImageStore } from './imageStore.ts';
import { ViewMaker } from './viewMaker.ts';

/** Batches of views of images; a pure function of the arguments and of what it was made with. */
export interface ViewBatches {
  /**
   * One array [examples.length · C · H · W] a view, each image [C, H, W] with values in [0, 1].
   *
   * @param examples numbers of images in the store
   * @param views how many views of each image, numbered from 0
   * @param into arrays of that size that the views are written to, in place of new ones
   * @throws BertuneError when an image cannot be read or a thread failed
   */
  batch(
    epoch: number,
    examples: readonly number[],
    views: number,
    into?: readonly Float32Array[],
  ): Promise<readonly Float32Array[]>;
  close(): Promise<void>;
}

export interface AugmentedViewsOptions {
  readonly augmentation: Augmentation;
  readonly seed: number;
  /** Worker threads; 1 works in the caller's. Without it, as many as there are cores, at most four. */
  readonly threads?: number;
}

/** What a thread that makes views is told once. */
export interface ViewWorkerSetup {
  readonly file: ImageFileSetup;
  readonly augmentation: Augmentation;
  readonly seed: number;
}

/** What a thread is asked: to fill one array of shared memory a view with some images, by their numbers in the file. */
export interface ViewQuestion {
  readonly epoch: number;
  readonly images: readonly number[];
  readonly into: readonly Float32Array[];
}

/** Images that one message to a thread asks for, at least: fewer are not worth it. */
const leastInPart = 16;
const mostThreads = 4;

/** The images as they are, without augmentation, in the caller's thread. */
export function plainViews(store: ImageStore): ViewBatches {
  return viewsHere(store, { augmentation: {}, seed: 0 });
}

/**
 * Augmented views, made ahead in worker threads while the caller computes: ask for a batch before it is needed. The
 * bytes are the same whatever the number of threads, and do not change with the other images of the batch. Images that
 * stay as they are take less time than a message to a thread.
 */
export function augmentedViews(store: ImageStore, options: AugmentedViewsOptions): ViewBatches {
  const { augmentation, seed, threads = Math.min(mostThreads, availableParallelism()) } = options;
  if (Object.keys(augmentation).length === 0) store.hold();
  else if (threads > 1 && thread) return viewsOfThreads(thread, threads, store, { augmentation, seed });
  return viewsHere(store, options);
}

const thread = workerFile('./viewWorker.js', import.meta.url);

const preparing = { name: 'a thread that prepares images', wayOut: say`run again with ${setting('dataThreads')} 1` };

function viewsHere(store: ImageStore, { augmentation, seed }: AugmentedViewsOptions): ViewBatches {
  const maker = new ViewMaker(store, augmentation, seed);
  const inFile = numbersInFile(store);
  return {
    async batch(epoch, examples, views, into = newBatch(store, examples.length, views)) {
      maker.fill(epoch, examples, inFile(examples), into);
      return into;
    },
    close: async () => {},
  };
}

function viewsOfThreads(
  file: URL,
  threads: number,
  store: ImageStore,
  options: Pick<ViewWorkerSetup, 'augmentation' | 'seed'>,
): ViewBatches {
  const setup: ViewWorkerSetup = { file: store.origin.file, ...options };
  const pool = new WorkerPool<ViewQuestion, number>(file, preparing, threads, setup);
  const inFile = numbersInFile(store);
  const imageSize = sizeOfImage(store);
  /** Shared memory of batches that are done. */
  const spare: Float32Array[][] = [];
  return {
    async batch(epoch, examples, views, into = newBatch(store, examples.length, views)) {
      const length = examples.length * imageSize;
      const fits = (arrays: readonly Float32Array[]) => arrays.length === views && arrays[0]?.length === length;
      const [found] = spare.splice(0);
      const shared = found && fits(found) ? found : Array.from({ length: views }, () => sharedFloats(length));
      const size = Math.max(leastInPart, Math.ceil(examples.length / threads));
      const parts: Promise<number>[] = [];
      for (let from = 0; from < examples.length; from += size) {
        const images = inFile(examples.slice(from, from + size));
        const part = shared.map((view) => view.subarray(from * imageSize, (from + images.length) * imageSize));
        parts.push(pool.ask({ epoch, images, into: part }));
      }
      await Promise.all(parts);
      // Engines do not read shared memory.
      into.forEach((view, i) => {
        view.set(shared[i] as Float32Array);
      });
      spare.push(shared);
      return into;
    },
    close: () => pool.close(),
  };
}

function numbersInFile({ origin: { indices } }: ImageStore) {
  return (examples: readonly number[]) => (indices ? examples.map((i) => indices[i] as number) : examples);
}

function sizeOfImage({ channels, height, width }: ImageStore): number {
  return channels * height * width;
}

function newBatch(store: ImageStore, images: number, views: number): Float32Array[] {
  return Array.from({ length: views }, () => new Float32Array(images * sizeOfImage(store)));
}

function sharedFloats(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(4 * length));
}
