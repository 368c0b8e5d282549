import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type Command, childEnvironment } from './environment.ts';

/** What a process that ran to its end took. */
export interface Run {
  readonly seconds: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Largest resident memory; 0 where the system does not tell (it is read from /proc). */
  readonly peakBytes: number;
}

/** Runs a command to its end. @throws when it fails */
export async function runToEnd(command: Command): Promise<Run> {
  return start(command).ended;
}

/** Starts a command; `stop` ends it early, without a complaint. */
export function start({ name, command, args, env }: Command): { ended: Promise<Run>; stop: () => void } {
  const started = performance.now();
  const process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...childEnvironment(), ...env } });
  const output = { stdout: '', stderr: '' };
  process.stdout.on('data', (data) => {
    output.stdout += data;
  });
  process.stderr.on('data', (data) => {
    output.stderr += data;
  });
  let peakBytes = 0;
  let stopped = false;
  const watch = setInterval(() => {
    peakBytes = Math.max(peakBytes, process.pid === undefined ? 0 : residentPeak(process.pid));
  }, 50);
  const ended = new Promise<Run>((resolve, reject) => {
    process.on('error', reject);
    process.on('close', (code) => {
      clearInterval(watch);
      if (code !== 0 && !stopped) reject(new Error(`${name} ended with ${code}: ${output.stderr.trim()}`));
      else resolve({ seconds: (performance.now() - started) / 1000, ...output, peakBytes });
    });
  });
  return {
    ended,
    stop: () => {
      stopped = true;
      process.kill('SIGKILL');
    },
  };
}

function residentPeak(pid: number): number {
  try {
    const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
