import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import { randomBelow } from '../../src/core/random.ts';
import {
  bertuneCommand,
  type Command,
  dataFile,
  pythonScript,
  requirePython,
  saveResults,
  threads,
  workPath,
} from './environment.ts';
import { runToEnd } from './processes.ts';
import { printTable, seconds } from './table.ts';

/**
 * `finetune` for several labels and for a number, by each method, beside scikit-learn: OneVsRestClassifier of
 * LogisticRegression and Ridge, on TF-IDF and on sentence vectors, their penalty chosen by GridSearchCV. Several labels are
 * messages of one to three customers of Banking77 put together, with the intents of all; numbers are the ratings, 1 to 10,
 * that stand in the ids of IMDB's reviews. Flags: --model DIR, --texts N, --methods a,b, --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', default: 'sentence-transformers/all-MiniLM-L6-v2' },
    texts: { type: 'string', default: '2000' },
    methods: { type: 'string', default: 'words,frozen,finetune' },
    'only-ours': { type: 'boolean', default: false },
  },
});

if (!flags['only-ours']) requirePython('torch', 'sentence_transformers', 'sklearn');
const model = existsSync(flags.model) ? resolve(flags.model) : flags.model;
const count = Number(flags.texts);

interface Sets {
  readonly task: 'several-labels' | 'number';
  readonly train: string;
  readonly test: string;
}

/** Messages put together of one to three of a file's rows. */
function joinedMessages(name: string, source: string, rows: number): string {
  const lines = readFileSync(dataFile(source), 'utf8').trim().split('\n').slice(1);
  const messages = lines.map((line) => {
    const at = line.lastIndexOf(',');
    return { text: line.slice(0, at).replace(/^"|"$/g, ''), label: line.slice(at + 1).trim() };
  });
  const texts = Array.from({ length: rows }, (_, i) => {
    const parts = Array.from({ length: 1 + randomBelow(3, 1, 'corpus', i) }, (_, j) => {
      return messages[randomBelow(messages.length, 1, 'corpus', i, j + 1)] as (typeof messages)[number];
    });
    return { text: parts.map(({ text }) => text).join(' '), labels: [...new Set(parts.map(({ label }) => label))] };
  });
  return written(name, texts);
}

/** The first reviews of both kinds, in turn, with the ratings of their ids. */
async function ratedReviews(name: string, source: string, rows: number): Promise<string> {
  const kinds = new Map<string, { text: string; rating: number }[]>([
    ['neg', []],
    ['pos', []],
  ]);
  const lines = createInterface({ input: createReadStream(dataFile(source)).pipe(createGunzip()) });
  for await (const line of lines) {
    const { id, text }: { id: string; text: string } = JSON.parse(line);
    const [, kind = '', rating] = /\/(neg|pos)\/\d+_(\d+)\.txt$/.exec(id) ?? [];
    const own = kinds.get(kind);
    if (own && own.length < rows / 2) own.push({ text: text.replaceAll('<br />', ' '), rating: Number(rating) });
  }
  return written(name, [...kinds.values()].flat());
}

function written(name: string, rows: readonly object[]): string {
  const path = workPath('runs', name);
  writeFileSync(path, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  return path;
}

const sets: readonly Sets[] = [
  {
    task: 'several-labels',
    train: joinedMessages('answers-topics.jsonl', 'intents/banking77_train.csv', count),
    test: joinedMessages('answers-topics-test.jsonl', 'intents/banking77_test.csv', 1000),
  },
  {
    task: 'number',
    train: await ratedReviews('answers-ratings.jsonl', 'imdb/train.jsonl.gz', count),
    test: await ratedReviews('answers-ratings-test.jsonl', 'imdb/test.jsonl.gz', 1000),
  },
];

const ours = ({ task, train, test }: Sets, method: string): Command => ({
  ...bertuneCommand([
    ...['finetune', '--task', task, '--method', method, '--model', model, '--train', train, '--eval', test],
    ...(task === 'number' ? ['--label-column', 'rating'] : []),
    ...[
      '--threads',
      `${threads}`,
      '--output',
      workPath('runs', 'answers'),
      '--overwrite',
      '--json',
      '--no-cache',
    ].filter((flag) => flag !== '--no-cache' || method === 'frozen'),
  ]),
  name: `bertune, ${method}`,
});
const theirs = ({ task, train, test }: Sets, reads: string): Command =>
  pythonScript(`scikit-learn, ${reads}`, 'answers_reference.py', { task, train, test, reads, model, threads });

const figures = {
  'several-labels': ['microF1', 'macroF1', 'averagePrecision', 'exactMatch'],
  number: ['r2', 'mae', 'spearman'],
} as const;

const results = [];
for (const set of sets) {
  const sides = [
    ...flags.methods.split(',').map((method) => ours(set, method)),
    ...(flags['only-ours'] ? [] : ['words', 'vectors'].map((reads) => theirs(set, reads))),
  ];
  const rows: string[][] = [];
  for (const side of sides) {
    const run = await runToEnd(side);
    const result: Record<string, number> = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '');
    const shown = figures[set.task].map((name) => (result[name] ?? Number.NaN).toFixed(4));
    rows.push([side.name, ...shown, seconds(run.seconds)]);
    results.push({ task: set.task, name: side.name, wallSeconds: run.seconds, result });
  }
  printTable(`${set.task}, ${count} texts`, [['', ...figures[set.task], 'wall time'], ...rows]);
}
saveResults('answers', { recipe: flags, sides: results });
