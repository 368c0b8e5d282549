import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomBelow } from '../../src/core/random.ts';
import { builtCommand, runCommand } from '../cli/build.ts';
import { TestFolder } from '../data/files.ts';
import { ended } from '../train/checkpointKills.ts';
import { expectSameRun } from './killedRuns.ts';
import { labeledCsv, labeledMessages, messages, saveTinyModel } from './tiny.ts';

const folder = new TestFolder();
const at = (name: string) => join(folder.path, name);
const mostKills = 6;

beforeAll(async () => {
  await folder.create();
  await builtCommand();
  await saveTinyModel(at('tiny'));
  await folder.write('corpus.txt', messages(300).join('\n'));
  await folder.write('labeled.csv', labeledCsv(labeledMessages(150)));
});
afterAll(() => folder.remove());

const common = '--learning-rate 1e-3 --seed 5 --accumulation-steps 2 --keep-checkpoints 99';
const commands = {
  adapt: `adapt --model @tiny --corpus @corpus.txt --max-length 32 --batch-tokens 256 --epochs 10 --threads 2 ${common}`,
  finetune: `finetune --model @tiny --train @labeled.csv --batch-size 8 --epochs 10 --threads 1 ${common}`,
};
const training = {
  adapt: '--eval-steps 17 --save-steps 2 --patience 50',
  finetune: '--eval-steps 20 --save-steps 3 --patience 50',
};

test.each(['adapt', 'finetune'] as const)(
  '%s killed at random moments and resumed ends as if never stopped',
  async (name) => {
    const words = (output: string) =>
      `${commands[name]} ${training[name]} --output ${at(output)}`.replaceAll('@', `${folder.path}/`).split(' ');
    const whole = await runCommand(words(`${name}-whole`));
    expect(whole.code, whole.stderr).toBe(0);

    const output = `${name}-killed`;
    const draw = (limit: number, i: number) => randomBelow(limit, name.length, 'sample', i);
    let kills = 0;
    const kill = async (flags: readonly string[], reached: () => boolean, milliseconds: number) => {
      const alive = kills < mostKills && (await killed([...words(output), ...flags], reached, milliseconds));
      if (alive) kills++;
      return alive;
    };
    await kill([], () => true, draw(1000, 0)); // reads its data, or has not started yet
    for (let i = 1, going = true; going; i++) {
      const step = lastStep(at(output)) + 1 + draw(12, 2 * i);
      going = await kill(['--resume'], () => lastStep(at(output)) >= step, draw(15, 2 * i + 1));
    }
    expect(kills).toBeGreaterThanOrEqual(3);
    const last = await runCommand([...words(output), '--resume']);
    expect(last.code, last.stderr).toBe(0);
    expect(last.stderr).toMatch(kills < mostKills ? 'is finished' : /resumed after step [1-9]/);
    expect(last.stderr).not.toContain('damaged');
    expectSameRun(at(output), at(`${name}-whole`));
    if (process.env.BERTUNE_REPORT) process.stdout.write(`${name}: killed ${kills} times, ended as if never stopped\n`);
  },
);

/** Starts a command and kills it some milliseconds after it has come to a point; false when it finished before that. */
async function killed(words: readonly string[], reached: () => boolean, milliseconds: number): Promise<boolean> {
  const child = spawn(process.execPath, [await builtCommand(), ...words], { stdio: 'ignore' });
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
