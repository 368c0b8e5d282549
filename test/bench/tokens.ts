import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { permutedIndex } from '../../src/core/random.ts';
import { type Estimate, estimate } from '../../src/evaluation/estimate.ts';
import { pairedDifference } from '../../src/evaluation/paired.ts';
import type { TokensFinetuneResult } from '../../src/jobs/types.ts';
import { bertuneCommand, fail, pythonScript, requirePython, saveResults, threads, workPath } from './environment.ts';
import { type Run, runToEnd } from './processes.ts';
import { median, printTable, seconds } from './table.ts';
import { tokenTexts } from './tokenTexts.ts';

/**
 * Entity F1 of `finetune --task tokens` on generated texts of customers, whose test part shares neither templates nor
 * values with the training part, beside transformers' own way (words' first pieces, seqeval). Both start from one folder,
 * which holds the encoder with a classifier that transformers drew at random, and make the same updates of the same texts
 * in the same order; without dropout nothing else is left to chance, so that what differs is rounding and how entities are
 * made of tags: transformers' answers are also read as bertune reads its own. Beside them what `finetune` does by these
 * updates from its own start, what it does by itself, and the encoder as it is. Flags:
 * --seeds N, --first-seed N, --texts N, --test N, --epochs N, --batch-size N, --learning-rate X, --dropout X, --model DIR, --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3' },
    'first-seed': { type: 'string', default: '0' },
    texts: { type: 'string', default: '300' },
    test: { type: 'string', default: '400' },
    epochs: { type: 'string', default: '8' },
    'batch-size': { type: 'string', default: '16' },
    'learning-rate': { type: 'string', default: '2e-4' },
    dropout: { type: 'string', default: '0' },
    model: { type: 'string', default: 'checkpoints/bert-mini-sentences' },
    'only-ours': { type: 'boolean', default: false },
  },
});

interface Row {
  readonly name: string;
  readonly f1: number[];
  readonly wallSeconds: number[];
}

const names = {
  same: 'bertune, same start',
  theirs: 'transformers, same start',
  decoded: 'transformers, read as bertune does',
  fitted: 'bertune, same updates, own start',
  alone: 'bertune by itself',
  frozen: 'bertune, frozen',
} as const;
const labels = ['O', ...['DATE', 'ORDER', 'PERSON', 'PRODUCT'].flatMap((name) => [`B-${name}`, `I-${name}`])];
if (!flags['only-ours']) requirePython('torch', 'transformers', 'seqeval');
const count = Number(flags.texts);
const recipe = ['epochs', 'batch-size', 'learning-rate', 'dropout'] as const;
const trained = ['--method', 'finetune', ...recipe.flatMap((name) => [`--${name}`, flags[name]])];
const rows = new Map<string, Row>();
for (let n = 0; n < Number(flags.seeds); n++) {
  const seed = Number(flags['first-seed']) + n;
  const [train, test] = [write('train', count, seed), write('test', Number(flags.test), seed)];
  const ours = async (name: string, model: string, args: readonly string[]) => {
    const command = bertuneCommand([
      ...['finetune', '--task', 'tokens', '--model', model, '--train', train, '--eval', test, ...args],
      ...[
        '--offsets',
        'utf-16',
        '--seed',
        `${seed}`,
        '--threads',
        `${threads}`,
        '--json',
        '--overwrite',
        '--no-report',
      ],
      ...['--output', workPath('runs', 'tokens')],
    ]);
    const run = await runToEnd(command);
    const result = lastLine<TokensFinetuneResult>(run);
    add(name, result.entities.micro.f1, run.seconds);
    return { ...run, steps: result.steps };
  };
  await ours(names.frozen, flags.model, ['--method', 'frozen']);
  await ours(names.fitted, flags.model, trained);
  await ours(names.alone, flags.model, []);
  if (flags['only-ours']) continue;
  const start = workPath('tokens-start');
  const common = { threads, seed, labels };
  await runToEnd(
    pythonScript('the start', 'tokens_start.py', {
      ...{ ...common, model: resolve(flags.model), output: start, dropout: Number(flags.dropout) },
    }),
  );
  const same = await ours(names.same, start, trained);
  if (!same.stderr.includes('the model has a token classifier for these labels')) {
    fail(`${start}: its classifier was not taken, so that the sides did not start alike`);
  }
  const order = Array.from({ length: Number(flags.epochs) }, (_, epoch) =>
    Array.from({ length: count }, (_, place) => permutedIndex(place, count, seed, epoch)),
  );
  const run = await runToEnd(
    pythonScript('transformers', 'tokens_reference.py', {
      ...{ ...common, model: start, train, test, order },
      ...{ batch: Number(flags['batch-size']), learningRate: Number(flags['learning-rate']) },
    }),
  );
  const theirs = lastLine<{ readonly f1: number; readonly decodedF1: number; readonly steps: number }>(run);
  if (theirs.steps !== same.steps) fail(`${same.steps} updates beside ${theirs.steps}: the sides are not alike`);
  add(names.theirs, theirs.f1, run.seconds);
  add(names.decoded, theirs.decodedF1, run.seconds);
}

const results = Object.values(names).flatMap((name) => {
  const row = rows.get(name);
  return row ? [{ ...row, estimate: estimate(row.f1) }] : [];
});
printTable(
  `labels on tokens, ${count} texts, ${flags.seeds} seeds, ${recipe.map((name) => `${name} ${flags[name]}`).join(', ')}`,
  [
    ['', 'entity F1, mean', '95 % interval', 'by seed', 'wall time'],
    ...results.map((row) => [
      ...[row.name, row.estimate.mean.toFixed(4), interval(row.estimate)],
      ...[row.f1.map((f1) => f1.toFixed(4)).join(' '), seconds(median(row.wallSeconds))],
    ]),
  ],
);
const f1Of = (name: string) => rows.get(name)?.f1 ?? [];
const same = f1Of(names.same);
const differences = (same.length < 2 ? [] : [names.theirs, names.decoded]).map((name) => {
  const { mean, ...ends } = pairedDifference(f1Of(name), same);
  process.stdout.write(`${names.same}, less ${name}: ${mean.toFixed(4)} (${interval(ends)})\n`);
  return { name, mean, ...ends };
});
process.stdout.write('\n');
saveResults('tokens', { recipe: flags, sides: results, differences });

function interval({ low, high }: Pick<Estimate, 'low' | 'high'>): string {
  return low === null || high === null ? '-' : `${low.toFixed(4)} to ${high.toFixed(4)}`;
}

function lastLine<T>({ stdout }: Run): T {
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

/** A part of the corpus as JSON lines. @returns its path */
function write(part: 'train' | 'test', count: number, seed: number): string {
  const path = workPath(`tokens-${part}.jsonl`);
  writeFileSync(
    path,
    `${tokenTexts(count, seed, part)
      .map((text) => JSON.stringify(text))
      .join('\n')}\n`,
  );
  return path;
}

function add(name: string, f1: number, wallSeconds: number): void {
  const row = rows.get(name) ?? { name, f1: [], wallSeconds: [] };
  row.f1.push(f1);
  row.wallSeconds.push(wallSeconds);
  rows.set(name, row);
}
