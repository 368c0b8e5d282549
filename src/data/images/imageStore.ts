import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { BertuneError, messageOf } from '../../core/errors.ts';

/** Images of one size, read by number: memory does not grow with their count. */
export interface ImageStore {
  readonly length: number;
  readonly height: number;
  readonly width: number;
  /** 1 for grayscale, 3 for RGB. */
  readonly channels: number;
  /** Names of the classes; undefined when the images have no labels. */
  readonly classes: readonly string[] | undefined;
  /** Class number of image i; undefined when it has none. */
  labelOf(i: number): number | undefined;
  /** Reads image i into [height, width, channels] bytes. */
  read(i: number, into: Uint8Array): void;
  /** Keeps the pixels in memory from now on, if they are few: reads of a file image by image take a while. */
  hold(): void;
  /** Frees what is open; what was made for this run alone goes with it. */
  close(): void;
  /** What a thread needs to read the same images by itself, with the numbers that they have there. */
  readonly origin: { readonly file: ImageFileSetup; readonly indices?: Int32Array };
}

/** What is known of the images of a folder that `ImageFileWriter` wrote. */
export interface ImageSet {
  readonly length: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes?: readonly string[];
}

/** A folder of written images and what is in it. */
export interface ImageFileSetup {
  readonly folder: string;
  readonly set: ImageSet;
}

const pixelFile = 'pixels.bin';
const labelFile = 'labels.bin';
const unlabeled = -1;
/** Bytes of pixels that may be kept in memory. */
const mostHeldBytes = 64 * 2 ** 20;

/** Images on disk: `pixels.bin`, a byte a value, and `labels.bin`, an int32 an image. */
export class ImageFile implements ImageStore {
  readonly length: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: readonly string[] | undefined;
  readonly origin: ImageStore['origin'];
  readonly #pixels: number;
  readonly #labels: Int32Array;
  #held: Uint8Array | undefined;
  readonly #onClose: () => void;

  constructor(setup: ImageFileSetup, onClose: () => void = () => {}) {
    const { folder, set } = setup;
    this.length = set.length;
    this.height = set.height;
    this.width = set.width;
    this.channels = set.channels;
    this.classes = set.classes;
    this.origin = { file: setup };
    const labels = readFileSync(join(folder, labelFile));
    this.#labels = new Int32Array(labels.buffer.slice(labels.byteOffset, labels.byteOffset + labels.byteLength));
    this.#pixels = openSync(join(folder, pixelFile), 'r');
    this.#onClose = onClose;
  }

  labelOf(i: number): number | undefined {
    const label = this.#labels[i];
    return label === undefined || label === unlabeled ? undefined : label;
  }

  read(i: number, into: Uint8Array): void {
    const size = this.height * this.width * this.channels;
    if (!(i >= 0 && i < this.length)) throw new RangeError(`image store: no image ${i} of ${this.length}`);
    if (this.#held) into.set(this.#held.subarray(i * size, (i + 1) * size));
    else this.#read(into, i * size);
  }

  hold(): void {
    const bytes = this.length * this.height * this.width * this.channels;
    if (this.#held || bytes > mostHeldBytes) return;
    const pixels = new Uint8Array(bytes);
    this.#read(pixels, 0);
    this.#held = pixels;
  }

  #read(into: Uint8Array, from: number): void {
    for (let done = 0; done < into.length; ) {
      const count = readSync(this.#pixels, into, done, into.length - done, from + done);
      if (count === 0) throw new BertuneError('the prepared images end early; run again');
      done += count;
    }
  }

  close(): void {
    closeSync(this.#pixels);
    this.#onClose();
  }
}

/** Some images of a store, under new numbers. Closing it leaves the store open. */
export function chosenImages(store: ImageStore, indices: ArrayLike<number>): ImageStore {
  const chosen = Int32Array.from(indices);
  const { file, indices: outer } = store.origin;
  const at = (i: number) => {
    const index = chosen[i];
    if (index === undefined) throw new RangeError(`image store: no image ${i} of ${chosen.length}`);
    return index;
  };
  return {
    length: chosen.length,
    height: store.height,
    width: store.width,
    channels: store.channels,
    classes: store.classes,
    labelOf: (i) => store.labelOf(at(i)),
    read: (i, into) => store.read(at(i), into),
    hold: () => store.hold(),
    close: () => {},
    origin: { file, indices: outer ? chosen.map((i) => outer[i] as number) : chosen },
  };
}

/** Writes the files of an `ImageFile`, image after image. */
export class ImageFileWriter {
  length = 0;
  readonly #folder: string;
  readonly #pixels: number;
  #labels = new Int32Array(1024);
  #isOpen = true;

  constructor(folder: string) {
    this.#folder = folder;
    this.#pixels = openSync(join(folder, pixelFile), 'w');
  }

  /** @param pixels [height, width, channels] of one image */
  add(pixels: Uint8Array, label: number | undefined): void {
    if (this.length === this.#labels.length) {
      const grown = new Int32Array(2 * this.length);
      grown.set(this.#labels);
      this.#labels = grown;
    }
    this.#write(this.#pixels, pixels);
    this.#labels[this.length++] = label ?? unlabeled;
  }

  /**
   * Closes the files.
   * @param renumber the final class number of each number given to `add`
   */
  finish(renumber?: readonly number[]): void {
    const labels = this.#labels.subarray(0, this.length);
    const final = renumber ? labels.map((label) => renumber[label] ?? unlabeled) : labels;
    const file = openSync(join(this.#folder, labelFile), 'w');
    try {
      this.#write(file, new Uint8Array(final.buffer, final.byteOffset, final.byteLength));
    } finally {
      closeSync(file);
      this.close();
    }
  }

  /** Closes what is open, for a writer that is given up; does nothing to one that has finished. */
  close(): void {
    if (this.#isOpen) closeSync(this.#pixels);
    this.#isOpen = false;
  }

  #write(file: number, bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
    } catch (error) {
      throw new BertuneError(`cannot write the prepared images to ${this.#folder}: ${messageOf(error)}; free space`);
    }
  }
}
