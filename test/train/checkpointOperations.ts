import fs from 'node:fs';
import promises, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

/** A call that changes what is on disk. */
export interface Operation {
  readonly name: string;
  /** What it can be cut into: the bytes of a write, the files of a removal; 0 for what cannot be cut. */
  readonly pieces: number;
}

/** Where a process is to kill itself: before operation number `at`, or after `pieces` of it. */
export interface KillPoint {
  readonly at: number;
  readonly pieces: number;
}

/**
 * Counts from here on the calls of `node:fs` and `node:fs/promises` by which this process changes the disk, and kills
 * the process (SIGKILL) at one of them.
 *
 * @returns the operations so far
 */
export async function watchOperations(kill: KillPoint | undefined): Promise<readonly Operation[]> {
  const seen: Operation[] = [];
  /** Whether the process is to die now, and after how many pieces. */
  const piecesBeforeDeath = (name: string, pieces: number): number | undefined => {
    const dies = kill?.at === seen.length;
    seen.push({ name, pieces });
    return dies ? kill.pieces : undefined;
  };
  const dieBefore = (name: string) => {
    if (piecesBeforeDeath(name, 0) !== undefined) die();
  };
  watchSync(piecesBeforeDeath, dieBefore);
  await watchPromises(piecesBeforeDeath, dieBefore);
  syncBuiltinESMExports();
  return seen;
}

type Pieces = (name: string, pieces: number) => number | undefined;
type AnyFunction = (...values: unknown[]) => unknown;

function watchSync(piecesBeforeDeath: Pieces, dieBefore: (name: string) => void): void {
  const { writeSync, rmSync, unlinkSync } = { ...fs };
  for (const name of ['mkdirSync', 'openSync', 'fsyncSync', 'closeSync', 'renameSync', 'truncateSync'] as const) {
    const original = fs[name] as AnyFunction;
    Object.assign(fs, { [name]: (...values: unknown[]) => [dieBefore(name), original(...values)][1] });
  }
  Object.assign(fs, {
    writeSync(file: number, bytes: Uint8Array, offset: number, length: number) {
      const pieces = piecesBeforeDeath('writeSync', length);
      const count = writeSync(file, bytes, offset, pieces ?? length);
      if (pieces !== undefined) die();
      return count;
    },
    rmSync(path: string, options: fs.RmOptions) {
      const files = filesIn(path);
      const pieces = piecesBeforeDeath('rmSync', files.length);
      for (const file of files.slice(0, pieces ?? 0)) unlinkSync(join(path, file));
      if (pieces !== undefined) die();
      rmSync(path, options);
    },
  });
}

async function watchPromises(piecesBeforeDeath: Pieces, dieBefore: (name: string) => void): Promise<void> {
  const file = await promises.open(process.execPath, 'r');
  const prototype: FileHandle = Object.getPrototypeOf(file);
  await file.close();
  for (const name of ['open', 'rename', 'rm'] as const) {
    const original = promises[name] as AnyFunction;
    Object.assign(promises, { [name]: (...values: unknown[]) => [dieBefore(name), original(...values)][1] });
  }
  const { writeFile, sync, close } = prototype;
  const write: (bytes: Uint8Array, offset: number, length: number) => Promise<unknown> = prototype.write;
  Object.assign(prototype, {
    async writeFile(this: FileHandle, data: string | Uint8Array) {
      const bytes = Buffer.from(data as string);
      const pieces = piecesBeforeDeath('writeFile', bytes.length);
      if (pieces === undefined) return writeFile.call(this, bytes);
      await write.call(this, bytes, 0, pieces);
      return die();
    },
    async write(this: FileHandle, bytes: Uint8Array, offset: number, length: number) {
      const pieces = piecesBeforeDeath('write', length);
      const count = await write.call(this, bytes, offset, pieces ?? length);
      if (pieces !== undefined) die();
      return count;
    },
    close(this: FileHandle) {
      dieBefore('close');
      return close.call(this);
    },
    sync(this: FileHandle) {
      dieBefore('sync');
      return sync.call(this);
    },
  });
}

function filesIn(path: string): string[] {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ? fs.readdirSync(path) : [];
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  for (;;); // the signal is on its way
}
