import { setImmediate } from 'node:timers/promises';

/** Texts that are read together: enough to fill blocks well, few enough that what is done is told and written soon. */
export const chunk = 512;

/** Items gathered into lists of up to `chunk`; a list does not wait for an item that is yet to come. */
export async function* chunksOf<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  const iterator = items[Symbol.asyncIterator]();
  let gathered: T[] = [];
  let coming = iterator.next();
  try {
    for (;;) {
      const next = gathered.length > 0 ? await Promise.race([coming, setImmediate('not yet' as const)]) : await coming;
      const isYetToCome = next === 'not yet';
      if (!isYetToCome && next.done) break;
      if (!isYetToCome) {
        gathered.push(next.value);
        coming = iterator.next();
      }
      if (isYetToCome || gathered.length === chunk) {
        yield gathered;
        gathered = [];
      }
    }
    if (gathered.length > 0) yield gathered;
  } finally {
    coming.catch(() => {}); // nobody waits for it any more
    await iterator.return?.();
  }
}
