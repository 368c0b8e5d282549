import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RunFolder } from '../../src/jobs/runFolder.ts';
import { temporaryFolder } from '../temporary.ts';
import { readJson } from './runs.ts';

test('of two runs that claim a folder, the second is refused and changes nothing', async () => {
  const output = join(temporaryFolder(), 'run');
  const claim = () => RunFolder.claim(output, { command: 'adapt', inputs: [], overwrite: true });
  const first = claim();
  expect(claim).toThrow(`${output} is written by another run: adapt, this process (${process.pid}) on ${hostname()}`);
  await first.begin({ seed: 1 });
  expect(claim).toThrow(
    /, since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC; wait for its end or stop it, or choose another folder$/,
  );
  first.release();
  expect(readJson(output, 'run.json')).toMatchObject({ status: 'running', configuration: { seed: 1 } });
  expect(readdirSync(output)).toEqual(['run.json']);
});

test('a run whose folder went or was taken over writes nothing more there', async () => {
  const output = join(temporaryFolder(), 'run');
  const run = RunFolder.claim(output, { command: 'adapt', inputs: [] });
  await run.begin({});
  rmSync(output, { recursive: true });
  const gone = `${output} was removed or taken by another run while this one wrote to it`;
  expect(() => run.check()).toThrow(gone);
  const other = RunFolder.claim(output, { command: 'finetune', inputs: [] });
  await other.begin({});
  await expect(run.finish({})).rejects.toThrow(gone);
  run.release();
  expect(() => other.check()).not.toThrow();
  expect(readJson(output, 'run.json')).toMatchObject({ command: 'finetune', status: 'running' });
  other.release();
});

test('a claim that never begins leaves no folder behind', () => {
  const top = temporaryFolder();
  const run = RunFolder.claim(join(top, 'a', 'b'), { command: 'adapt', inputs: [] });
  run.work();
  run.release();
  expect(readdirSync(top)).toEqual([]);
});

test('a run that replaces another leaves what is no checkpoint among the checkpoints', async () => {
  const output = join(temporaryFolder(), 'run');
  const claim = (overwrite: boolean) => RunFolder.claim(output, { command: 'adapt', inputs: [], overwrite });
  const first = claim(false);
  await first.begin({ seed: 1 });
  first.release();
  const checkpoints = join(output, 'checkpoints');
  mkdirSync(join(checkpoints, 'step-00000004'), { recursive: true });
  mkdirSync(join(checkpoints, '.step-00000002.partial'));
  mkdirSync(join(checkpoints, 'mine'));
  writeFileSync(join(checkpoints, 'mine', 'weights.bin'), 'precious');
  const second = claim(true);
  await second.begin({ seed: 2 });
  second.release();
  expect(readdirSync(checkpoints)).toEqual(['mine']);
  expect(readdirSync(join(checkpoints, 'mine'))).toEqual(['weights.bin']);
  expect(readJson(output, 'run.json')).toMatchObject({ configuration: { seed: 2 } });
});
