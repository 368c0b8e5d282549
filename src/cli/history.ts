import { readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { makeFolders } from '../core/files.ts';

/** Lines that are kept. */
export const historySize = 1000;

/** Where typed lines are kept, by the XDG base directory specification. */
export function historyFile(env: Readonly<Record<string, string | undefined>>): string {
  return join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state'), 'bertune', 'history');
}

/** The lines of a history file, latest first, as readline takes them; none when it cannot be read. */
export function readHistory(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean).slice(-historySize).reverse();
  } catch {
    return [];
  }
}

/** Writes lines given latest first, for the user's eyes only. A history that cannot be written is no failure. */
export function writeHistory(path: string, latestFirst: readonly string[]): void {
  try {
    makeFolders(dirname(path), 0o700);
    const lines = latestFirst.slice(0, historySize).reverse();
    writeFileSync(path, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  } catch {
    // The prompt has worked; only the next one starts without these lines.
  }
}
