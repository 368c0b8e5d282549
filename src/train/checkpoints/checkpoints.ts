import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BertuneError, messageOf } from '../../core/errors.ts';
import { errorCode } from '../../core/files.ts';
import { say, setting } from '../../core/message.ts';
import type { ArraySource, ExportedArray, StateArray } from '../../engine/trainState.ts';
import type { RunState } from '../runState.ts';
import { arraySuffix, arraysIn, isIntact, writeArrays } from './arrays.ts';
import { makeDurableFolder, namesIn, syncFolder, writeAll, writeDurably } from './files.ts';
import { formatManifest, type Reading, readManifest, stateFile } from './format.ts';
import { type CheckpointContents, differenceOf, type Manifest } from './manifest.ts';

/** What is being written or removed; never read. */
const partialSuffix = '.partial';
/** A checkpoint that makes way for another one of its step, and counts until that one is in its place. */
const replacedSuffix = '.replaced';

/** A checkpoint that can be gone on from. */
export interface Checkpoint {
  readonly path: string;
  readonly state: RunState;
  readonly arrays: ArraySource;
}

/** A checkpoint that is no one's to remove, and why it cannot be gone on from. */
export interface ForeignCheckpoint {
  readonly path: string;
  readonly kind: 'different' | 'unknown' | 'unreadable';
  readonly reason: string;
}

/** Removes all checkpoints of a folder and what killed runs left of them, and the folder when nothing else is in it. */
export function removeCheckpoints(folder: string): void {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    rmSync(folder, { force: true });
    return;
  }
  for (const name of namesIn(folder)) {
    if (/^\.?step-\d{8,}(\.\w+)?$/.test(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
  if (namesIn(folder).length === 0) rmSync(folder, { recursive: true });
}

/** A checkpoint in a folder that this version of bertune does not understand, whatever the run. */
export function unknownCheckpoint(folder: string): ForeignCheckpoint | undefined {
  const any = new Checkpoints(folder, { parameters: [], states: [], optimizer: '', slots: [] });
  return any.foreign().find(({ kind }) => kind === 'unknown');
}

/** The checkpoints of one run in their folder. */
export class Checkpoints {
  readonly #folder: string;
  readonly #contents: CheckpointContents;
  /** Those whose files are all there and hold other numbers than were written. */
  readonly #corrupt = new Set<string>();

  constructor(folder: string, contents: CheckpointContents) {
    this.#folder = folder;
    this.#contents = contents;
  }

  /** The folder of one step's checkpoint. */
  pathOf(step: number): string {
    return join(this.#folder, `step-${String(step).padStart(8, '0')}`);
  }

  /**
   * Writes one checkpoint: into a folder beside, synced, then renamed, so that a folder under its final name is whole. A
   * process killed at any point leaves the newest checkpoint there was, or this one; what it leaves beside them goes with
   * the next write.
   *
   * @param arrays part by part
   * @returns the checkpoint's path
   * @throws BertuneError when the disk is full or not writable, or one that is not this run's is in the way
   */
  async write(state: RunState, arrays: AsyncIterable<ExportedArray>): Promise<string> {
    const path = this.pathOf(state.step);
    const there = this.#readOne(path);
    if (isForeign(there))
      throw new BertuneError(`cannot write the checkpoint ${path}: one is there, and ${there.reason}`);
    const beside = hiddenPath(path, partialSuffix);
    try {
      makeDurableFolder(this.#folder);
      rmSync(beside, { recursive: true, force: true });
      mkdirSync(beside);
      const placed = await writeArrays(beside, arrays);
      const manifest = Buffer.from(formatManifest(state, this.#contents, placed));
      await writeDurably(join(beside, stateFile), (file) => writeAll(file, manifest));
      syncFolder(beside);
      moveAside(path);
      renameSync(beside, path);
      syncFolder(this.#folder);
      this.#removeLeftovers();
    } catch (error) {
      rmSync(beside, { recursive: true, force: true });
      throw new BertuneError(
        say`cannot write the checkpoint ${path}: ${messageOf(error)}; free space and run with ${setting('resume')}`,
      );
    }
    this.#corrupt.delete(path);
    return path;
  }

  /** The newest whole checkpoint whose arrays hold what was written; those that turn out not to count as damaged. */
  newest(): Checkpoint | undefined {
    for (const { path, reading } of this.#read().reverse()) {
      if (reading.kind === 'whole' && this.#isSound(path, reading.manifest))
        return checkpointAt(path, reading.manifest);
    }
    return undefined;
  }

  /** The checkpoint of a step, if it is whole and `isNeeded` arrays of it hold what was written. */
  at(step: number, isNeeded: (array: StateArray) => boolean): Checkpoint | undefined {
    const path = this.pathOf(step);
    const reading = this.#readOne(path);
    if (reading.kind !== 'whole' || !this.#isSound(path, reading.manifest, isNeeded)) return undefined;
    return checkpointAt(path, reading.manifest);
  }

  /** Paths of the checkpoints that cannot be read any more, oldest first. */
  damaged(): string[] {
    return this.#read().flatMap(({ path, reading }) => (reading.kind === 'damaged' ? [path] : []));
  }

  /** The checkpoints that are not this run's, or not understood, oldest first. */
  foreign(): ForeignCheckpoint[] {
    return this.#read().flatMap(({ path, reading }) => (isForeign(reading) ? [{ path, ...reading }] : []));
  }

  /** The newest state that can be read, whatever became of its arrays. */
  newestState(): { path: string; state: RunState; format: number } | undefined {
    for (const { path } of this.#list().reverse()) {
      const reading = this.#readState(path);
      if (reading.kind === 'whole') return { path, ...reading.manifest };
    }
    return undefined;
  }

  /** Removes the checkpoint of one step, if there is one and it is this run's. */
  remove(step: number): void {
    const path = this.pathOf(step);
    for (const there of [hiddenPath(path, replacedSuffix), path]) {
      if (existsSync(there) && !isForeign(this.#readOne(there))) discard(there, path);
    }
  }

  /** Removes damaged checkpoints, and of the whole ones all but the last `keep` and those of the named steps. */
  prune(keep: number, keepSteps: readonly number[]): void {
    this.#removeLeftovers();
    const found = this.#read();
    const whole = found.filter(({ reading }) => reading.kind === 'whole');
    const old = whole.slice(0, Math.max(0, whole.length - keep)).filter(({ step }) => !keepSteps.includes(step));
    for (const { path, step } of [...found.filter(({ reading }) => reading.kind === 'damaged'), ...old]) {
      discard(path, this.pathOf(step));
    }
  }

  #read(): { path: string; step: number; reading: Reading }[] {
    return this.#list().map((found) => ({ ...found, reading: this.#readOne(found.path) }));
  }

  /** By step; a replaced checkpoint comes before the one that took its place. */
  #list(): { path: string; step: number }[] {
    return namesIn(this.#folder)
      .flatMap((name) => {
        const step = /^(?:step-(\d{8,})|\.step-(\d{8,})\.replaced)$/.exec(name)?.slice(1).find(Boolean);
        return step === undefined ? [] : [{ path: join(this.#folder, name), step: Number(step) }];
      })
      .sort((a, b) => a.step - b.step || (a.path < b.path ? -1 : 1));
  }

  #readOne(path: string): Reading {
    if (this.#corrupt.has(path)) return { kind: 'damaged' };
    const reading = this.#readState(path);
    if (reading.kind !== 'whole') return reading;
    const reason =
      differenceOf(reading.manifest, this.#contents) ?? otherFilesThanFormat1(path, reading.manifest, this.#contents);
    if (reason) return { kind: 'different', reason };
    const files = [...reading.manifest.files];
    const isThere = ([name, bytes]: [string, number]) =>
      statSync(join(path, name), { throwIfNoEntry: false })?.size === bytes;
    return files.every(isThere) ? reading : { kind: 'damaged' };
  }

  #readState(path: string): Exclude<Reading, { kind: 'different' }> {
    try {
      const names = readdirSync(path);
      const text = names.includes(stateFile) ? readFileSync(join(path, stateFile), 'utf8') : '';
      const reading = readManifest(text, this.#contents);
      const strange = names.find((name) => !name.startsWith('.') && name !== stateFile && !name.endsWith(arraySuffix));
      if (reading.kind !== 'damaged' || !strange) return reading;
      return { kind: 'unknown', reason: `it holds ${strange}, which this version of bertune does not know` };
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return { kind: 'damaged' };
      return { kind: 'unreadable', reason: `it cannot be read: ${messageOf(error)}` };
    }
  }

  /** Whether the arrays that are needed hold what was written. */
  #isSound(path: string, { arrays }: Manifest, isNeeded: (array: StateArray) => boolean = () => true): boolean {
    const isSound = arrays.filter(isNeeded).every((array) => isIntact(path, array));
    if (!isSound) this.#corrupt.add(path);
    return isSound;
  }

  /** Removes what a killed process left half-written or half-removed, and replaced checkpoints with a successor. */
  #removeLeftovers(): void {
    for (const name of namesIn(this.#folder)) {
      const successor = name.startsWith('.') && name.endsWith(replacedSuffix) && name.slice(1, -replacedSuffix.length);
      const left = successor ? existsSync(join(this.#folder, successor)) : name.endsWith(partialSuffix);
      if (left) rmSync(join(this.#folder, name), { recursive: true, force: true });
    }
  }
}

function isForeign(reading: Reading): reading is Extract<Reading, { reason: string }> {
  return 'reason' in reading;
}

/** Format 1 tells only by its files which optimizer it is of: the first difference, or undefined. */
function otherFilesThanFormat1(
  path: string,
  { format, files }: Manifest,
  contents: CheckpointContents,
): string | undefined {
  if (format > 1) return undefined;
  const there = namesIn(path).filter((name) => name.endsWith(arraySuffix));
  const missing = [...files.keys()].find((name) => !there.includes(name));
  if (missing) return `it has no ${missing}, which a run with the optimizer ${contents.optimizer} keeps`;
  const more = there.find((name) => !files.has(name));
  return more && `it has ${more}, which a run with the optimizer ${contents.optimizer} does not keep`;
}

function checkpointAt(path: string, { state, arrays }: Manifest): Checkpoint {
  return { path, state, arrays: arraysIn(path, arrays) };
}

/** The name beside a checkpoint's that says what becomes of it. */
function hiddenPath(path: string, suffix: string): string {
  return join(dirname(path), `.${basename(path)}${suffix}`);
}

/** Renames a checkpoint before its files go, so that no half-removed one has a checkpoint's name. */
function discard(path: string, finalPath: string): void {
  const beside = hiddenPath(finalPath, partialSuffix);
  rmSync(beside, { recursive: true, force: true });
  renameSync(path, beside);
  rmSync(beside, { recursive: true, force: true });
}

function moveAside(path: string): void {
  if (!existsSync(path)) return;
  const aside = hiddenPath(path, replacedSuffix);
  rmSync(aside, { recursive: true, force: true });
  renameSync(path, aside);
}
