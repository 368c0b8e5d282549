import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { randomBelow } from '../../src/core/random.ts';
import { builtCommand, runCommand } from '../cli/build.ts';
import { temporaryFolder } from '../temporary.ts';
import { ended } from '../train/checkpointKills.ts';
import { expectSameRun } from './killedRuns.ts';

const left = temporaryFolder();

/**
 * Runs a training command once to its end and once killed at random moments, resumed after each, and checks that both
 * end the same.
 *
 * @param words the command line that writes to an output
 * @param place a path that the names of both outputs begin with
 * @returns how often it was killed
 */
export async function expectKillsChangeNothing(
  words: (output: string) => readonly string[],
  place: string,
  { mostKills, stepsBetween }: { readonly mostKills: number; readonly stepsBetween: number },
): Promise<number> {
  const [whole, output] = [`${place}-whole`, `${place}-killed`];
  const first = await runCommand(words(whole));
  expect(first.code, first.stderr).toBe(0);

  const draw = (limit: number, i: number) => randomBelow(limit, words('').join().length, 'sample', i);
  let kills = 0;
  const kill = async (flags: readonly string[], reached: () => boolean, milliseconds: number) => {
    const alive = kills < mostKills && (await killed([...words(output), ...flags], reached, milliseconds));
    if (alive) kills++;
    return alive;
  };
  await kill([], () => true, draw(1000, 0)); // reads its data, or has not started yet
  for (let i = 1, going = true; going; i++) {
    const step = lastStep(output) + 1 + draw(stepsBetween, 2 * i);
    going = await kill(['--resume'], () => lastStep(output) >= step, draw(15, 2 * i + 1));
  }
  const last = await runCommand([...words(output), '--resume']);
  expect(last.code, last.stderr).toBe(0);
  expect(last.stderr).toMatch(kills < mostKills ? 'is finished' : /resumed after step [1-9]/);
  expect(last.stderr).not.toContain('damaged');
  expectSameRun(output, whole);
  return kills;
}

/** Starts a command and kills it some milliseconds after it has come to a point; false when it finished before that. */
async function killed(words: readonly string[], reached: () => boolean, milliseconds: number): Promise<boolean> {
  // What a killed process leaves of its temporary files goes with the test's.
  const env = { ...process.env, TMPDIR: left };
  const child = spawn(process.execPath, [await builtCommand(), ...words], { stdio: 'ignore', env });
  const end = ended(child);
  while (child.exitCode === null && !reached()) await sleep(1);
  await sleep(milliseconds);
  child.kill('SIGKILL');
  expect(['SIGKILL', '0'], words.join(' ')).toContain(await end);
  return (await end) === 'SIGKILL';
}

/** The last step in a run's metrics; what is there before a run goes on may be ahead of its checkpoint. */
function lastStep(output: string): number {
  const path = join(output, 'metrics.jsonl');
  if (!existsSync(path)) return 0;
  const [, step] = [...readFileSync(path, 'utf8').matchAll(/^\{"step":(\d+)/gm)].at(-1) ?? [];
  return Number(step ?? 0);
}
