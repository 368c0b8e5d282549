import { parseArgs } from 'node:util';
import { loadTokenizer } from '../../src/text/tokenizer.ts';
import type { AdaptWorkerOptions } from './adaptWorker.ts';
import { corpusFile, linesOf } from './corpora.ts';
import {
  earlierScript,
  ownScript,
  pythonScript,
  requirePython,
  saveResults,
  threads,
  workPath,
} from './environment.ts';
import { benchModel } from './models.ts';
import { stepShapes } from './shapes.ts';
import { gigabytes, printTable, rate, ratio, seconds, sum } from './table.ts';
import { takeTurns, type Worker } from './worker.ts';

/**
 * Messages a second of `adapt` on short messages, BERT-base shape, beside transformers with one message a row padded to
 * 128 in float32, and with dynamic padding, length grouping and bfloat16 autocast. Every side trains for real, on about
 * 1,024 real tokens an update (the padded one on `--padded-rows` messages: it takes 128 tokens for each).
 * Flags: --rounds N, --lines N (of the corpus; 0: all), --padded-rows N, --small (the 4 x 256 shape), --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '8' },
    lines: { type: 'string', default: '0' },
    'padded-rows': { type: 'string', default: '32' },
    small: { type: 'boolean', default: false },
    'only-ours': { type: 'boolean', default: false },
  },
});
const maxLength = 128;
const tokensPerUpdate = 1024;

if (!flags['only-ours']) requirePython('torch', 'transformers', 'datasets');
const shape = stepShapes[flags.small ? 'small' : 'base'];
const model = await benchModel(shape);
const corpus = await corpusFile('text/cs_logs.txt.gz', Number(flags.lines));
const meanTokens = await meanLength(corpus);
const own: AdaptWorkerOptions = {
  ...{ model, corpus: { files: [corpus] }, output: workPath('runs', 'adapt'), overwrite: true, threads, maxLength },
  ...{ batchTokens: tokensPerUpdate, maxSteps: 100_000, evalFraction: 0, saveSteps: 0, seed: 1, meanTokens },
};
const theirs = { model, corpus, maxLength, threads, cache: workPath('datasets') };
const grouped = Math.round(tokensPerUpdate / meanTokens);
const commands = [
  ownScript('bertune', 'adaptWorker.js', own),
  ...earlierScript('adaptWorker.js', { ...own, output: workPath('runs', 'adapt-before') }),
  ...(flags['only-ours']
    ? []
    : [
        pythonScript('padded to 128, float32', 'adapt_reference.py', {
          ...{ ...theirs, recipe: 'padded', precision: 'float32', batch: Number(flags['padded-rows']) },
        }),
        pythonScript('grouped by length, bfloat16', 'adapt_reference.py', {
          ...{ ...theirs, recipe: 'grouped', precision: 'bfloat16', batch: grouped },
        }),
      ]),
];
const workers = await takeTurns(commands, { rounds: Number(flags.rounds), warmUp: 3 });
const [ours] = workers;
printTable(`adapt on ${corpus}, ${shape.layers} x ${shape.hiddenSize}, ${meanTokens.toFixed(1)} tokens a message`, [
  [
    '',
    'mean step',
    'messages/step',
    'messages/s',
    'real tokens/s',
    'peak memory',
    'ours ÷ theirs: messages/s',
    'memory',
  ],
  ...workers.map((worker) => {
    const others = worker === ours ? undefined : ours;
    const { seconds: time, messages, tokens } = totals(worker);
    return [
      worker.name,
      seconds(time / worker.turns.length),
      rate(messages / worker.turns.length),
      rate(messages / time),
      rate(tokens / time),
      gigabytes(worker.peakBytes),
      ratio(others && totals(others).messages / totals(others).seconds, messages / time),
      ratio(others?.peakBytes, worker.peakBytes),
    ];
  }),
]);
saveResults('adapt', {
  ...{ shape, corpus, meanTokens },
  sides: workers.map(({ name, turns, peakBytes }) => ({ name, peakBytes, turns })),
});

/** Sums rather than medians: steps of texts grouped by length differ by design. */
function totals({ turns }: Worker): { seconds: number; messages: number; tokens: number } {
  return {
    seconds: sum(turns.map((turn) => turn.seconds)),
    messages: sum(turns.map(({ messages }) => messages ?? 0)),
    tokens: sum(turns.map(({ tokens }) => tokens ?? 0)),
  };
}

/** Mean tokens of a message, [CLS] and [SEP] included, over every 20th line. */
async function meanLength(path: string): Promise<number> {
  const tokenizer = loadTokenizer(model);
  const lengths: number[] = [];
  let line = 0;
  for await (const text of linesOf(path)) {
    if (line++ % 20 === 0 && text.trim() !== '')
      lengths.push(Math.min(tokenizer.encode(text).ids.length + 2, maxLength));
  }
  return sum(lengths) / lengths.length;
}
