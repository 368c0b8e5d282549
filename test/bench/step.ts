import { parseArgs } from 'node:util';
import { earlierScript, fail, ownScript, pythonScript, requirePython, saveResults } from './environment.ts';
import { type StepShape, stepShapes } from './shapes.ts';
import { stepOptions } from './stepOptions.ts';
import { gigabytes, median, printTable, rate, ratio, seconds } from './table.ts';
import { takeTurns, type Worker } from './worker.ts';

/**
 * Times one training step beside PyTorch's, in float32 and with bfloat16 autocast: all processes live at once and take
 * turns, from the same weights on the same block. With --dropout 0 the losses can be compared, too.
 * Flags: --rounds N, --shapes base,small, --dropout P, --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    shapes: { type: 'string', default: Object.keys(stepShapes).join() },
    dropout: { type: 'string', default: '0.1' },
    'only-ours': { type: 'boolean', default: false },
  },
});

if (!flags['only-ours']) requirePython('torch', 'transformers');
const results = [];
for (const name of flags.shapes.split(',')) {
  if (name !== 'base' && name !== 'small') fail(`--shapes knows ${Object.keys(stepShapes).join()}, not ${name}`);
  const shape = stepShapes[name];
  const options = await stepOptions(shape, Number(flags.dropout));
  const theirs = ['float32', 'bfloat16'].map((precision) =>
    pythonScript(`PyTorch ${precision}`, 'step_reference.py', { ...options, threads: shape.threads, precision }),
  );
  const commands = [
    ownScript('bertune', 'stepWorker.js', options),
    ...earlierScript('stepWorker.js', options),
    ...(flags['only-ours'] ? [] : theirs),
  ];
  const workers = await takeTurns(commands, { rounds: Number(flags.rounds), warmUp: 3 });
  print(shape, workers);
  results.push({
    shape,
    dropout: Number(flags.dropout),
    sides: workers.map(({ name, turns, peakBytes }) => ({ name, peakBytes, turns })),
  });
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
        worker.turns.at(-1)?.loss?.toFixed(4) ?? '-',
        ratio(others && speed(others), speed(worker)),
        ratio(others?.peakBytes, worker.peakBytes),
      ];
    }),
  ]);
}
