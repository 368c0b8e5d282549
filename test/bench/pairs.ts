import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { randomBelow } from '../../src/core/random.ts';
import { readLabeledSet } from '../../src/data/labels.ts';
import {
  bertuneCommand,
  dataFile,
  pythonScript,
  requirePython,
  saveResults,
  threads,
  workPath,
} from './environment.ts';
import { runToEnd } from './processes.ts';
import { percent, printTable, seconds } from './table.ts';

/**
 * Whether two messages of Banking77 have the same intent: `finetune` on pairs by each method, beside scikit-learn's
 * logistic regression on TF-IDF of both texts, and the cosine of frozen vectors with the threshold that training pairs
 * choose. Half of the pairs are alike; those that measure are of the test set's messages. Flags: --model DIR, --pairs N,
 * --test-pairs N, --methods a,b, --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', default: 'sentence-transformers/all-MiniLM-L6-v2' },
    pairs: { type: 'string', default: '4000' },
    'test-pairs': { type: 'string', default: '2000' },
    methods: { type: 'string', default: 'words,frozen,hybrid,finetune,finetune+words' },
    'only-ours': { type: 'boolean', default: false },
  },
});

if (!flags['only-ours']) requirePython('torch', 'sentence_transformers', 'sklearn');
const model = existsSync(flags.model) ? resolve(flags.model) : flags.model;
const train = await pairsOf('intents/banking77_train.csv', Number(flags.pairs), 1);
const test = await pairsOf('intents/banking77_test.csv', Number(flags['test-pairs']), 2);

const results: { name: string; seconds: number; accuracy: number }[] = [];
for (const method of flags.methods.split(',')) {
  const { stdout, seconds: wall } = await runToEnd({
    ...bertuneCommand([
      ...['finetune', '--model', model, '--train', train, '--eval', test, '--method', method, '--overwrite', '--json'],
      ...['--text-column', 'first', '--pair-column', 'second', '--threads', `${threads}`],
      ...['--output', workPath('runs', 'pairs')],
    ]),
    name: method,
  });
  const { accuracy }: { accuracy: number } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  results.push({ name: `bertune, ${method}`, seconds: wall, accuracy });
}
if (!flags['only-ours']) {
  const reference = pythonScript('Python', 'pairs_reference.py', { model, train, test, threads });
  const { stdout } = await runToEnd(reference);
  const told: Record<string, { seconds: number; accuracy: number }> = JSON.parse(
    stdout.trim().split('\n').at(-1) ?? '',
  );
  for (const [name, side] of Object.entries(told)) results.push({ name, ...side });
}
printTable(`two messages of Banking77, the same intent or not, ${flags.pairs} pairs to learn from`, [
  ['', 'accuracy', 'wall time'],
  ...results.map(({ name, accuracy, seconds: wall }) => [name, percent(accuracy), seconds(wall)]),
]);
saveResults('pairs', { recipe: flags, sides: results });

/** Writes pairs of a set's messages, every other one of the same intent, to a CSV file. */
async function pairsOf(file: string, count: number, seed: number): Promise<string> {
  const { texts, labels } = await readLabeledSet({ files: [dataFile(file)], flag: '--data' });
  const members = new Map<string, number[]>();
  for (const [i, label] of labels.entries()) members.set(label, [...(members.get(label) ?? []), i]);
  const lines = ['first,second,label'];
  for (let i = 0; i < count; i++) {
    const draw = (limit: number, j: number) => randomBelow(limit, seed, 'sample', i, j);
    const one = draw(texts.length, 0);
    const isSame = i % 2 === 0;
    const alike = members.get(labels[one] ?? '') ?? [];
    let other = isSame ? (alike[draw(alike.length, 1)] ?? one) : draw(texts.length, 2);
    for (let j = 3; other === one || (labels[other] === labels[one]) !== isSame; j++) {
      other = isSame ? (alike[draw(alike.length, j)] ?? one) : draw(texts.length, j);
    }
    const quoted = [one, other].map((n) => `"${(texts[n] ?? '').replaceAll('"', '""')}"`);
    lines.push(`${quoted.join(',')},${isSame ? 'same' : 'other'}`);
  }
  const path = workPath('pairs', `${seed}-${count}.csv`);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}
