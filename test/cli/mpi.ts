import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { mpich, openMpi } from '../programs.ts';
import { builtCommand, type Finished } from './build.ts';

/** How processes are started, by the name of what is needed for it. */
export const launchers = {
  'Open MPI': {
    command: openMpi ?? '',
    flags: ['--oversubscribe'],
    env: { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' },
  },
  MPICH: { command: mpich ?? '', flags: [], env: {} },
} as const;

export type LauncherName = keyof typeof launchers;

/** A command line that several processes were started with. */
export class Launched {
  readonly finished: Promise<Finished>;
  readonly #mark: string;
  readonly #launcher: ChildProcess;
  #hasEnded = false;

  /**
   * @param commands words after `bertune`, for each process in turn where there are several
   * @param mark a word of them that no other process's command line has
   * @param folders where each of them is started
   */
  constructor(
    name: LauncherName,
    main: string,
    commands: readonly (readonly string[])[],
    mark: string,
    folders: readonly string[] = [],
  ) {
    this.#mark = mark;
    const { command, flags, env } = launchers[name];
    const parts = commands.flatMap((words, i) => {
      const place = folders[i] === undefined ? [] : ['-wdir', folders[i]];
      return [...(i > 0 ? [':'] : []), '-n', '1', ...place, process.execPath, main, ...words];
    });
    const child = spawn(command, [...flags, ...parts], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#launcher = child;
    const texts = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      texts.stdout += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      texts.stderr += String(chunk);
    });
    this.finished = new Promise((resolve) => {
      child.on('close', (code) => {
        this.#hasEnded = true;
        resolve({ code, ...texts });
      });
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Sends a signal to what started them. */
  signal(signal: NodeJS.Signals): void {
    this.#launcher.kill(signal);
  }

  /** Sends a signal to one of the processes, unless it has ended. */
  kill(rank: number, signal: NodeJS.Signals): void {
    const pid = readdirSync('/proc').find((pid) => /^\d+$/.test(pid) && this.#isOf(pid, rank));
    if (pid !== undefined) process.kill(Number(pid), signal);
  }

  #isOf(pid: string, rank: number): boolean {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      const env = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      const isRank = env.includes(`OMPI_COMM_WORLD_RANK=${rank}`) || env.includes(`PMI_RANK=${rank}`);
      return words[0] === process.execPath && words.includes(this.#mark) && isRank;
    } catch {
      return false; // gone by now
    }
  }
}

/** Starts so many processes of one command line. */
export async function launch(
  name: LauncherName,
  size: number,
  words: readonly string[],
  mark = words.at(-1) ?? '',
): Promise<Launched> {
  const main = await builtCommand();
  return new Launched(name, main, new Array(size).fill(words), mark);
}

/** Starts a process for each command line. */
export async function launchEach(
  name: LauncherName,
  commands: readonly (readonly string[])[],
  folders?: readonly string[],
): Promise<Finished> {
  return new Launched(name, await builtCommand(), commands, '', folders).finished;
}

/** Runs so many processes of one command line to their end. */
export async function runLaunched(name: LauncherName, size: number, words: readonly string[]): Promise<Finished> {
  return (await launch(name, size, words)).finished;
}

/** Waits until something is reached, or the processes have ended. */
export async function until(launched: Launched, reached: () => boolean): Promise<void> {
  while (!launched.hasEnded && !reached()) await sleep(5);
}
