import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fetchObject, type RemoteObject } from '../remote/objects.ts';

/** Most bytes of copies that lie on the disk at a time, but for a single larger one. */
export const mostCopied = 10e9;
/** Small files that are fetched ahead of the one that is wanted, since asking takes longer than sending. */
const ahead = 8;
const smallBytes = 4e6;

/** Hears how much of a file is here. @param total absent where its host does not say */
export type OnFetch = (name: string, done: number, total: number | undefined) => void;

/**
 * Copies of remote files in a folder, for what has to be read more than once and in any order. Of many, those go that
 * were not wanted for longest; they are fetched again when they are.
 */
export class RemoteCopies {
  readonly #folder: string;
  readonly #copies = new Map<RemoteObject, Copy>();
  readonly #onFetch: OnFetch | undefined;
  #made = 0;

  constructor(folder: string, onFetch?: OnFetch) {
    this.#folder = folder;
    this.#onFetch = onFetch;
  }

  /** The path of an object's copy, the same each time. */
  async bring(object: RemoteObject): Promise<string> {
    const copy = this.#copyOf(object);
    copy.wantedAt = ++this.#made;
    if (!copy.fetched) {
      await this.#makeRoom(object);
      copy.fetched = fetchObject(object, copy.path, (bytes) => this.#onFetch?.(object.name, bytes, object.bytes));
      copy.fetched.catch(() => {
        copy.fetched = undefined;
      });
    }
    await copy.fetched;
    return copy.path;
  }

  /** Begins to fetch the first few of what will be wanted next. */
  expect(objects: readonly RemoteObject[]): void {
    for (const object of objects.slice(0, ahead)) {
      if ((object.bytes ?? Number.POSITIVE_INFINITY) > smallBytes) return;
      // Who wants it hears of a failure.
      if (!this.#copies.get(object)?.fetched) this.bring(object).catch(() => {});
    }
  }

  #copyOf(object: RemoteObject): Copy {
    const known = this.#copies.get(object);
    if (known) return known;
    // With the folders that say values of columns, which DuckDB reads, too.
    const folders = object.fileName
      .split('/')
      .slice(0, -1)
      .filter((name) => /^\w+=[^/]*$/.test(name));
    const folder = join(this.#folder, `remote${this.#copies.size}`, ...folders);
    mkdirSync(folder, { recursive: true });
    const copy = { path: join(folder, basename(object.fileName) || 'file'), wantedAt: 0, fetched: undefined };
    this.#copies.set(object, copy);
    return copy;
  }

  async #makeRoom(wanted: RemoteObject): Promise<void> {
    const there = [...this.#copies].filter(([object, { fetched }]) => fetched && object !== wanted);
    let total = there.reduce((sum, [{ bytes = 0 }]) => sum + bytes, wanted.bytes ?? 0);
    for (const [{ bytes = 0 }, copy] of there.sort(([, a], [, b]) => a.wantedAt - b.wantedAt)) {
      if (total <= mostCopied) return;
      await copy.fetched?.catch(() => {});
      copy.fetched = undefined;
      await rm(copy.path, { force: true });
      total -= bytes;
    }
  }
}

interface Copy {
  readonly path: string;
  wantedAt: number;
  /** Undefined while the copy is not there. */
  fetched: Promise<void> | undefined;
}
