import { parseArgs } from 'node:util';
import { fail, ownScript, pythonScript, requirePython, saveResults, threads } from './environment.ts';
import { imageShapes } from './imageShapes.ts';
import { median, percent, printTable, rate, ratio, seconds } from './table.ts';
import { takeTurns, type Worker } from './worker.ts';

/**
 * Times one training step of each method on images beside the same network in PyTorch (float32), and what preparing the
 * step's views takes one core. Flags: --rounds N, --methods autoencoder,mae, --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    methods: { type: 'string', default: imageShapes.map(({ name }) => name).join() },
    'only-ours': { type: 'boolean', default: false },
  },
});

if (!flags['only-ours']) requirePython('torch');
const results = [];
const table = [['', 'ours', 'PyTorch', 'ours ÷ theirs', 'images/s', 'views, one core', 'of the step']];
for (const name of flags.methods.split(',')) {
  const shape = imageShapes.find((one) => one.name === name);
  if (!shape) fail(`--methods knows ${imageShapes.map((one) => one.name).join()}, not ${name}`);
  const argument = { ...shape, threads };
  const theirs = pythonScript('PyTorch', 'images_reference.py', argument);
  const commands = [ownScript('bertune', 'imagesWorker.js', argument), ...(flags['only-ours'] ? [] : [theirs])];
  const workers = await takeTurns(commands, { rounds: Number(flags.rounds), warmUp: 3 });
  const [ours, other] = workers;
  if (!ours) throw new Error('no worker');
  const views = median(ours.turns.map(({ coreSeconds = 0 }) => coreSeconds));
  const step = stepOf(ours);
  table.push([
    name,
    seconds(step),
    other ? seconds(stepOf(other)) : '-',
    other ? ratio(step, stepOf(other)) : '-',
    rate(shape.images / step),
    seconds(views),
    percent(views / step),
  ]);
  process.stderr.write(`${table.at(-1)?.join('  ')}\n`);
  results.push({ shape, sides: workers.map(({ name, turns, peakBytes }) => ({ name, peakBytes, turns })) });
}
printTable('whole step of learning from images', table);
saveResults('images', results);

/** Without what the views took, which in a run are made meanwhile. */
function stepOf({ turns }: Worker): number {
  return median(turns.map((turn) => turn.seconds - (turn.coreSeconds ?? 0)));
}
