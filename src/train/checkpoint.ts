import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { BertuneError, counted, messageOf, UsageError } from '../core/errors.ts';
import { makeFolders } from '../core/files.ts';
import { joined, say, setting } from '../core/message.ts';
import type { Cursor } from './task.ts';

/** All of a run's state that is not in flat arrays. */
export interface RunState {
  /** Optimizer steps taken. */
  readonly step: number;
  readonly cursor: Cursor;
  /** Units trained on so far. */
  readonly units: number;
  readonly best: { readonly step: number; readonly value: number } | null;
  /** Step of the last evaluation. */
  readonly evaluatedStep: number | null;
  /** Evaluations since the best one. */
  readonly evaluationsWithoutBest: number;
  /** Settings that a resumed run has to share. */
  readonly fingerprint: Readonly<Record<string, unknown>>;
  readonly callbacks: Readonly<Record<string, unknown>>;
}

/** Flat arrays of a run, by name; all have the arena's layout. */
export type RunArrays = Readonly<Record<string, Float32Array>>;

const stateFile = 'state.json';
/** What is being written or removed; never read. */
const partialSuffix = '.partial';
/** A checkpoint that makes way for another one of its step, and counts until that one is in its place. */
const replacedSuffix = '.replaced';

/**
 * Writes one checkpoint: into a folder beside, synced, then renamed, so that a folder under its final name is whole. A
 * process killed at any point leaves the newest checkpoint there was, or this one; what it leaves beside them goes with
 * the next write.
 *
 * @returns the checkpoint's path
 * @throws BertuneError when the disk is full or not writable
 */
export function writeCheckpoint(folder: string, state: RunState, arrays: RunArrays): string {
  const path = checkpointPath(folder, state.step);
  const beside = hiddenPath(path, partialSuffix);
  try {
    makeFolder(folder);
    rmSync(beside, { recursive: true, force: true });
    mkdirSync(beside);
    for (const [name, array] of Object.entries(arrays)) writeSynced(join(beside, `${name}.f32`), bytesOf(array));
    writeSynced(join(beside, stateFile), Buffer.from(`${JSON.stringify(state, null, 1)}\n`));
    syncFolder(beside);
    moveAside(path);
    renameSync(beside, path);
    syncFolder(folder);
    removeLeftovers(folder);
  } catch (error) {
    rmSync(beside, { recursive: true, force: true });
    throw new BertuneError(
      say`cannot write the checkpoint ${path}: ${messageOf(error)}; free space and run with ${setting('resume')}`,
    );
  }
  return path;
}

/** Path of the newest whole checkpoint under `folder` of arrays like these, or undefined. */
export function latestCheckpoint(folder: string, arrays: RunArrays): string | undefined {
  return listCheckpoints(folder)
    .map(({ path }) => path)
    .findLast((path) => isWholeCheckpoint(path, arrays));
}

/** Paths of the checkpoints under `folder` that cannot be read, oldest first. */
export function damagedCheckpoints(folder: string, arrays: RunArrays): string[] {
  return listCheckpoints(folder)
    .map(({ path }) => path)
    .filter((path) => !isWholeCheckpoint(path, arrays));
}

/** The newest state under `folder` that can be read, whatever became of its arrays. */
export function latestState(folder: string): { path: string; state: RunState } | undefined {
  for (const { path } of listCheckpoints(folder).reverse()) {
    try {
      return { path, state: readState(path) };
    } catch {} // damaged: an older one may tell
  }
  return undefined;
}

/** Whether a folder holds a complete checkpoint of arrays like these. */
export function isWholeCheckpoint(path: string, arrays: RunArrays): boolean {
  try {
    readState(path);
    return Object.entries(arrays).every(([name, { byteLength }]) => {
      return statSync(join(path, `${name}.f32`)).size === byteLength;
    });
  } catch {
    return false;
  }
}

/** Reads a checkpoint's arrays in place and returns its state. */
export function readCheckpoint(path: string, arrays: RunArrays): RunState {
  for (const [name, array] of Object.entries(arrays)) readInto(join(path, `${name}.f32`), bytesOf(array));
  return readState(path);
}

/** Removes the checkpoint of one step, if there is one. */
export function removeCheckpoint(folder: string, step: number): void {
  const path = checkpointPath(folder, step);
  for (const there of [hiddenPath(path, replacedSuffix), path]) if (existsSync(there)) discard(there, path);
}

/** Removes damaged checkpoints, and of the whole ones all but the last `keep` and those of the named steps. */
export function pruneCheckpoints(folder: string, keep: number, keepSteps: readonly number[], arrays: RunArrays): void {
  removeLeftovers(folder);
  const [whole, damaged] = [[] as Found[], [] as Found[]];
  for (const found of listCheckpoints(folder)) (isWholeCheckpoint(found.path, arrays) ? whole : damaged).push(found);
  const old = whole.slice(0, Math.max(0, whole.length - keep)).filter(({ step }) => !keepSteps.includes(step));
  for (const { path, step } of [...damaged, ...old]) discard(path, checkpointPath(folder, step));
}

/** The folder of one step's checkpoint. */
export function checkpointPath(folder: string, step: number): string {
  return join(folder, nameOf(step));
}

function nameOf(step: number): string {
  return `step-${String(step).padStart(8, '0')}`;
}

/** The name beside a checkpoint's that says what becomes of it. */
function hiddenPath(path: string, suffix: string): string {
  return join(dirname(path), `.${basename(path)}${suffix}`);
}

interface Found {
  readonly path: string;
  readonly step: number;
}

/** By step; a replaced checkpoint comes before the one that took its place. */
function listCheckpoints(folder: string): Found[] {
  return namesIn(folder)
    .flatMap((name) => {
      const step = /^(?:step-(\d{8,})|\.step-(\d{8,})\.replaced)$/.exec(name)?.slice(1).find(Boolean);
      return step === undefined ? [] : [{ path: join(folder, name), step: Number(step) }];
    })
    .sort((a, b) => a.step - b.step || (a.path < b.path ? -1 : 1));
}

/** Removes what a killed process left half-written or half-removed, and replaced checkpoints with a successor. */
function removeLeftovers(folder: string): void {
  for (const name of namesIn(folder)) {
    const successor = name.startsWith('.') && name.endsWith(replacedSuffix) && name.slice(1, -replacedSuffix.length);
    const left = successor ? existsSync(join(folder, successor)) : name.endsWith(partialSuffix);
    if (left) rmSync(join(folder, name), { recursive: true, force: true });
  }
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

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** @throws BertuneError when the file is damaged */
function readState(path: string): RunState {
  const file = join(path, stateFile);
  const state: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isState(state))
    throw new BertuneError(say`${file} holds no state of a run; remove its folder and run with ${setting('resume')}`);
  return state;
}

/** A first look: whoever edits the file by hand is on their own. */
function isState(value: unknown): value is RunState {
  return value instanceof Object && 'step' in value && 'cursor' in value && 'fingerprint' in value;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Makes a folder whose own name is durable, too. */
function makeFolder(path: string): void {
  const first = makeFolders(path);
  if (first !== undefined) syncFolder(dirname(first));
}

function writeSynced(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'w');
  try {
    let written = 0;
    while (written < bytes.length)
      written += writeSync(file, bytes, written, Math.min(bytes.length - written, 2 ** 28));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function readInto(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'r');
  try {
    let done = 0;
    while (done < bytes.length) {
      const count = readSync(file, bytes, done, Math.min(bytes.length - done, 2 ** 28), done);
      if (count === 0)
        throw new BertuneError(say`${path} ends early; remove its folder and run with ${setting('resume')}`);
      done += count;
    }
  } finally {
    closeSync(file);
  }
}

/** Makes the names in a folder durable. */
function syncFolder(path: string): void {
  // Windows opens no folders; there a rename is journaled by the file system.
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** @throws UsageError when a run is to go on with other settings than the saved ones */
export function refuseOtherSettings(
  saved: RunState['fingerprint'],
  current: RunState['fingerprint'],
  path: string,
): void {
  const different = Object.keys({ ...saved, ...current }).filter(
    (key) => JSON.stringify(saved[key]) !== JSON.stringify(current[key]),
  );
  if (different.length === 0) return;
  const list = different.map(
    (key) => say`${setting(key)} (${JSON.stringify(saved[key])}, now ${JSON.stringify(current[key])})`,
  );
  throw new UsageError(
    say`cannot resume ${path}: ${counted(different.length, 'setting')} changed: ${joined(list, ', ')}; run with the settings it was started with, or with ${setting('overwrite')} to start anew`,
  );
}
