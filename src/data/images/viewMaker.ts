import { type Augmentation, Augmenter } from './augmentation.ts';
import type { ImageStore } from './imageStore.ts';

/** Makes views of a store's images in the caller's thread. */
export class ViewMaker {
  readonly #store: ImageStore;
  readonly #augmenter: Augmenter;
  readonly #bytes: Uint8Array;

  constructor(store: ImageStore, augmentation: Augmentation, seed: number) {
    this.#store = store;
    this.#augmenter = new Augmenter(store, augmentation, seed);
    this.#bytes = new Uint8Array(store.height * store.width * store.channels);
  }

  /**
   * @param examples numbers of images in the store
   * @param draws what the random choices of each depend on: its number in the file
   * @param into one array [examples.length · C · H · W] a view, filled
   */
  fill(epoch: number, examples: readonly number[], draws: readonly number[], into: readonly Float32Array[]): void {
    const size = this.#bytes.length;
    examples.forEach((example, i) => {
      this.#store.read(example, this.#bytes);
      into.forEach((batch, view) => {
        this.#augmenter.view(this.#bytes, epoch, draws[i] ?? example, view, batch.subarray(i * size, (i + 1) * size));
      });
    });
  }
}
