import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { corpusFile } from './corpora.ts';
import { dataFile, ownScript, pythonScript, requirePython, saveResults, threads, workPath } from './environment.ts';
import { gigabytes, median, printTable, rate, ratio, seconds } from './table.ts';
import { takeTurns, type Worker } from './worker.ts';

/**
 * Tokenizing a corpus anew into the token store beside `datasets.map` in two processes with the fast tokenizer. Our time
 * is that of all of `prepareCorpus`: reading the packed file, tokenizing, hashing, writing. Theirs comes twice: the `map`
 * alone, and with the reading of the file that goes before it; their memory is that of the largest of their processes.
 * Flags: --rounds N, --lines N (of text/wiki_en.txt.gz; 0: all), --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    lines: { type: 'string', default: '0' },
    'only-ours': { type: 'boolean', default: false },
  },
});

if (!flags['only-ours']) requirePython('datasets', 'transformers', 'torch');
const corpus = await corpusFile('text/wiki_en.txt.gz', Number(flags.lines));
const tokenizer = join(dataFile('vocabs'), 'bert_uncased');
const commands = [
  ownScript('bertune', 'tokenizeWorker.js', { corpus, tokenizer, threads, folder: workPath('tokenize', 'store') }),
  ...(flags['only-ours']
    ? []
    : [
        pythonScript('datasets.map', 'tokenize_reference.py', {
          ...{ corpus, tokenizer, threads, cache: workPath('tokenize', 'datasets') },
        }),
      ]),
];
const workers = await takeTurns(commands, { rounds: Number(flags.rounds), warmUp: 1 });
const [ours] = workers;
const rows = workers.flatMap((worker) => {
  const times = worker.turns.map((turn) => turn.seconds);
  const core = worker.turns.flatMap(({ coreSeconds }) => coreSeconds ?? []);
  if (core.length === 0) return [{ name: worker.name, worker, time: median(times) }];
  return [
    { name: `${worker.name} alone`, worker, time: median(core) },
    { name: `${worker.name} with reading`, worker, time: median(times) },
  ];
});
printTable(`tokenizing ${corpus}`, [
  ['', 'median', 'tokens', 'tokens/s', 'peak memory', 'ours ÷ theirs: tokens/s', 'memory'],
  ...rows.map(({ name, worker, time }) => {
    const others = worker === ours ? undefined : ours;
    return [
      name,
      seconds(time),
      rate(tokensOf(worker)),
      rate(tokensOf(worker) / time),
      gigabytes(worker.peakBytes),
      ratio(others && tokensOf(others) / median(others.turns.map((turn) => turn.seconds)), tokensOf(worker) / time),
      ratio(others?.peakBytes, worker.peakBytes),
    ];
  }),
]);
saveResults('tokenize', { corpus, sides: workers.map(({ name, turns, peakBytes }) => ({ name, peakBytes, turns })) });

function tokensOf({ turns }: Worker): number {
  return turns.at(-1)?.tokens ?? Number.NaN;
}
