import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, stat, symlink, utimes } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BertuneError } from '../core/errors.ts';
import { errorCode, makeFolder, writeError, writeFileAtomic } from '../core/files.ts';
import { throwIfAborted } from '../core/interrupt.ts';
import type { ModelReference } from './reference.ts';

/** Links made so far: two of one file at a time have names of their own. */
let links = 0;

/**
 * The folder of one repository in the cache, laid out as huggingface_hub does: contents in `blobs` under their checksums,
 * `snapshots/COMMIT` with links to them, and in `refs` the commit of each branch and tag.
 */
export class RepoCache {
  readonly #folder: string;
  readonly #locks: string;

  constructor(cache: string, repo: string) {
    const name = `models--${repo.replace('/', '--')}`;
    this.#folder = join(cache, name);
    this.#locks = join(cache, '.locks', name);
  }

  snapshot(commit: string): string {
    return join(this.#folder, 'snapshots', commit);
  }

  blob(checksum: string): string {
    return join(this.#folder, 'blobs', checksum);
  }

  /** The commit that a revision was when it was last asked for, if a snapshot of it is there. */
  async commitOf({ revision }: ModelReference): Promise<string | undefined> {
    const text = isCommit(revision)
      ? revision
      : await readFile(join(this.#folder, 'refs', revision), 'utf8').catch(() => '');
    const commit = text.trim();
    return isCommit(commit) && existsSync(this.snapshot(commit)) ? commit : undefined;
  }

  /** Remembers which commit a branch or tag is. */
  async setCommit({ revision }: ModelReference, commit: string): Promise<void> {
    if (revision === commit) return;
    const path = join(this.#folder, 'refs', revision);
    await makeFolder(dirname(path));
    await writeFileAtomic(path, commit);
  }

  /** Makes a file of a snapshot from a blob: a link, or a copy where links cannot be made. */
  async link(commit: string, file: string, checksum: string): Promise<void> {
    const path = join(this.snapshot(commit), file);
    await makeFolder(dirname(path));
    const beside = `${path}.${process.pid}.${links++}.tmp`;
    try {
      await rm(beside, { force: true });
      await symlink(relative(dirname(path), this.blob(checksum)), beside).catch(async (error: unknown) => {
        if (!['EPERM', 'ENOSYS', 'ENOTSUP'].includes(errorCode(error) ?? '')) throw error;
        await copyFile(this.blob(checksum), beside);
      });
      await rename(beside, path);
    } catch (error) {
      await rm(beside, { force: true });
      throw writeError(path, error);
    }
  }

  /** Does `work` while no other process of bertune does work on the same blob. */
  async exclusively<T>(checksum: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await makeFolder(this.#locks);
    // A folder, since huggingface_hub leaves files of the blob's name lying here when they are free.
    const lock = join(this.#locks, `${checksum}.bertune`);
    while (!(await takeLock(lock))) {
      throwIfAborted(signal);
      await sleep(waitMs);
    }
    const beat = setInterval(() => {
      const now = new Date();
      utimes(lock, now, now).catch(() => {});
    }, staleMs / 6);
    beat.unref();
    try {
      return await work();
    } finally {
      clearInterval(beat);
      await rm(lock, { recursive: true, force: true });
    }
  }
}

/** Whether a text is the full name of a git commit. */
export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

const waitMs = 100;
/** A lock that has not been touched for this long belongs to a process that is gone. */
const staleMs = 60_000;

async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw writeError(lock, error);
    const changed = (await stat(lock).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (Date.now() - changed < staleMs) return false;
    // Only one of those who wait gets the stale lock renamed.
    const gone = `${lock}.${process.pid}`;
    await rename(lock, gone).catch((failure: unknown) => {
      if (errorCode(failure) !== 'ENOENT') throw new BertuneError(`the lock ${lock} cannot be removed: remove it`);
    });
    await rm(gone, { recursive: true, force: true });
    return false;
  }
}
