import { parseArgs } from 'node:util';
import { fail, ownScript, pythonScript, requirePython, saveResults } from './environment.ts';
import { type StepShape, stepShapes } from './shapes.ts';
import { gigabytes, median, printTable, rate, ratio, seconds } from './table.ts';
import { takeTurns, type Worker } from './worker.ts';

/**
 * Times one training step beside PyTorch's, in float32 and with bfloat16 autocast: all processes live at once and take
 * turns. Flags: --rounds N, --shapes base,small, --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    shapes: { type: 'string', default: Object.keys(stepShapes).join() },
    'only-ours': { type: 'boolean', default: false },
  },
});

if (!flags['only-ours']) requirePython('torch', 'transformers');
const results = [];
for (const name of flags.shapes.split(',')) {
  if (name !== 'base' && name !== 'small') fail(`--shapes knows ${Object.keys(stepShapes).join()}, not ${name}`);
  const shape = stepShapes[name];
  const theirs = ['float32', 'bfloat16'].map((precision) =>
    pythonScript(`PyTorch ${precision}`, 'step_reference.py', { ...shape, precision }),
  );
  const commands = [ownScript('bertune', 'stepWorker.js', shape), ...(flags['only-ours'] ? [] : theirs)];
  const workers = await takeTurns(commands, { rounds: Number(flags.rounds), warmUp: 3 });
  print(shape, workers);
  results.push({ shape, sides: workers.map(({ name, turns, peakBytes }) => ({ name, peakBytes, turns })) });
}
saveResults('step', results);

function print({ name, layers, hiddenSize, rows, width }: StepShape, workers: readonly Worker[]): void {
  const speed = ({ turns }: Worker) => (rows * width) / median(turns.map((turn) => turn.seconds));
  const [ours] = workers;
  printTable(`${name}: ${layers} x ${hiddenSize}, ${rows} x ${width} tokens, whole step`, [
    ['', 'median', 'fastest', 'tokens/s', 'peak memory', 'last loss', 'ours ÷ theirs: tokens/s', 'memory'],
    ...workers.map((worker) => {
      const times = worker.turns.map((turn) => turn.seconds);
      const others = worker === ours ? undefined : ours;
      return [
        worker.name,
        seconds(median(times)),
        seconds(Math.min(...times)),
        rate(speed(worker)),
        gigabytes(worker.peakBytes),
        worker.turns.at(-1)?.loss?.toFixed(3) ?? '-',
        ratio(others && speed(others), speed(worker)),
        ratio(others?.peakBytes, worker.peakBytes),
      ];
    }),
  ]);
}
