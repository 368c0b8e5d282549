import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  bertuneCommand,
  dataFile,
  pythonScript,
  requirePython,
  saveResults,
  threads,
  workPath,
} from './environment.ts';
import { type Run, runToEnd } from './processes.ts';
import { gigabytes, median, percent, printTable, ratio, seconds } from './table.ts';

/**
 * Wall time and accuracy of the `finetune` command on all of Banking77 beside the same recipe in PyTorch: float32,
 * dynamic padding, fused AdamW, linear schedule with warm-up. From start to end of the process, the measuring on the test
 * set included. Flags: --epochs N, --batch-size N, --learning-rate X, --rounds N, --model DIR, --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    epochs: { type: 'string', default: '8' },
    'batch-size': { type: 'string', default: '16' },
    'learning-rate': { type: 'string', default: '2e-4' },
    rounds: { type: 'string', default: '1' },
    model: { type: 'string', default: 'checkpoints/bert-mini-sentences' },
    'only-ours': { type: 'boolean', default: false },
  },
});

const [train, test] = [dataFile('banking77/train.csv'), dataFile('banking77/test.csv')];
if (!flags['only-ours']) requirePython('torch', 'transformers');
const recipe = ['epochs', 'batch-size', 'learning-rate'] as const;
const command = bertuneCommand([
  ...['finetune', '--model', flags.model, '--train', train, '--eval', test, '--seed', '1', '--threads', `${threads}`],
  ...['--label-column', 'category', '--output', workPath('runs', 'finetune'), '--overwrite', '--json'],
  ...recipe.flatMap((name) => [`--${name}`, flags[name]]),
]);
const reference = pythonScript('PyTorch float32', 'finetune_reference.py', {
  ...{ model: resolve(flags.model), train, test, maxLength: 128, threads, epochs: Number(flags.epochs) },
  ...{ batch: Number(flags['batch-size']), learningRate: Number(flags['learning-rate']) },
});

const sides = [command, ...(flags['only-ours'] ? [] : [reference])].map((side) => ({ side, runs: [] as Run[] }));
for (let round = 0; round < Number(flags.rounds); round++) {
  for (const { side, runs } of sides) runs.push(await runToEnd(side));
}
const results = sides.map(({ side, runs }) => ({
  name: side.name,
  wallSeconds: median(runs.map((run) => run.seconds)),
  peakBytes: Math.max(...runs.map(({ peakBytes }) => peakBytes)),
  accuracy: runs.map(({ stdout }) => accuracyIn(stdout)),
}));
const [ours] = results;
printTable(`finetune on Banking77, ${recipe.map((name) => `${name} ${flags[name]}`).join(', ')}`, [
  ['', 'wall time', 'accuracy', 'peak memory', 'ours ÷ theirs: time', 'memory'],
  ...results.map((result) => [
    result.name,
    seconds(result.wallSeconds),
    percent(median(result.accuracy)),
    gigabytes(result.peakBytes),
    ratio(result === ours ? undefined : ours?.wallSeconds, result.wallSeconds),
    ratio(result === ours ? undefined : ours?.peakBytes, result.peakBytes),
  ]),
]);
saveResults('finetune', { recipe: flags, sides: results });

function accuracyIn(stdout: string): number {
  return (JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { accuracy: number }).accuracy;
}
