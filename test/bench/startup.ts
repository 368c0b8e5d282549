import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { corpusFile } from './corpora.ts';
import {
  bertuneCommand,
  type Command,
  cacheFolder,
  pythonScript,
  requirePython,
  saveResults,
  threads,
  workPath,
} from './environment.ts';
import { benchModel } from './models.ts';
import { start } from './processes.ts';
import { stepShapes } from './shapes.ts';
import { median, printTable, ratio, seconds } from './table.ts';

/**
 * From starting `adapt` to its first finished step, 4 x 256 shape, beside a Python script that does the same with
 * transformers: imports, model, tokenized corpus from the cache of `datasets`, one step on 32 x 128 tokens (run_mlm's
 * recipe, texts joined and cut). The first run of each fills empty caches; neither evaluates before it trains.
 * Flags: --rounds N, --lines N (of text/cs_logs.txt.gz; 0: all), --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    lines: { type: 'string', default: '0' },
    'only-ours': { type: 'boolean', default: false },
  },
});

if (!flags['only-ours']) requirePython('torch', 'transformers', 'datasets');
const shape = stepShapes.small;
const model = await benchModel(shape);
const corpus = await corpusFile('text/cs_logs.txt.gz', Number(flags.lines));
const output = workPath('runs', 'startup');
const metrics = join(output, 'metrics.jsonl');
const ours = bertuneCommand([
  ...['adapt', '--model', model, '--corpus', corpus, '--output', output, '--overwrite', '--threads', `${threads}`],
  ...['--batch-tokens', '4096', '--max-length', '128', '--eval-fraction', '0'],
]);
const marker = workPath('startup-first-step');
const datasets = workPath('startup-datasets');
for (const cache of [cacheFolder, datasets]) rmSync(cache, { recursive: true, force: true });
const theirs = pythonScript('Python', 'startup_reference.py', {
  ...{ model, corpus, threads, maxLength: 128, rows: 32, marker, cache: datasets },
});
const sides = [
  { command: ours, sign: metrics, times: [] as number[], first: 0 },
  ...(flags['only-ours'] ? [] : [{ command: theirs, sign: marker, times: [] as number[], first: 0 }]),
];
for (let round = 0; round <= Number(flags.rounds); round++) {
  for (const side of sides) {
    const time = await untilWritten(side.command, side.sign);
    if (round === 0) side.first = time;
    else side.times.push(time);
  }
}

const [own] = sides;
printTable(`from typing adapt to the first finished step, ${shape.layers} x ${shape.hiddenSize}, ${corpus}`, [
  ['', 'first run', 'median of later runs', 'fastest', 'ours ÷ theirs: later runs'],
  ...sides.map((side) => [
    side.command.name,
    seconds(side.first),
    seconds(median(side.times)),
    seconds(Math.min(...side.times)),
    ratio(side === own ? undefined : own && median(own.times), median(side.times)),
  ]),
]);
saveResults('startup', {
  ...{ shape, corpus },
  sides: sides.map(({ command, first, times }) => ({ name: command.name, first, times })),
});

/** Seconds until a process writes its first line to `sign`; the process is ended then. */
async function untilWritten(command: Command, sign: string): Promise<number> {
  rmSync(sign, { force: true });
  const started = performance.now();
  const { ended, stop } = start(command);
  let over = false;
  const finished = ended.finally(() => {
    over = true;
  });
  finished.catch(() => undefined);
  while (!over && !(existsSync(sign) && statSync(sign).size > 0)) await setTimeout(5);
  const time = (performance.now() - started) / 1000;
  stop();
  await finished;
  return time;
}
