import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { TokensFinetuneResult } from '../../src/jobs/types.ts';
import { bertuneCommand, pythonScript, requirePython, saveResults, threads, workPath } from './environment.ts';
import { runToEnd } from './processes.ts';
import { median, printTable, seconds } from './table.ts';
import { tokenTexts } from './tokenTexts.ts';

/**
 * Entity F1 of `finetune --task tokens` on generated texts of customers, whose test part shares neither templates nor
 * values with the training part: the encoder trained, and as it is, beside transformers' own way (a classifier that starts at
 * random, words' first pieces, seqeval) from the same encoder with the same updates. Flags: --seeds N, --texts N, --test N,
 * --epochs N, --batch-size N, --learning-rate X, --model DIR, --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3' },
    texts: { type: 'string', default: '400' },
    test: { type: 'string', default: '500' },
    epochs: { type: 'string', default: '8' },
    'batch-size': { type: 'string', default: '16' },
    'learning-rate': { type: 'string', default: '2e-4' },
    model: { type: 'string', default: 'checkpoints/bert-mini-sentences' },
    'only-ours': { type: 'boolean', default: false },
  },
});

interface Row {
  readonly name: string;
  readonly f1: number[];
  readonly wallSeconds: number[];
}

if (!flags['only-ours']) requirePython('torch', 'transformers', 'seqeval');
const recipe = ['epochs', 'batch-size', 'learning-rate'] as const;
const rows = new Map<string, Row>();
for (let seed = 0; seed < Number(flags.seeds); seed++) {
  const [train, test] = [write('train', Number(flags.texts), seed), write('test', Number(flags.test), seed)];
  for (const method of ['finetune', 'frozen']) {
    const command = bertuneCommand([
      ...['finetune', '--task', 'tokens', '--model', flags.model, '--train', train, '--eval', test, '--method', method],
      ...['--offsets', 'utf-16', '--seed', `${seed}`, '--threads', `${threads}`, '--json', '--overwrite'],
      ...['--output', workPath('runs', `tokens-${method}`)],
      ...(method === 'finetune' ? recipe.flatMap((name) => [`--${name}`, flags[name]]) : []),
    ]);
    const run = await runToEnd(command);
    const result = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '') as TokensFinetuneResult;
    add(`bertune, ${method}`, result.entities.micro.f1, run.seconds);
  }
  if (flags['only-ours']) continue;
  const reference = pythonScript('transformers', 'tokens_reference.py', {
    ...{ model: resolve(flags.model), train, test, threads, seed, epochs: Number(flags.epochs) },
    ...{ batch: Number(flags['batch-size']), learningRate: Number(flags['learning-rate']) },
  });
  const run = await runToEnd(reference);
  add('transformers', (JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '') as { f1: number }).f1, run.seconds);
}

const results = [...rows.values()];
printTable(
  `labels on tokens, ${flags.texts} texts, ${flags.seeds} seeds, ${recipe.map((name) => `${name} ${flags[name]}`).join(', ')}`,
  [
    ['', 'entity F1, mean', 'least', 'most', 'wall time'],
    ...results.map(({ name, f1, wallSeconds }) => [
      name,
      (f1.reduce((sum, x) => sum + x, 0) / f1.length).toFixed(4),
      Math.min(...f1).toFixed(4),
      Math.max(...f1).toFixed(4),
      seconds(median(wallSeconds)),
    ]),
  ],
);
saveResults('tokens', { recipe: flags, sides: results });

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
