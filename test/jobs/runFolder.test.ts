import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { RunFolder } from '../../src/jobs/runFolder.ts';
import { temporaryFolder } from '../temporary.ts';
import { readJson } from './runs.ts';

test('of two runs that claim a folder before either begins, one is refused and changes nothing', async () => {
  const output = join(temporaryFolder(), 'run');
  const claim = () => RunFolder.claim(output, { command: 'adapt', inputs: [] });
  const [first, second] = [claim(), claim()];
  await first.begin({ seed: 1 });
  await expect(second.begin({ seed: 2 })).rejects.toThrow(
    new UsageError(
      `${output} holds another run; continue it with resume, replace it with overwrite, or choose another output`,
    ),
  );
  second.release();
  expect(readJson(output, 'run.json')).toMatchObject({ status: 'running', configuration: { seed: 1 } });
});

test('a run that replaces another leaves what is no checkpoint among the checkpoints', async () => {
  const output = join(temporaryFolder(), 'run');
  const claim = (overwrite: boolean) => RunFolder.claim(output, { command: 'adapt', inputs: [], overwrite });
  await claim(false).begin({ seed: 1 });
  const checkpoints = join(output, 'checkpoints');
  mkdirSync(join(checkpoints, 'step-00000004'), { recursive: true });
  mkdirSync(join(checkpoints, '.step-00000002.partial'));
  mkdirSync(join(checkpoints, 'mine'));
  writeFileSync(join(checkpoints, 'mine', 'weights.bin'), 'precious');
  await claim(true).begin({ seed: 2 });
  expect(readdirSync(checkpoints)).toEqual(['mine']);
  expect(readdirSync(join(checkpoints, 'mine'))).toEqual(['weights.bin']);
  expect(readJson(output, 'run.json')).toMatchObject({ configuration: { seed: 2 } });
});
