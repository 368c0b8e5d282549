import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { generatedCorpus } from './corpora.ts';
import { fail, ownScript, saveResults, threads, workPath } from './environment.ts';
import { printTable, rate, seconds } from './table.ts';
import { takeTurns } from './worker.ts';

/**
 * Tokenizing and reading a generated corpus under a memory cap: a process whose data segment may not grow past `--cap`
 * megabytes (`ulimit -d`, which Linux holds) tokenizes it into the store and then reads sequences all over it.
 * Flags: --megabytes N (of text; 2000 is the size that matters), --cap MB.
 */
const { values: flags } = parseArgs({
  options: { megabytes: { type: 'string', default: '200' }, cap: { type: 'string', default: '1000' } },
});

const corpus = generatedCorpus({ bytes: Number(flags.megabytes) * 1e6 });
const folder = workPath('store');
const tokenizer = resolve('checkpoints/bert-mini-sentences');
const { name, command, args } = ownScript('bertune', 'storeWorker.js', { corpus, tokenizer, threads, folder });
const capped = `ulimit -d ${Math.round((Number(flags.cap) * 1e6) / 1024)} && exec "$@"`;
const [worker] = await takeTurns([{ name, command: 'bash', args: ['-c', capped, 'bash', command, ...args] }], {
  ...{ rounds: 2, warmUp: 0 },
}).catch(() => fail(`tokenizing did not get by with ${flags.cap} MB`));
const [written, read] = worker?.turns ?? [];
if (!written || !read) throw new Error('no turns');
const { size } = statSync(corpus);
printTable(`a corpus of ${(size / 1e9).toFixed(2)} GB under a cap of ${flags.cap} MB`, [
  ['', 'time', 'tokens', 'tokens/s', 'peak memory so far'],
  ...(
    [
      ['tokenizing into the store', written],
      ['reading 200,000 sequences from all over it', read],
    ] as const
  ).map(([what, turn]) => [
    what,
    seconds(turn.seconds),
    rate(turn.tokens ?? 0),
    rate((turn.tokens ?? 0) / turn.seconds),
    `${Math.round(turn.peakBytes / 1e6)} MB`,
  ]),
]);
saveResults('store', { corpusBytes: size, capMegabytes: Number(flags.cap), written, read });
