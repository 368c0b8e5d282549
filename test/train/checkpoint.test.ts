import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomBelow } from '../../src/core/random.ts';
import * as checkpoint from '../../src/train/checkpoint.ts';
import { repetitions } from '../repetitions.ts';
import { temporaryFolder } from '../temporary.ts';
import { ended, Program } from './checkpointKills.ts';
import { acts, arraysOf, newestVersions, perform, stateOf } from './checkpointValues.ts';
import { PointTask, trainPoints } from './points.ts';

const { latestCheckpoint, readCheckpoint, writeCheckpoint, pruneCheckpoints, damagedCheckpoints } = checkpoint;
const newFolder = () => join(temporaryFolder(), 'checkpoints');
const wholeName = /^step-\d{8}$/;

/** The state of the newest checkpoint, after a look at every number in it. */
function readNewest(folder: string, elements?: number) {
  const arrays = arraysOf(0, elements);
  const path = latestCheckpoint(folder, arrays);
  if (path === undefined) return undefined;
  const state = readCheckpoint(path, arrays);
  const version = Number(state.fingerprint.version);
  expect(state).toEqual(stateOf(state.step, version));
  const bytes = (array?: Float32Array) => Buffer.from(array?.buffer ?? new ArrayBuffer());
  for (const [name, array] of Object.entries(arraysOf(version, elements))) {
    expect(bytes(arrays[name]).equals(bytes(array)), `${name} of ${path}`).toBe(true);
  }
  return { step: state.step, version };
}

describe('a process killed while it writes', () => {
  let writer: Program;
  beforeAll(async () => {
    writer = await Program.compile('train/checkpointWriter.ts');
  });

  test('at any operation and within writes and removals, leaves the newest checkpoint whole', async () => {
    const life = await writer.life(newFolder());
    expect(life.starts).toHaveLength(acts.length);
    const points = await writer.killEverywhere(
      life,
      newFolder,
      (folder, act, point) => {
        const lastOrNew = [newestVersions[act], newestVersions[act + 1]];
        expect(lastOrNew, `killed at ${JSON.stringify(point)}`).toContain(readNewest(folder)?.version);
        goOn(folder, act);
      },
      repetitions(4, 12),
    );
    expect(points).toBeGreaterThanOrEqual(200);
    report(`checkpoint writer: killed at ${points} points, survived all`);
  });

  test('at any moment, has lost no checkpoint that it finished, and nothing piles up', async () => {
    const folder = newFolder();
    const elements = 50_000;
    const kills = repetitions(25, 300);
    for (let i = 0; i < kills; i++) {
      const draw = (limit: number, j: number) => randomBelow(limit, 1, 'sample', i, j);
      const finished = await killAfter(writer, folder, elements, 1 + draw(4, 0), draw(12, 1));
      const newest = readNewest(folder, elements)?.step ?? 0;
      expect([finished, finished + 1]).toContain(newest);
      expect(readdirSync(folder).length).toBeLessThanOrEqual(4);
    }
    pruneCheckpoints(folder, 2, [], arraysOf(0, elements));
    expect(readdirSync(folder)).toHaveLength(2);
    report(`checkpoint writer: killed at ${kills} random moments, survived all`);
  });
});

/** The next process does what is left of the life, and nothing of the killed one stays. */
function goOn(folder: string, act: number): void {
  for (const left of acts.slice(act)) perform(checkpoint, folder, left);
  expect(readdirSync(folder)).toEqual(['step-00000003']);
  expect(readNewest(folder)).toEqual({ step: 3, version: 4 });
}

/** Lets the writer finish so many checkpoints, and then some milliseconds; returns the last step it finished. */
async function killAfter(writer: Program, folder: string, elements: number, checkpoints: number, milliseconds: number) {
  process.env.BERTUNE_FOREVER = String(elements);
  const child = writer.start(folder);
  delete process.env.BERTUNE_FOREVER;
  let said = '';
  child.stdout?.on('data', (text) => {
    said += text;
    if (said.split('\n').length > checkpoints) setTimeout(() => child.kill('SIGKILL'), milliseconds);
  });
  expect(await ended(child)).toBe('SIGKILL');
  return Number(said.trimEnd().split('\n').at(-1));
}

function report(line: string): void {
  if (process.env.BERTUNE_REPORT) process.stdout.write(`${line}\n`);
}

describe('damaged checkpoints', () => {
  const folderOf = (...steps: number[]) => {
    const folder = newFolder();
    for (const step of steps) writeCheckpoint(folder, stateOf(step, step), arraysOf(step));
    return folder;
  };
  const names = (folder: string) => readdirSync(folder).sort();
  const file = (folder: string, step: number, name: string) => join(checkpoint.checkpointPath(folder, step), name);

  test.each<[string, (folder: string) => void]>([
    ['a missing array', (folder) => rmSync(file(folder, 3, 'variance.f32'))],
    ['an array cut short', (folder) => truncateSync(file(folder, 3, 'momentum.f32'), 159)],
    ['an array too long', (folder) => truncateSync(file(folder, 3, 'momentum.f32'), 161)],
    ['no state', (folder) => rmSync(file(folder, 3, 'state.json'))],
    ['a state cut short', (folder) => truncateSync(file(folder, 3, 'state.json'), 100)],
    ['an empty state', (folder) => truncateSync(file(folder, 3, 'state.json'), 0)],
    ['another kind of state', (folder) => writeFileSync(file(folder, 3, 'state.json'), 'null')],
    ['a file in its place', (folder) => replaceByFile(checkpoint.checkpointPath(folder, 3))],
  ])('%s: the one before is the newest', (_, damage) => {
    const folder = folderOf(1, 2, 3);
    damage(folder);
    expect(readNewest(folder)).toEqual({ step: 2, version: 2 });
    expect(damagedCheckpoints(folder, arraysOf(0))).toEqual([join(folder, 'step-00000003')]);
  });

  test('are not among those that are kept', () => {
    const folder = folderOf(1, 2, 3, 9);
    truncateSync(file(folder, 9, 'parameters.f32'), 8);
    pruneCheckpoints(folder, 1, [], arraysOf(0));
    expect(names(folder)).toEqual(['step-00000003']);
  });

  test('give way to a new one of their step', () => {
    const folder = folderOf(3);
    rmSync(file(folder, 3, 'state.json'));
    writeCheckpoint(folder, stateOf(3, 8), arraysOf(8));
    expect(readNewest(folder)).toEqual({ step: 3, version: 8 });
    expect(names(folder)).toEqual(['step-00000003']);
  });

  test('what a killed process leaves is never read, and goes with the next write', () => {
    const folder = folderOf(2);
    for (const name of ['.step-00000007.partial', '.step-00000002.partial']) mkdirSync(join(folder, name));
    expect(readNewest(folder)?.step).toBe(2);
    writeCheckpoint(folder, stateOf(4, 4), arraysOf(4));
    expect(names(folder)).toEqual(['step-00000002', 'step-00000004']);
    expect(names(folder).every((name) => wholeName.test(name))).toBe(true);
  });

  test('a resumed run that saves nothing more removes what a killed one left, too', async () => {
    const checkpoints = newFolder();
    await trainPoints(new PointTask(), { checkpoints, saveSteps: 5 });
    mkdirSync(join(checkpoints, '.step-00000008.partial'));
    await trainPoints(new PointTask(), { checkpoints, resume: true });
    expect(names(checkpoints)).toEqual(['step-00000005']);
  });

  test('a folder without any has no newest', () => {
    expect(latestCheckpoint(newFolder(), arraysOf(0))).toBeUndefined();
    expect(damagedCheckpoints(newFolder(), arraysOf(0))).toEqual([]);
  });
});

function replaceByFile(path: string): void {
  rmSync(path, { recursive: true });
  writeFileSync(path, '');
}
