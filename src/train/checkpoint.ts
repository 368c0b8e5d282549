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
import { join } from 'node:path';
import { BertuneError, messageOf } from '../core/errors.ts';
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

/**
 * Writes one checkpoint: into a folder beside, synced, then renamed, so that a folder under its final name is whole.
 *
 * @returns the checkpoint's path
 * @throws BertuneError when the disk is full or not writable
 */
export function writeCheckpoint(folder: string, state: RunState, arrays: RunArrays): string {
  const path = join(folder, nameOf(state.step));
  const beside = join(folder, `.${nameOf(state.step)}.partial`);
  try {
    rmSync(beside, { recursive: true, force: true });
    mkdirSync(beside, { recursive: true });
    for (const [name, array] of Object.entries(arrays)) {
      writeSynced(join(beside, `${name}.f32`), new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    }
    writeSynced(join(beside, stateFile), Buffer.from(`${JSON.stringify(state, null, 1)}\n`));
    syncFolder(beside);
    rmSync(path, { recursive: true, force: true });
    renameSync(beside, path);
    syncFolder(folder);
  } catch (error) {
    rmSync(beside, { recursive: true, force: true });
    throw new BertuneError(
      `cannot write the checkpoint ${path}: ${messageOf(error)}; free space and run with --resume`,
    );
  }
  return path;
}

/** Path of the newest whole checkpoint under `folder`, or undefined. */
export function latestCheckpoint(folder: string, arrayNames: readonly string[], elements: number): string | undefined {
  return listCheckpoints(folder)
    .map(({ path }) => path)
    .reverse()
    .find((path) => isWholeCheckpoint(path, arrayNames, elements));
}

/** Reads a checkpoint's arrays in place and returns its state. */
export function readCheckpoint(path: string, arrays: RunArrays): RunState {
  for (const [name, array] of Object.entries(arrays)) {
    readInto(join(path, `${name}.f32`), new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }
  return readState(path);
}

/** Removes the checkpoint of one step, if there is one. */
export function removeCheckpoint(folder: string, step: number): void {
  rmSync(checkpointPath(folder, step), { recursive: true, force: true });
}

/** Removes all but the last `keep` checkpoints and those of the named steps. */
export function pruneCheckpoints(folder: string, keep: number, keepSteps: readonly number[]): void {
  const found = listCheckpoints(folder);
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.partial'))) {
    rmSync(join(folder, name), { recursive: true, force: true });
  }
  for (const { path, step } of found.slice(0, Math.max(0, found.length - keep))) {
    if (!keepSteps.includes(step)) rmSync(path, { recursive: true, force: true });
  }
}

/** The folder of one step's checkpoint. */
export function checkpointPath(folder: string, step: number): string {
  return join(folder, nameOf(step));
}

function nameOf(step: number): string {
  return `step-${String(step).padStart(8, '0')}`;
}

function listCheckpoints(folder: string): { path: string; step: number }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => {
      const step = /^step-(\d{8,})$/.exec(name)?.[1];
      return step === undefined ? [] : [{ path: join(folder, name), step: Number(step) }];
    })
    .sort((a, b) => a.step - b.step);
}

/** Whether a folder holds a complete checkpoint of arrays with `elements` elements each. */
export function isWholeCheckpoint(path: string, arrayNames: readonly string[], elements: number): boolean {
  try {
    readState(path);
    return arrayNames.every((name) => statSync(join(path, `${name}.f32`)).size === elements * 4);
  } catch {
    return false;
  }
}

function readState(path: string): RunState {
  return JSON.parse(readFileSync(join(path, stateFile), 'utf8'));
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
      if (count === 0) throw new BertuneError(`${path} ends early; remove its folder and run with --resume`);
      done += count;
    }
  } finally {
    closeSync(file);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
