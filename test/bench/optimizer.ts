import { parseArgs } from 'node:util';
import { ownScript, pythonScript, requirePython, saveResults, threads } from './environment.ts';
import { gigabytes, median, printTable, ratio, seconds } from './table.ts';
import { takeTurns } from './worker.ts';

/**
 * One update of AdamW alone over flat arrays beside PyTorch's fused one over one tensor of the same size.
 * Flags: --parameters N, --rounds N, --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    parameters: { type: 'string', default: '110000000' },
    rounds: { type: 'string', default: '9' },
    'only-ours': { type: 'boolean', default: false },
  },
});

if (!flags['only-ours']) requirePython('torch');
const options = { parameters: Number(flags.parameters), threads };
const workers = await takeTurns(
  [
    ownScript('bertune', 'optimizerWorker.js', options),
    ...(flags['only-ours'] ? [] : [pythonScript('PyTorch, fused', 'optimizer_reference.py', options)]),
  ],
  { rounds: Number(flags.rounds), warmUp: 2 },
);
const [ours] = workers;
const time = (worker: (typeof workers)[number]) => median(worker.turns.map((turn) => turn.seconds));
printTable(`an update of AdamW, ${options.parameters.toLocaleString('en')} parameters`, [
  ['', 'median', 'fastest', 'peak memory', 'ours ÷ theirs: time'],
  ...workers.map((worker) => [
    worker.name,
    seconds(time(worker)),
    seconds(Math.min(...worker.turns.map((turn) => turn.seconds))),
    gigabytes(worker.peakBytes),
    ratio(worker === ours || !ours ? undefined : time(ours), time(worker)),
  ]),
]);
saveResults('optimizer', { ...options, sides: workers.map(({ name, turns }) => ({ name, turns })) });
