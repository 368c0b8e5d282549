import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ExportedFile, exportModel } from '../../src/jobs/exportModel.ts';
import { bertuneCommand, dataFile, ownScript, saveResults, threads, workPath } from './environment.ts';
import { runToEnd } from './processes.ts';
import { gigabytes, median, percent, printTable, rate, ratio } from './table.ts';
import { takeTurns, type Worker } from './worker.ts';

/**
 * A classifier fine-tuned on Banking77 (once; or one given) and exported: size, accuracy on the test set and texts/s of
 * fp32, fp16 and q8 in the pipeline of transformers.js in Node. Flags: --rounds N, --epochs N, --learning-rate X,
 * --model DIR, --classifier DIR.
 */
const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    epochs: { type: 'string', default: '4' },
    'learning-rate': { type: 'string', default: '4e-4' },
    model: { type: 'string', default: 'checkpoints/bert-mini-sentences' },
    classifier: { type: 'string' },
  },
});

const test = dataFile('banking77/test.csv');
const classifier = flags.classifier ?? (await fineTuned());
const output = workPath('exports', 'banking77');
const { files } = await exportModel({ model: classifier, output, input: { files: [test] }, overwrite: true, threads });
const sides = [];
for (const batch of [1, 32]) {
  const workers = await takeTurns(
    files.map(({ dtype }) => ownScript(dtype, 'exportWorker.js', { model: output, dtype, test, threads, batch })),
    { rounds: Number(flags.rounds), warmUp: 1 },
  );
  const [full] = workers;
  printTable(`Banking77's test set in transformers.js, ${batch} at a time`, [
    ['', 'size', 'accuracy', 'texts/s', '÷ fp32', 'peak memory', 'largest difference', 'equal labels'],
    ...workers.map((worker, i) => [
      worker.name,
      ...sizeAndAccuracy(worker, files[i]),
      rate(speed(worker)),
      ratio(speed(worker), full ? speed(full) : Number.NaN),
      gigabytes(worker.peakBytes),
      files[i]?.largestDifference.toExponential(1) ?? '-',
      percent(files[i]?.agreement ?? Number.NaN),
    ]),
  ]);
  sides.push(...workers.map(({ name, turns, peakBytes }) => ({ name, batch, peakBytes, turns })));
}
saveResults('export', { recipe: flags, files, sides });

function sizeAndAccuracy({ turns }: Worker, file: ExportedFile | undefined): string[] {
  const accuracy = (turns[0]?.correct ?? Number.NaN) / (turns[0]?.messages ?? 1);
  return [`${((file?.bytes ?? Number.NaN) / 1e6).toFixed(1)} MB`, `${(100 * accuracy).toFixed(2)} %`];
}

function speed({ turns }: Worker): number {
  return (turns[0]?.messages ?? Number.NaN) / median(turns.map(({ seconds }) => seconds));
}

/** The classifier of the default recipe; trained once. */
async function fineTuned(): Promise<string> {
  const folder = workPath('runs', 'banking77');
  if (existsSync(join(folder, 'config.json'))) return folder;
  const recipe = ['--epochs', flags.epochs, '--learning-rate', flags['learning-rate'], '--batch-size', '16'];
  const data = ['--train', dataFile('banking77/train.csv'), '--label-column', 'category', '--eval', test];
  const run = ['--output', folder, '--overwrite', '--threads', `${threads}`];
  await runToEnd(bertuneCommand(['finetune', '--model', flags.model, ...data, ...recipe, ...run]));
  return folder;
}
