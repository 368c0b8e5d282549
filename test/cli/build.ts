import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const main = join(root, 'dist', 'cli', 'main.js');
const lock = join(root, 'node_modules', '.bertune-build-lock');
const staleAfterMs = 120_000;

/** The path of the built command line; builds it first when a source is newer. Safe to call from several processes. */
export async function builtCommand(): Promise<string> {
  while (!takeLock()) await sleep(100);
  try {
    if (modifiedAt(main) < newestSource()) {
      execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', root], { stdio: 'ignore' });
    }
  } catch (error) {
    // tsc exits with an error for a type error anywhere, but writes the files: the type check is a test of its own.
    if (modifiedAt(main) === 0) throw error;
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
  return main;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command line as a process of its own. */
export async function runCommand(
  words: readonly string[],
  options: { input?: string; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Finished> {
  const command = await builtCommand();
  const child = spawn(process.execPath, [command, ...words], { cwd: options.cwd, env: options.env ?? process.env });
  const stdout = collected(child.stdout);
  const stderr = collected(child.stderr);
  const code = new Promise<number | null>((resolve) => child.on('close', resolve));
  child.stdin.end(options.input ?? '');
  return { code: await code, stdout: await stdout, stderr: await stderr };
}

async function collected(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

function takeLock(): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    if (Date.now() - modifiedAt(lock) > staleAfterMs) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

function newestSource(): number {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  return Math.max(...files.map((file) => modifiedAt(join(root, 'src', file))));
}

function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
