import { readSync, writeSync } from 'node:fs';
import type { Turn } from './worker.ts';

/** Our side of a worker: tells the result of a turn, or that the process is ready. */
export function tell(turn: Omit<Turn, 'peakBytes'>): void {
  writeSync(1, `${JSON.stringify({ ...turn, peakBytes: process.resourceUsage().maxRSS * 1024 })}\n`);
}

/** Holds the thread until the next turn is asked for; ends the process when there is none. */
export function waitForTurn(): void {
  const byte = new Uint8Array(1);
  while (byte[0] !== newline) if (readSync(0, byte) === 0) process.exit(0);
}

/** Does `work` once for every turn. */
export async function serveTurns(work: () => Promise<Omit<Turn, 'seconds' | 'peakBytes'>>): Promise<never> {
  tell({ seconds: 0 });
  for (;;) {
    waitForTurn();
    const started = performance.now();
    const result = await work();
    tell({ seconds: (performance.now() - started) / 1000, ...result });
  }
}

const newline = 10;
