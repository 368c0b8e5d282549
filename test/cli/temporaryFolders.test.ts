import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { messages, saveTinyClassifier } from '../jobs/tiny.ts';
import { needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';
import { builtCommand, runCommand } from './build.ts';

const folder = temporaryFolder();
const input = join(folder, 'latin1.txt');
const words = ['predict', '--model', join(folder, 'classifier'), '--input', input];
let command = '';

beforeAll(async () => {
  command = await builtCommand();
  await saveTinyClassifier(join(folder, 'classifier'), ['asks', 'wants']);
  // What is no UTF-8 is repaired into a temporary copy.
  writeFileSync(input, Buffer.from(`${messages(20_000).join('\n')}\ncaf\xe9\n`, 'latin1'));
});

/** A place for temporary files and the environment that names it. */
function place(name: string): { path: string; env: NodeJS.ProcessEnv } {
  const path = join(folder, name);
  mkdirSync(path);
  return { path, env: { ...process.env, TMPDIR: path, TMP: path, TEMP: path } };
}

/** Without what libraries keep there, such as ONNX Runtime's session id. */
const ownFolders = (path: string) => readdirSync(path).filter((name) => name.startsWith('bertune-'));

const ended = (child: ChildProcessWithoutNullStreams) =>
  new Promise<number | null>((resolve) => child.on('close', resolve));

describe('nothing is left of the temporary files', () => {
  test('when the reader has seen enough', async () => {
    const { path, env } = place('head');
    const child = spawn(process.execPath, [command, ...words], { env });
    child.stdout.once('data', () => {
      expect(ownFolders(path)).toHaveLength(1);
      child.stdout.destroy();
    });
    expect(await ended(child)).toBe(0);
    expect(ownFolders(path)).toEqual([]);
  });

  needing('a full disk').test('when standard output is full', async () => {
    const { path, env } = place('full');
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [command, ...words], { env, stdio: ['ignore', full, 'pipe'] });
    const code = await new Promise((resolve) => child.on('close', resolve));
    closeSync(full);
    expect(code).toBe(1);
    expect(ownFolders(path)).toEqual([]);
  });

  test('after Ctrl-C, pressed twice', async () => {
    const { path, env } = place('interrupted');
    const child = spawn(process.execPath, [command, ...words], { env });
    child.stdout.once('data', () => child.kill('SIGINT'));
    child.stdout.resume();
    child.stderr.on('data', (text) => {
      if (String(text).includes('press Ctrl-C again')) child.kill('SIGINT');
    });
    expect(await ended(child)).toBe(130);
    expect(ownFolders(path)).toEqual([]);
  });
});

test('a place for temporary files that is not there is told in one line', async () => {
  const env = { ...process.env, TMPDIR: join(folder, 'none'), TEMP: join(folder, 'none'), TMP: join(folder, 'none') };
  const { code, stderr } = await runCommand(words, { env });
  expect(stderr).toContain(`error: no place for temporary files: ${join(folder, 'none')} cannot be written`);
  expect(stderr).not.toContain('--debug');
  expect(code).toBe(2);
});
