import type { Dirent, Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { counted } from '../core/errors.ts';
import { errorCode, readError } from '../core/files.ts';

/** The files of a folder, and what lies in it that is none of them. */
export interface FolderFiles {
  /** Inside the folder, with `/` between their parts, sorted. */
  readonly names: readonly string[];
  /** Folders right in it that hold none of them, sorted. */
  readonly emptyFolders: readonly string[];
  readonly leftOut: LeftOut;
}

/** What is left out: how many of each kind (`.pdf`). */
export class LeftOut {
  readonly #kinds = new Map<string, number>();

  add(kind: string, count = 1): void {
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + count);
  }

  addAll(other: LeftOut): void {
    for (const [kind, count] of other.#kinds) this.add(kind, count);
  }

  get isEmpty(): boolean {
    return this.#kinds.size === 0;
  }

  /** "3 .pdf, 1 .docx, 2 hidden": the most frequent first. */
  toString(): string {
    const kinds = [...this.#kinds].sort(([a, of], [b, than]) => than - of || (a < b ? -1 : 1));
    const named = kinds.slice(0, mostKinds).map(([kind, count]) => counted(count, kind, plurals[kind] ?? kind));
    const others = kinds.slice(mostKinds).reduce((sum, [, count]) => sum + count, 0);
    return [...named, ...(others > 0 ? [`${others} of other kinds`] : [])].join(', ');
  }
}

const mostKinds = 8;

/** Of the kinds that are no endings. */
const plurals: Readonly<Record<string, string>> = {
  'backup copy': 'backup copies',
  'link to nothing': 'links to nothing',
  'link to what is read already': 'links to what is read already',
  'link to a folder above': 'links to folders above',
  'pipe or device': 'pipes or devices',
  link: 'links',
};

export interface FolderOptions {
  /** Whether a file is wanted, by its name. */
  readonly takes: (name: string) => boolean;
  /** A file that links name several times is read once for each of these; without it, once. */
  readonly onceFor?: (name: string) => string;
}

/**
 * The files of a folder and of those below it, through links to files and to folders. Left out and counted are files
 * that are not wanted, hidden ones, links to nothing, and links to what is read already; only what the system itself
 * puts into folders is not counted.
 *
 * @throws UsageError for a folder that cannot be read
 */
export async function filesOf(folder: string, { takes, onceFor = () => '' }: FolderOptions): Promise<FolderFiles> {
  const found: Found[] = [];
  const leftOut = new LeftOut();
  const empty = new Set<string>();
  for await (const file of walk(folder, leftOut, empty)) {
    if (takes(file.name)) found.push(file);
    else leftOut.add(kindOf(file.name));
  }
  const taken = new Set<string>();
  const names: string[] = [];
  // A file's own name rather than a link's.
  for (const { name, path } of [...found].sort((a, b) => Number(a.isLinked) - Number(b.isLinked) || order(a, b))) {
    const key = `${onceFor(name)}\0${path}`;
    if (taken.has(key)) leftOut.add('link to what is read already');
    else names.push(name);
    taken.add(key);
  }
  for (const name of names) empty.delete(name.split('/')[0] ?? '');
  return { names: names.sort(), emptyFolders: [...empty].sort(), leftOut };
}

/** How a note names a file's kind: its ending in lower case, with that of what is packed in it. */
export function kindOf(name: string): string {
  const [, base = name] = /([^/\\]*)$/.exec(name) ?? [];
  if (/~$|^#.*#$/.test(base)) return 'backup copy';
  const ending = extname(base).toLowerCase();
  if (ending === '') return 'without an ending';
  const inner = ['.gz', '.zst', '.bz2', '.xz'].includes(ending) ? extname(base.slice(0, -ending.length)) : '';
  return /^\.[a-z]+$/i.test(inner) ? inner.toLowerCase() + ending : ending;
}

/** Whether systems, not people, put a file of that name into folders. */
export function isOfTheSystem(name: string): boolean {
  return /^(\.DS_Store|\._.*|\.localized|__MACOSX|Thumbs\.db|ehthumbs\.db|desktop\.ini|lost\+found)$/i.test(name);
}

interface Found {
  readonly name: string;
  /** The file itself, where links lead to it. */
  readonly path: string;
  readonly isLinked: boolean;
}

interface Place {
  readonly below: string;
  readonly path: string;
  readonly isLinked: boolean;
  /** The real paths of the folders on the way. */
  readonly above: readonly string[];
}

/** @param folders gets the names of the folders right in it */
async function* walk(folder: string, leftOut: LeftOut, folders: Set<string>): AsyncGenerator<Found> {
  const root = await realpath(folder).catch((error: unknown) => Promise.reject(readError(folder, error)));
  const places: Place[] = [{ below: '', path: root, isLinked: false, above: [root] }];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    const { below, above } = place;
    for (const entry of await entriesOf(join(folder, below), place.path)) {
      if (isOfTheSystem(entry.name)) continue;
      if (entry.name.startsWith('.')) {
        leftOut.add('hidden');
        continue;
      }
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      const isLink = entry.isSymbolicLink();
      const isLinked = place.isLinked || isLink;
      const target = isLink ? await targetOf(join(folder, name)) : { path: join(place.path, entry.name), kind: entry };
      if (target === undefined) leftOut.add('link to nothing');
      else if (target.kind.isFile()) yield { name, path: target.path, isLinked };
      else if (!target.kind.isDirectory()) leftOut.add('pipe or device');
      else if (above.includes(target.path)) leftOut.add('link to a folder above');
      else {
        places.push({ below: name, path: target.path, isLinked, above: [...above, target.path] });
        if (below === '') folders.add(name);
      }
    }
  }
}

async function entriesOf(name: string, path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    throw readError(name, error);
  }
}

/** What a link leads to; undefined for nothing, and for a link to itself. */
async function targetOf(link: string): Promise<{ path: string; kind: Stats } | undefined> {
  try {
    return { path: await realpath(link), kind: await stat(link) };
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) return undefined;
    throw readError(link, error);
  }
}

function order(a: Found, b: Found): number {
  return a.name < b.name ? -1 : 1;
}
