import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type StepShape, stepShapes } from './shapes.ts';
import { type Side, Worker } from './worker.ts';

/**
 * Times one training step beside PyTorch's: both processes live at once and take turns, so that both meet the same
 * machine. Prints medians and peak memory and keeps the times in test/bench/results/step.json.
 * Flags: --rounds N, --shapes base,small, --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    shapes: { type: 'string', default: 'base,small' },
    'only-ours': { type: 'boolean', default: false },
  },
});
/** Steps before the first that counts: they compile, allocate and fill caches. */
const warmUpSteps = 3;
/** Idle threads of the side that has just run stop spinning within this. */
const pauseMilliseconds = 250;

const here = resolve('test/bench');
const python = process.env.BERTUNE_PYTHON ?? 'python3';

const results = [];
if (!flags['only-ours']) requireTorch();
for (const shape of stepShapes.filter(({ name }) => flags.shapes.split(',').includes(name))) {
  results.push({ shape, load: loadavg()[0], ...(await measure(shape)) });
}
mkdirSync(join(here, 'results'), { recursive: true });
writeFileSync(join(here, 'results', 'step.json'), `${JSON.stringify(results, null, 1)}\n`);

async function measure(shape: StepShape): Promise<{ sides: Side[] }> {
  const commands: [string, string, string[]][] = [
    ['bertune', process.execPath, [join(import.meta.dirname, 'stepWorker.js')]],
    ['PyTorch', python, [join(here, 'step_reference.py')]],
  ];
  const workers = commands
    .slice(0, flags['only-ours'] ? 1 : 2)
    .map(([name, command, args]) => new Worker(name, command, [...args, JSON.stringify(shape)]));
  for (const worker of workers) await worker.answer();
  for (let round = -warmUpSteps; round < Number(flags.rounds); round++) {
    for (const worker of workers) {
      await worker.step(round >= 0);
      await setTimeout(pauseMilliseconds);
    }
  }
  for (const worker of workers) worker.close();
  const sides = workers.map(({ side }) => side);
  print(shape, sides);
  return { sides };
}

function requireTorch(): void {
  const { status } = spawnSync(python, ['-c', 'import torch, transformers']);
  if (status === 0) return;
  process.stderr.write(
    `${python} has no torch and transformers; name a Python that has with BERTUNE_PYTHON, or pass --only-ours\n`,
  );
  process.exit(2);
}

function print({ name, layers, hiddenSize, rows, width, threads }: StepShape, sides: readonly Side[]): void {
  const [ours, theirs] = sides;
  const lines = [
    `${name}: ${layers} x ${hiddenSize}, ${rows} x ${width} tokens, ${threads} threads`,
    '          median step   fastest   peak memory   last loss',
    ...sides.map(({ name, seconds, peakBytes, losses }) =>
      [
        name.padEnd(9),
        `${median(seconds).toFixed(3)} s`.padStart(12),
        `${Math.min(...seconds).toFixed(3)} s`.padStart(10),
        `${(peakBytes / 1e9).toFixed(2)} GB`.padStart(13),
        (losses.at(-1) ?? Number.NaN).toFixed(3).padStart(11),
      ].join(' '),
    ),
  ];
  if (ours && theirs) {
    const time = median(ours.seconds) / median(theirs.seconds);
    lines.push(
      `ratio     ${time.toFixed(2)} of the time, ${(ours.peakBytes / theirs.peakBytes).toFixed(2)} of the memory`,
    );
  }
  process.stdout.write(`${lines.join('\n')}\n\n`);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
