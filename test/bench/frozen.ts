import { existsSync, rmSync } from 'node:fs';
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
 * Wall time and accuracy of `finetune --freeze all` on ten labels a class of Banking77, with its vectors to be computed
 * and with those of an earlier run, beside sentence-transformers with scikit-learn's GridSearchCV over the same penalties.
 * From start to end of the process, the measuring on the 3,080 texts of the test set and the saving included. Flags:
 * --model DIR, --rounds N, --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', default: 'sentence-transformers/all-MiniLM-L6-v2' },
    rounds: { type: 'string', default: '3' },
    'only-ours': { type: 'boolean', default: false },
  },
});

const [train, test] = [dataFile('intents/banking77_train_10.csv'), dataFile('intents/banking77_test.csv')];
const model = existsSync(flags.model) ? resolve(flags.model) : flags.model;
if (!flags['only-ours']) requirePython('torch', 'sentence_transformers', 'sklearn');
const cache = workPath('runs', 'frozen-cache');
const ours = (name: string, more: readonly string[]) => ({
  ...bertuneCommand([
    ...['finetune', '--freeze', 'all', '--model', model, '--train', train, '--eval', test, ...more],
    ...['--threads', `${threads}`, '--output', workPath('runs', 'frozen'), '--overwrite', '--json'],
  ]),
  name,
});
const reference = pythonScript('sentence-transformers, scikit-learn', 'frozen_reference.py', {
  ...{ model, train, test, threads, output: workPath('runs', 'frozen-reference') },
  cs: [0.1, 0.3, 1, 3, 10, 30, 100],
});

rmSync(cache, { recursive: true, force: true });
const sides = [
  ours('bertune', ['--no-cache']),
  ours('bertune, vectors of an earlier run', ['--cache', cache]),
  ...(flags['only-ours'] ? [] : [reference]),
].map((side) => ({ side, runs: [] as Run[] }));
await runToEnd(ours('bertune, first run', ['--cache', cache]));
for (let round = 0; round < Number(flags.rounds); round++) {
  for (const { side, runs } of sides) runs.push(await runToEnd(side));
}
const results = sides.map(({ side, runs }) => ({
  name: side.name,
  wallSeconds: median(runs.map((run) => run.seconds)),
  peakBytes: Math.max(...runs.map(({ peakBytes }) => peakBytes)),
  result: runs.map(({ stdout }) => resultIn(stdout)),
}));
const [first] = results;
printTable('a head on frozen vectors, Banking77, 10 texts a class', [
  ['', 'wall time', 'accuracy', 'C', 'peak memory', 'ours ÷ theirs: time', 'memory'],
  ...results.map((result) => [
    result.name,
    seconds(result.wallSeconds),
    percent(median(result.result.map(({ accuracy }) => accuracy))),
    String(result.result[0]?.c),
    gigabytes(result.peakBytes),
    ratio(result === first ? undefined : first?.wallSeconds, result.wallSeconds),
    ratio(result === first ? undefined : first?.peakBytes, result.peakBytes),
  ]),
]);
saveResults('frozen', { recipe: flags, sides: results });

function resultIn(stdout: string): { accuracy: number; c: number } {
  const result: { accuracy: number; c?: number; head?: { c: number } } = JSON.parse(
    stdout.trim().split('\n').at(-1) ?? '',
  );
  return { ...result, c: result.c ?? result.head?.c ?? Number.NaN };
}
