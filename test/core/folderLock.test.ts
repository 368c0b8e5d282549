import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NewerFormatError } from '../../src/core/document.ts';
import { UsageError } from '../../src/core/errors.ts';
import { FolderLock, refuseHeld } from '../../src/core/folderLock.ts';
import { needing } from '../needs.ts';
import { temporaryFolder } from '../temporary.ts';
import { Program } from '../train/checkpointKills.ts';

/** A folder with a lock as another process would have left it, changed that many seconds ago. */
function left(changes: object, seconds = 0): string {
  const folder = temporaryFolder();
  const lock = FolderLock.take(folder, 'adapt');
  const path = join(folder, '.lock');
  const holder = JSON.parse(readFileSync(path, 'utf8'));
  lock.release();
  writeFileSync(path, JSON.stringify({ ...holder, ...changes }));
  const then = new Date(Date.now() - 1000 * seconds);
  utimesSync(path, then, then);
  return folder;
}

function expectTaken(folder: string): void {
  expect(() => refuseHeld(folder)).not.toThrow();
  const lock = FolderLock.take(folder, 'finetune');
  expect(() => lock.check()).not.toThrow();
  expect(() => FolderLock.take(folder, 'finetune')).toThrow('is written by another run: finetune');
  lock.release();
  expect(readdirSync(folder)).toEqual([]);
}

const since = '2026-03-01T10:11:12.345Z';

test('who holds a folder is named', () => {
  const folder = left({ what: 'adapt', since });
  const message = `${folder} is written by another run: adapt, this process (${process.pid}) on ${hostname()}, since 2026-03-01 10:11:12 UTC; wait for its end or stop it, or choose another folder`;
  expect(() => FolderLock.take(folder, 'adapt')).toThrow(new UsageError(message));
  expect(readdirSync(folder)).toEqual(['.lock']);
});

test('a process that is gone holds nothing, nor one that another process has the id of', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  expectTaken(left({ pid: child.pid }));
  expectTaken(left({ began: '1' }));
});

needing('proc').test('nor one whose end nobody took notice of', async () => {
  // The shell's child ends, and the shell, which became `sleep`, never asks for it.
  const shell = spawn('sh', ['-c', 'sh -c "echo \\$\\$" & exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [said] = await once(shell.stdout, 'data');
  const pid = Number(String(said));
  const stat = () => readFileSync(`/proc/${pid}/stat`, 'latin1');
  await expect.poll(stat).toContain(') Z ');
  const began = stat()
    .replace(/^.*\) /s, '')
    .split(' ')[19];
  expectTaken(left({ pid, began }));
  shell.kill();
});

test('a process of another machine holds a folder as long as it gives signs of life', () => {
  const elsewhere = { host: 'build-7', pid: 4242, since };
  const folder = left(elsewhere, 30);
  expect(() => refuseHeld(folder)).toThrow(
    /written by another run: adapt, process 4242 on build-7, since 2026-03-01 10:11:12 UTC, which gave its last sign of life (29|3\d) s ago and counts as gone after 120 s; wait/,
  );
  expectTaken(left(elsewhere, 121));
  // A machine of the same name, another start of it, or a container of it.
  const other = left({ place: 'linux other', pid: 1 }, 30);
  expect(() => refuseHeld(other)).toThrow('process 1 on');
  expectTaken(left({ place: 'linux other', pid: 1 }, 121));
});

test('what a crash leaves half-written goes after a while, and so does what was left of taking over', () => {
  const folder = left({ began: '1' });
  const path = join(folder, '.lock');
  writeFileSync(path, '{"form');
  expect(() => FolderLock.take(folder, 'adapt')).toThrow(`${folder} is being taken by another run; try again`);
  const then = new Date(Date.now() - 60_000);
  utimesSync(path, then, then);
  expectTaken(folder);

  const guarded = left({ began: '1' });
  const digest = createHash('sha256')
    .update(readFileSync(join(guarded, '.lock')))
    .digest('hex');
  const guard = join(guarded, `.lock.${digest.slice(0, 16)}`);
  writeFileSync(guard, '');
  expect(() => FolderLock.take(guarded, 'adapt')).toThrow('is being taken by another run');
  utimesSync(guard, then, then);
  expectTaken(guarded);
});

test('a lock of a newer version is left alone', () => {
  const folder = left({ format: 2, holders: [] });
  expect(() => FolderLock.take(folder, 'adapt')).toThrow(NewerFormatError);
  expect(readdirSync(folder)).toEqual(['.lock']);
});

test('of many processes that find a folder left, one takes it, and its end gives it free', async () => {
  const program = await Program.compile('core/lockTaker.ts');
  const folder = left({ began: '1' });
  const children = Array.from({ length: 8 }, () => program.start(folder));
  const answers = await Promise.all(children.map(firstLine));
  expect(answers.filter((answer) => answer === 'taken')).toHaveLength(1);
  expect(answers.filter((answer) => answer.startsWith('refused'))).toHaveLength(7);
  const holder = children[answers.indexOf('taken')];
  expect(() => refuseHeld(folder)).toThrow(`process ${holder?.pid} on`);
  holder?.kill('SIGKILL');
  await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
  expect(existsSync(join(folder, '.lock'))).toBe(true);
  expectTaken(folder);
});

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  let said = '';
  for await (const chunk of stdout ?? []) {
    said += String(chunk);
    if (said.includes('\n')) break;
  }
  return said.split('\n')[0] ?? '';
}
