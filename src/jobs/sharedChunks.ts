import { createHash } from 'node:crypto';
import { type Collective, ofEach } from '../core/collective.ts';
import { BertuneError, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';

/** Items with what was made of each. */
export interface Made<T, R> {
  readonly items: readonly T[];
  readonly results: readonly R[];
}

/**
 * Works on lists of items, in their order. Of several processes, which all read the same lists, each works on some of
 * them; the first one gets all of them, the others nothing.
 *
 * @param work makes of each text something that JSON can hold
 * @throws BertuneError when the processes do not read the same
 */
export async function* madeOf<T extends { readonly text: string }, R>(
  collective: Collective,
  all: AsyncIterable<readonly T[]>,
  work: (texts: string[]) => Promise<readonly R[]>,
): AsyncGenerator<Made<T, R>> {
  if (collective.size === 1) {
    for await (const list of all) yield { items: list, results: await work(textsOf(list)) };
    return;
  }
  const lists = all[Symbol.asyncIterator]();
  try {
    for (let isOver = false; !isOver; ) {
      const round: (readonly T[])[] = [];
      while (round.length < collective.size) {
        const next = await lists.next();
        if (next.done) break;
        round.push(next.value);
      }
      isOver = round.length < collective.size;
      const own = round[collective.rank];
      const results = own ? await work(textsOf(own)) : [];
      // Nothing but its results is of use to the first one; the others hear whether they are still together.
      const digest = digestOf(round);
      const all = await collective.exchange(
        Array.from({ length: collective.size }, (_, i) => encoded(i === 0 ? { digest, results } : { digest })),
      );
      const told = all.map((bytes) => JSON.parse(new TextDecoder().decode(bytes)) as Told<R>);
      const other = told.findIndex((each) => each.digest !== told[0]?.digest);
      if (other >= 0) {
        throw new BertuneError(
          say`${setting('input')}: process ${other} reads other texts than process 0; give all of them the same files`,
        );
      }
      if (collective.rank > 0) continue;
      for (const [i, list] of round.entries()) yield { items: list, results: told[i]?.results ?? [] };
    }
  } finally {
    await lists.return?.(undefined);
  }
}

interface Told<R> {
  readonly digest: string;
  readonly results?: readonly R[];
}

/** @throws UsageError for texts that come to one process alone */
export function checkAllRead({ size }: Collective, input: object | undefined): void {
  if (size === 1 || input !== undefined) return;
  throw new UsageError(
    say`standard input goes to one process alone, and ${size} were started: give a file with ${setting('input')}`,
  );
}

/** Has the first process write what comes, while the others take part; all get what it returns. */
export async function writtenByFirst<T>(
  collective: Collective,
  rows: AsyncIterable<unknown>,
  write: () => Promise<T>,
): Promise<T> {
  if (collective.size === 1) return write();
  let written: { readonly value: T } | undefined;
  if (collective.rank === 0) written = { value: await write() };
  else for await (const _ of rows);
  const [first] = await ofEach(collective, written);
  return (first as { readonly value: T }).value;
}

function textsOf(items: readonly { readonly text: string }[]): string[] {
  return items.map(({ text }) => text);
}

function digestOf(lists: readonly (readonly { readonly text: string }[])[]): string {
  const hash = createHash('sha256');
  for (const list of lists) for (const { text } of list) hash.update(text).update('\0');
  return hash.digest('hex');
}

function encoded(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
