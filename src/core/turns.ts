/** Lets one at a time go on, in the order in which they come. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Waits for the turn. @returns what ends it; to end it twice does nothing */
  async take(): Promise<() => void> {
    const before = this.#last;
    let end = () => {};
    this.#last = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    return end;
  }

  /** What comes of work that has the turn while it lasts. Throws what the work throws. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const end = await this.take();
    try {
      return await work();
    } finally {
      end();
    }
  }
}
