import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomBelow } from '../../src/core/random.ts';
import { Checkpoints } from '../../src/train/checkpoints/checkpoints.ts';
import { repetitions } from '../repetitions.ts';
import { temporaryFolder } from '../temporary.ts';
import { ended, Program } from './checkpointKills.ts';
import { acts, arraysOf, contentsOf, exported, newestVersions, perform, stateOf } from './checkpointValues.ts';
import { PointTask, trainPoints } from './points.ts';

const newFolder = () => join(temporaryFolder(), 'checkpoints');
const wholeName = /^step-\d{8}$/;

/** A process is started for each of many points to kill it at; most of the time goes to that. */
const killTimeout = repetitions(400_000, 1_800_000);

/** The state of the newest checkpoint, after a look at every number in it. */
async function readNewest(folder: string, elements?: number) {
  const newest = new Checkpoints(folder, contentsOf(elements)).newest();
  if (newest === undefined) return undefined;
  const { state, arrays, path } = newest;
  const version = Number(state.fingerprint.version);
  expect(state).toEqual(stateOf(state.step, version));
  for (const [part, expected] of Object.entries(arraysOf(version, elements))) {
    const found = new Float32Array(expected.length);
    await arrays.read({ part, name: 'w', shape: [expected.length] }, found);
    expect(Buffer.from(found.buffer).equals(Buffer.from(expected.buffer)), `${part} of ${path}`).toBe(true);
  }
  return { step: state.step, version };
}

describe('a process killed while it writes', () => {
  let writer: Program;
  beforeAll(async () => {
    writer = await Program.compile('train/checkpointWriter.ts');
  });

  test(
    'at any operation and within writes and removals, leaves the newest checkpoint whole',
    async () => {
      const life = await writer.life(newFolder());
      expect(life.starts).toHaveLength(acts.length);
      const points = await writer.killEverywhere(
        life,
        newFolder,
        async (folder, act, point) => {
          const lastOrNew = [newestVersions[act], newestVersions[act + 1]];
          expect(lastOrNew, `killed at ${JSON.stringify(point)}`).toContain((await readNewest(folder))?.version);
          await goOn(folder, act);
        },
        repetitions(4, 12),
      );
      expect(points).toBeGreaterThanOrEqual(200);
      report(`checkpoint writer: killed at ${points} points, survived all`);
    },
    killTimeout,
  );

  test(
    'at any moment, has lost no checkpoint that it finished, and nothing piles up',
    async () => {
      const folder = newFolder();
      const elements = 50_000;
      const kills = repetitions(25, 300);
      for (let i = 0; i < kills; i++) {
        const draw = (limit: number, j: number) => randomBelow(limit, 1, 'sample', i, j);
        const finished = await killAfter(writer, folder, elements, 1 + draw(4, 0), draw(12, 1));
        const newest = (await readNewest(folder, elements))?.step ?? 0;
        expect([finished, finished + 1]).toContain(newest);
        expect(readdirSync(folder).length).toBeLessThanOrEqual(4);
      }
      new Checkpoints(folder, contentsOf(elements)).prune(2, []);
      expect(readdirSync(folder)).toHaveLength(2);
      report(`checkpoint writer: killed at ${kills} random moments, survived all`);
    },
    killTimeout,
  );
});

/** The next process does what is left of the life, and nothing of the killed one stays. */
async function goOn(folder: string, act: number): Promise<void> {
  const checkpoints = new Checkpoints(folder, contentsOf());
  for (const left of acts.slice(act)) await perform(checkpoints, left);
  expect(readdirSync(folder)).toEqual(['step-00000003']);
  expect(await readNewest(folder)).toEqual({ step: 3, version: 4 });
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
  const folderOf = async (...steps: number[]) => {
    const folder = newFolder();
    for (const step of steps) await write(folder, step, step);
    return folder;
  };
  const write = (folder: string, step: number, version: number) =>
    of(folder).write(stateOf(step, version), exported(arraysOf(version)));
  const of = (folder: string) => new Checkpoints(folder, contentsOf());
  const names = (folder: string) => readdirSync(folder).sort();
  const file = (folder: string, step: number, name: string) => join(of(folder).pathOf(step), name);

  test.each<[string, (folder: string) => void]>([
    ['a missing array', (folder) => rmSync(file(folder, 3, 'variance.f32'))],
    ['an array cut short', (folder) => truncateSync(file(folder, 3, 'momentum.f32'), 159)],
    ['an array too long', (folder) => truncateSync(file(folder, 3, 'momentum.f32'), 161)],
    ['no state', (folder) => rmSync(file(folder, 3, 'state.json'))],
    ['a state cut short', (folder) => truncateSync(file(folder, 3, 'state.json'), 100)],
    ['an empty state', (folder) => truncateSync(file(folder, 3, 'state.json'), 0)],
    ['another kind of state', (folder) => writeFileSync(file(folder, 3, 'state.json'), 'null')],
    ['a file in its place', (folder) => replaceByFile(of(folder).pathOf(3))],
  ])('%s: the one before is the newest', async (_, damage) => {
    const folder = await folderOf(1, 2, 3);
    damage(folder);
    expect(await readNewest(folder)).toEqual({ step: 2, version: 2 });
    expect(of(folder).damaged()).toEqual([join(folder, 'step-00000003')]);
  });

  test('are not among those that are kept', async () => {
    const folder = await folderOf(1, 2, 3, 9);
    truncateSync(file(folder, 9, 'parameters.f32'), 8);
    of(folder).prune(1, []);
    expect(names(folder)).toEqual(['step-00000003']);
  });

  test('give way to a new one of their step', async () => {
    const folder = await folderOf(3);
    rmSync(file(folder, 3, 'state.json'));
    await write(folder, 3, 8);
    expect(await readNewest(folder)).toEqual({ step: 3, version: 8 });
    expect(names(folder)).toEqual(['step-00000003']);
  });

  test('what a killed process leaves is never read, and goes with the next write', async () => {
    const folder = await folderOf(2);
    for (const name of ['.step-00000007.partial', '.step-00000002.partial']) mkdirSync(join(folder, name));
    expect((await readNewest(folder))?.step).toBe(2);
    await write(folder, 4, 4);
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
    expect(of(newFolder()).newest()).toBeUndefined();
    expect(of(newFolder()).damaged()).toEqual([]);
  });
});

function replaceByFile(path: string): void {
  rmSync(path, { recursive: true });
  writeFileSync(path, '');
}
