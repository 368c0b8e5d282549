import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtCommand, runCommand } from '../cli/build.ts';
import { temporaryFolder } from '../temporary.ts';
import { ended } from '../train/checkpointKills.ts';
import { readJson } from './runs.ts';
import { messages, saveTinyModel } from './tiny.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const running: ChildProcess[] = [];

beforeAll(async () => {
  await saveTinyModel(at('tiny'));
  writeFileSync(at('corpus.txt'), messages(300).join('\n'));
});
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** A run that goes on until it is stopped, or one of a few steps. */
function words(output: string, steps: number, ...more: string[]): string[] {
  const data = ['--model', at('tiny'), '--corpus', at('corpus.txt'), '--no-cache', '--threads', '1'];
  const sizes = ['--max-length', '32', '--batch-tokens', '256', '--max-steps', String(steps), '--save-steps', '20'];
  return ['adapt', ...data, ...sizes, '--output', output, ...more];
}

/** Starts a run that will not end by itself and waits until it has begun. */
async function begun(output: string, ...more: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [await builtCommand(), ...words(output, 1_000_000, ...more)], {
    stdio: 'ignore',
  });
  running.push(child);
  const hasBegun = () => {
    const lock = join(output, '.lock');
    const isHeld = existsSync(lock) && readFileSync(lock, 'utf8').includes(`"pid": ${child.pid},`);
    return isHeld && existsSync(join(output, 'checkpoints')) && readdirSync(join(output, 'checkpoints')).length > 0;
  };
  await expect.poll(hasBegun, { timeout: 60_000 }).toBe(true);
  return child;
}

test('a folder that a running process writes is refused to all others, and free once it is killed', async () => {
  const output = at('run');
  const first = await begun(output);
  const { startedAt } = readJson(output, 'run.json');
  const held = `error: ${output} is written by another run: adapt, process ${first.pid} on ${hostname()}, since `;
  for (const more of [[], ['--overwrite'], ['--resume']]) {
    const { code, stdout, stderr } = await runCommand(words(output, 2, ...more));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(held);
    expect(stderr).toMatch(/UTC; wait for its end or stop it, or choose another folder\n$/);
  }
  const exported = await runCommand(['export', '--model', at('tiny'), '--output', output, '--overwrite']);
  expect(exported).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(held) });
  const card = await runCommand(['card', '--model', output]);
  expect(card).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(held) });
  // The first run never noticed.
  expect(first.exitCode).toBeNull();
  expect(readJson(output, 'run.json')).toMatchObject({ status: 'running', startedAt });

  first.kill('SIGKILL');
  expect(await ended(first)).toBe('SIGKILL');
  expect(existsSync(join(output, '.lock'))).toBe(true);
  const second = await begun(output, '--resume');
  second.kill('SIGINT');
  expect(await ended(second)).toBe('130');
  expect(existsSync(join(output, '.lock'))).toBe(false);
  const replaced = await runCommand(words(output, 2, '--overwrite'));
  expect(replaced.code, replaced.stderr).toBe(0);
  expect(readdirSync(output).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('a run that a second Ctrl-C ends at once lets go of its folder', async () => {
  const output = at('ended');
  const child = await begun(output);
  const end = ended(child);
  while (child.exitCode === null && child.kill('SIGINT')) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await end).toBe('130');
  expect(existsSync(join(output, '.lock'))).toBe(false);
});

test('a lock of a machine that gave no sign of life for long is no hindrance', async () => {
  const output = at('elsewhere');
  await runCommand(words(output, 2));
  const line = { format: 1, id: 'x', what: 'adapt', pid: 1, began: null, host: 'build-7', place: 'linux y' };
  const lock = JSON.stringify({ ...line, since: '2026-03-01T10:11:12.345Z' });
  writeFileSync(at('elsewhere/.lock'), lock);
  const refused = await runCommand(words(output, 2, '--overwrite'));
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('adapt, process 1 on build-7, since 2026-03-01 10:11:12 UTC, which gave its last');
  expect(readFileSync(join(output, '.lock'), 'utf8')).toBe(lock);
  const then = new Date(Date.now() - 121_000);
  utimesSync(at('elsewhere/.lock'), then, then);
  const taken = await runCommand(words(output, 2, '--overwrite'));
  expect(taken.code, taken.stderr).toBe(0);
});
