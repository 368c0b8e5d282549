import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { corpusFile } from './corpora.ts';
import {
  type Command,
  earlierScript,
  ownScript,
  pythonScript,
  requirePython,
  saveResults,
  threads,
} from './environment.ts';
import { benchModel } from './models.ts';
import { runToEnd } from './processes.ts';
import { stepShapes } from './shapes.ts';
import { gigabytes, median, printTable, rate, ratio, seconds } from './table.ts';
import { takeTurns, type Worker } from './worker.ts';

/**
 * Labeling messages with a classifier of 4 x 256 and 77 labels, beside Python's `pipeline(batch_size=32)` and, where
 * @huggingface/transformers can be found, its `pipeline` in Node (`--transformers-js DIR` names the folder to look from; it
 * needs Python once, to export the model), all in float32; and ours once more with `int8`. Theirs have loaded the model
 * before; ours is all of the `predict` job.
 * Flags: --rounds N, --messages N (of text/cs_logs.txt.gz), --transformers-js DIR, --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    messages: { type: 'string', default: '10000' },
    'transformers-js': { type: 'string', default: '.' },
    'only-ours': { type: 'boolean', default: false },
  },
});

if (!flags['only-ours']) requirePython('torch', 'transformers');
const shape = stepShapes.small;
const model = await benchModel(shape, 77);
const messages = await corpusFile('text/cs_logs.txt.gz', Number(flags.messages));
const options = { model, messages, threads, maxLength: 128, batch: 32 };
const commands = [
  ownScript('bertune', 'predictWorker.js', options),
  ownScript('bertune, int8', 'predictWorker.js', { ...options, int8: true }),
  ...earlierScript('predictWorker.js', options),
];
if (!flags['only-ours']) commands.push(pythonScript('Python pipeline', 'predict_reference.py', options));
const node = flags['only-ours'] ? undefined : await transformersJs();
if (node) commands.push(node);
const workers = await takeTurns(commands, { rounds: Number(flags.rounds), warmUp: 1 });
const [ours, int8] = workers;
printTable(`predict on ${flags.messages} messages, ${shape.layers} x ${shape.hiddenSize}`, [
  ['', 'median', 'texts/s', 'peak memory', 'ours ÷ theirs: texts/s', 'int8', 'memory'],
  ...workers.map((worker) => {
    const others = worker === ours || worker === int8 ? undefined : ours;
    return [
      worker.name,
      seconds(median(worker.turns.map((turn) => turn.seconds))),
      rate(speed(worker)),
      gigabytes(worker.peakBytes),
      ratio(others && speed(others), speed(worker)),
      ratio(others && int8 && speed(int8), speed(worker)),
      ratio(others?.peakBytes, worker.peakBytes),
    ];
  }),
]);
if (!node && !flags['only-ours'])
  process.stdout.write('no transformers.js side: @huggingface/transformers is not installed\n');
saveResults('predict', { shape, sides: workers.map(({ name, turns, peakBytes }) => ({ name, peakBytes, turns })) });

function speed({ turns }: Worker): number {
  return (turns[0]?.messages ?? Number.NaN) / median(turns.map((turn) => turn.seconds));
}

/** The transformers.js side, when the package can be found; exports the model for it once. */
async function transformersJs(): Promise<Command | undefined> {
  const entry = resolvePackage('@huggingface/transformers', flags['transformers-js']);
  if (entry === undefined) return undefined;
  if (!existsSync(join(model, 'onnx', 'model.onnx'))) {
    await runToEnd(pythonScript('the export to ONNX', 'export_onnx.py', { model, threads }));
  }
  return ownScript('transformers.js', 'predictTransformersJs.js', { ...options, entry });
}

function resolvePackage(name: string, from: string): string | undefined {
  try {
    return createRequire(join(resolve(from), 'package.json')).resolve(name);
  } catch {
    return undefined;
  }
}
