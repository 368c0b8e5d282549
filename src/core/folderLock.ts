import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { DamagedDocumentError, type DocumentFormat, documentText, parseDocument } from './document.ts';
import { BertuneError, UsageError } from './errors.ts';
import { errorCode, readError, writeError } from './files.ts';

/** Names with a dot are none of a folder's content. */
const lockFile = '.lock';
/** Who writes to a folder changes its lock that often, in milliseconds. */
const beatEvery = 10_000;
/** A process that cannot be asked for is gone when it has not for that long. */
const goneAfter = 120_000;
/** Another process takes microseconds for what is waited for. */
const mostAttempts = 200;
const guardGoneAfter = 10_000;

/** How often this process took a folder. */
let taken = 0;

/** Who writes to a folder. */
interface Holder {
  /** Tells this hold from others of its process. */
  readonly id: string;
  /** What is done there: "adapt". */
  readonly what: string;
  readonly pid: number;
  /** When the process began, as its system counts it; null where it does not tell. */
  readonly began: string | null;
  readonly host: string;
  /** Processes of the same place can be asked for by their ids. */
  readonly place: string;
  /** ISO 8601. */
  readonly since: string;
}

const format: DocumentFormat<Holder> = {
  schema: z.object({
    id: z.string(),
    what: z.string(),
    pid: z.number(),
    began: z.string().nullable(),
    host: z.string(),
    place: z.string(),
    since: z.string(),
  }),
  migrations: [],
};

/**
 * A folder that this process alone writes to, until it lets go or ends. Whoever else asks is told who it is. A process
 * that was killed holds nothing: on this machine the system knows that it is gone; on another one, that shares the
 * folder, it is gone when it gave no sign of life for two minutes.
 */
export class FolderLock {
  readonly #path: string;
  readonly #folder: string;
  readonly #text: string;
  readonly #timer: NodeJS.Timeout;
  readonly #onExit = () => this.release();

  private constructor(folder: string, text: string) {
    this.#folder = folder;
    this.#path = join(folder, lockFile);
    this.#text = text;
    this.#timer = setInterval(() => this.#beat(), beatEvery);
    this.#timer.unref();
    process.on('exit', this.#onExit);
  }

  /**
   * Takes a folder, which has to exist.
   *
   * @param what is done there, for the others
   * @throws UsageError when another run writes to it, or nothing can be written there; NewerFormatError
   */
  static take(folder: string, what: string): FolderLock {
    const own: Holder = {
      id: `${process.hrtime.bigint()}-${++taken}`,
      what,
      ...self(),
      since: new Date().toISOString(),
    };
    const text = documentText(format, own);
    const path = join(folder, lockFile);
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      if (published(path, text)) {
        // What processes left that were killed while they took it or asked for it.
        for (const name of readdirSync(folder)) {
          if (name.startsWith(`${lockFile}.`)) rmSync(join(folder, name), { force: true });
        }
        return new FolderLock(folder, text);
      }
      const left = leftIn(folder);
      if (left !== undefined) removeLeft(path, left);
    }
    throw new UsageError(`${folder} is being taken by another run; try again, or choose another folder`);
  }

  /** @throws BertuneError when the folder went, or another process took it for left */
  check(): void {
    if (textOf(this.#path) === this.#text) return;
    throw new BertuneError(
      `${this.#folder} was removed or taken by another run while this one wrote to it; run again with another folder`,
    );
  }

  /** Lets others write to the folder. */
  release(): void {
    clearInterval(this.#timer);
    process.off('exit', this.#onExit);
    try {
      if (textOf(this.#path) === this.#text) rmSync(this.#path, { force: true });
    } catch {
      // It counts as left as soon as the process has ended.
    }
  }

  /** Writes the same once more: the clock that counts is that of the file system. */
  #beat(): void {
    try {
      if (textOf(this.#path) !== this.#text) return;
      const file = openSync(this.#path, 'r+');
      try {
        writeSync(file, this.#text, 0);
      } finally {
        closeSync(file);
      }
    } catch {
      // The folder went, or its disk is away for a while: the next check tells.
    }
  }
}

/** @throws UsageError when a running process writes to a folder, which need not exist; NewerFormatError */
export function refuseHeld(folder: string): void {
  leftIn(folder);
}

/** Removes what a killed process left in a folder that nobody writes to, if that can be done. */
export function removeLeftLock(folder: string): void {
  if (!existsSync(join(folder, lockFile))) return;
  try {
    FolderLock.take(folder, 'tidying up').release();
  } catch {
    // It says nothing of the folder, and the next run that writes there removes it.
  }
}

/**
 * The text of a lock that nobody holds any more; undefined where there is none.
 *
 * @throws UsageError when a running process holds it; NewerFormatError
 */
function leftIn(folder: string): string | undefined {
  const path = join(folder, lockFile);
  const text = textOf(path);
  const holder = text === undefined ? undefined : holderOf(text, path);
  // One that has just been made is empty for a moment.
  if (holder === undefined) return text !== undefined && silence(path) > guardGoneAfter ? text : undefined;
  const state = isHere(holder) ? stateOf(holder) : 'elsewhere';
  if (state === 'gone') return text;
  const silent = state === 'runs' ? 0 : silence(path);
  if (silent > goneAfter) return text;
  const sign = `, which gave its last sign of life ${Math.max(0, Math.round(silent / 1000))} s ago and counts as gone after ${goneAfter / 1000} s`;
  throw new UsageError(
    `${folder} is written by ${described(holder)}${state === 'runs' ? '' : sign}; wait for its end or stop it, or choose another folder`,
  );
}

function described({ what, pid, host, since }: Holder): string {
  const who = pid === process.pid && host === hostname() ? `this process (${pid})` : `process ${pid}`;
  return `another run: ${what}, ${who} on ${host}, since ${since.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}`;
}

/**
 * Makes a lock that is never seen half-written where the file system knows links.
 *
 * @returns false when there is one already
 * @throws UsageError when the folder cannot be written to
 */
function published(path: string, text: string): boolean {
  const beside = `${path}.${process.pid}.new`;
  try {
    writeFileSync(beside, text);
    linkSync(beside, path);
    return true;
  } catch (error) {
    const code = errorCode(error) ?? '';
    // Another one that took the folder tidied up.
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    if (['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'].includes(code)) return created(path, text);
    throw writeError(dirname(path), error);
  } finally {
    rmSync(beside, { force: true });
  }
}

/** The same in one call, for a file that may be seen empty. */
function created(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw writeError(dirname(path), error);
  }
}

/**
 * Removes a lock that nobody holds, unless it is another one by now. Of those that find it at the same time, one does: it
 * makes a file that is named after this lock.
 */
function removeLeft(path: string, text: string): void {
  const guard = `${path}.${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
  if (!created(guard, '')) {
    if (silence(guard) > guardGoneAfter) rmSync(guard, { force: true });
    return;
  }
  try {
    if (textOf(path) === text) rmSync(path, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
}

/** Milliseconds since a file changed, by the clock of its file system: those of two machines may differ. */
function silence(path: string): number {
  const changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (changed === undefined) return 0;
  const probe = `${path}.${process.pid}.probe`;
  try {
    writeFileSync(probe, '');
    return statSync(probe).mtimeMs - changed;
  } catch {
    return Date.now() - changed;
  } finally {
    rmSync(probe, { force: true });
  }
}

/** Who a lock names; undefined where it is damaged. @throws NewerFormatError */
function holderOf(text: string, path: string): Holder | undefined {
  try {
    return parseDocument(text, path, format);
  } catch (error) {
    if (error instanceof DamagedDocumentError) return undefined;
    throw error;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw readError(path, error);
  }
}

function self(): Pick<Holder, 'pid' | 'began' | 'host' | 'place'> {
  const { pid } = process;
  return { pid, began: processOf(pid)?.began ?? null, host: hostname(), place: ownPlace() };
}

function isHere({ host, place }: Holder): boolean {
  return host === hostname() && place === ownPlace();
}

/** Tells apart machines of one name, starts of one machine, and containers, which count their processes by themselves. */
function ownPlace(): string {
  const found = [
    () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    () => readlinkSync('/proc/self/ns/pid'),
  ].map((read) => {
    try {
      return read();
    } catch {
      return '';
    }
  });
  return [process.platform, ...found].join(' ').trim();
}

/** Whether a process of this place still runs: an id may be another one's by now. */
function stateOf({ pid, began }: Holder): 'runs' | 'gone' | 'unknown' {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) !== 'EPERM') return 'gone';
  }
  const found = processOf(pid);
  if (began === null || found === undefined) return 'unknown';
  return found.began === began && !found.isDead ? 'runs' : 'gone';
}

/** When a process began, and whether only its parent has not taken notice of its end; undefined where it cannot be told. */
function processOf(pid: number): { began: string; isDead: boolean } | undefined {
  try {
    // The name of the program, in parentheses, may hold anything: state is the first field behind it, the start the 20th.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    const [state, began] = [fields[0], fields[19]];
    return state === undefined || began === undefined ? undefined : { began, isDead: /[ZX]/.test(state) };
  } catch {
    return undefined;
  }
}
