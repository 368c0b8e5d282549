import { availableParallelism } from 'node:os';
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
   * @throws BertuneError when an image cannot be read or a thread failed
   */
  batch(epoch: number, examples: readonly number[], views: number): Promise<Float32Array[]>;
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

/** What a thread is asked: views of some images by their numbers in the file. */
export interface ViewQuestion {
  readonly epoch: number;
  readonly images: readonly number[];
  readonly views: number;
}

/** Images that one message to a thread asks for, at least: fewer are not worth it. */
const leastInPart = 16;
const mostThreads = 4;

/** The images as they are, without augmentation, in the caller's thread. */
export function plainViews(store: ImageStore): ViewBatches {
  const maker = new ViewMaker(store, {}, 0);
  return {
    batch: async (epoch, examples, views) => maker.views(epoch, examples, examples, views),
    close: async () => {},
  };
}

/**
 * Augmented views, made ahead in worker threads while the caller computes: ask for a batch before it is needed. The
 * bytes are the same whatever the number of threads, and do not change with the other images of the batch.
 */
export function augmentedViews(store: ImageStore, options: AugmentedViewsOptions): ViewBatches {
  const { augmentation, seed, threads = Math.min(mostThreads, availableParallelism()) } = options;
  const { file, indices } = store.origin;
  const inFile = (examples: readonly number[]) => (indices ? examples.map((i) => indices[i] as number) : examples);
  if (threads <= 1 || !thread) {
    const maker = new ViewMaker(store, augmentation, seed);
    return {
      batch: async (epoch, examples, views) => maker.views(epoch, examples, inFile(examples), views),
      close: async () => {},
    };
  }
  const setup: ViewWorkerSetup = { file, augmentation, seed };
  const pool = new WorkerPool<ViewQuestion, Float32Array[]>(thread, 'a thread that prepares images', threads, setup);
  const imageSize = store.channels * store.height * store.width;
  return {
    async batch(epoch, examples, views) {
      const size = Math.max(leastInPart, Math.ceil(examples.length / threads));
      const parts: Promise<Float32Array[]>[] = [];
      for (let from = 0; from < examples.length; from += size) {
        parts.push(pool.ask({ epoch, images: inFile(examples.slice(from, from + size)), views }));
      }
      const answers = await Promise.all(parts);
      return Array.from({ length: views }, (_, view) => {
        if (answers.length === 1) return answers[0]?.[view] as Float32Array;
        const whole = new Float32Array(examples.length * imageSize);
        for (const [part, answer] of answers.entries())
          whole.set(answer[view] as Float32Array, part * size * imageSize);
        return whole;
      });
    },
    close: () => pool.close(),
  };
}

const thread = workerFile('./viewWorker.js', import.meta.url);
