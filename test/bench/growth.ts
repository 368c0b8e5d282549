import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { sizeOf } from '../../src/core/tensor.ts';
import { elementsHeld } from '../../src/engine/trainState.ts';
import { peakBytes } from '../../src/graph/memory.ts';
import { objectiveGraph, objectiveParameters } from '../../src/tasks/text/graph.ts';
import { chooseOptimizer } from '../../src/train/optimizers/optimizers.ts';
import { stepGraph } from '../../src/train/programs.ts';
import type { AdaptWorkerOptions } from './adaptWorker.ts';
import { generatedCorpus } from './corpora.ts';
import { cacheFolder, ownScript, saveResults, threads, workPath } from './environment.ts';
import { modelOf, type StepShape, stepObjective, stepShapes, withBlock } from './shapes.ts';
import { stepOptions } from './stepOptions.ts';
import { gigabytes, median, printTable, rate, seconds, sum } from './table.ts';
import { takeTurns, type Worker } from './worker.ts';

/**
 * How cost grows: of the real `adapt` with the number of lines, of a step with the length of its rows at the same number
 * of tokens, and of memory with the rows of a batch. Ours alone, 4 x 256 shape; each figure from a process of its own.
 * Flags: --lines 1000,100000 (also 10000000), --lengths 32,64,128,256,512, --rows 8,16,32,64, --rounds N,
 * --parts lines,length,batch.
 */
const { values: flags } = parseArgs({
  options: {
    lines: { type: 'string', default: '1000,100000' },
    lengths: { type: 'string', default: '32,64,128,256,512' },
    rows: { type: 'string', default: '8,16,32,64' },
    rounds: { type: 'string', default: '5' },
    parts: { type: 'string', default: 'lines,length,batch' },
  },
});
const turns = { rounds: Number(flags.rounds), warmUp: 2 };
const tokens = 4096;

const results: Record<string, unknown> = {};
const parts = { lines: byLines, length: byLength, batch: byBatch };
for (const [name, part] of Object.entries(parts)) {
  if (flags.parts.split(',').includes(name)) results[name] = await part();
}
saveResults('growth', results);

async function byLines() {
  rmSync(cacheFolder, { recursive: true, force: true });
  const rows = [];
  for (const lines of numbers(flags.lines)) {
    const options: AdaptWorkerOptions = {
      ...{
        model: 'checkpoints/bert-mini-sentences',
        corpus: { files: [generatedCorpus({ lines })] },
        threads,
        seed: 1,
      },
      ...{ output: workPath('runs', 'growth'), overwrite: true, maxLength: 128, batchTokens: tokens },
      ...{ maxSteps: 1_000_000, evalFraction: 0, meanTokens: 1 },
    };
    const [worker] = await takeTurns([ownScript('adapt', 'adaptWorker.js', options)], turns);
    if (!worker) throw new Error('no worker');
    const speed = median(worker.turns.map((turn) => (turn.tokens ?? 0) / turn.seconds));
    rows.push({ lines, firstStep: worker.start?.seconds ?? 0, tokensPerSecond: speed, peakBytes: worker.peakBytes });
  }
  printTable('adapt by lines of the corpus, bert-mini-sentences, 32 x 128 tokens', [
    ['lines', 'to the first step, tokenizing included', 'tokens/s', 'peak memory'],
    ...rows.map((row) => [
      ...[row.lines.toLocaleString('en'), seconds(row.firstStep), rate(row.tokensPerSecond), gigabytes(row.peakBytes)],
    ]),
  ]);
  return rows;
}

async function byLength() {
  const rows = [];
  for (const width of numbers(flags.lengths)) rows.push(await step(withBlock(stepShapes.small, tokens / width, width)));
  print(`a step of ${tokens} tokens by length, 4 x 256`, rows);
  return rows;
}

async function byBatch() {
  const rows = [];
  for (const count of numbers(flags.rows)) rows.push(await step(withBlock(stepShapes.small, count, 128)));
  print('a step by rows of 128 tokens, 4 x 256', rows);
  return rows;
}

type Measured = { rows: number; width: number; seconds: number; peakBytes: number; estimatedBytes: number };

async function step(shape: StepShape): Promise<Measured> {
  const [worker] = await takeTurns([ownScript('bertune', 'stepWorker.js', await stepOptions(shape, 0.1))], turns);
  const { rows, width } = shape;
  const estimatedBytes = estimate(shape);
  return { rows, width, seconds: timeOf(worker), peakBytes: worker?.peakBytes ?? 0, estimatedBytes };
}

/** What a run of such steps is estimated to take beside Node, before it starts. */
function estimate(shape: StepShape): number {
  const model = modelOf(shape);
  const elements = sum(objectiveParameters(model, stepObjective).map((spec) => sizeOf(spec.shape)));
  const loss = objectiveGraph(model, stepObjective, shape, { words: shape.predictions }, { training: true });
  return 4 * elementsHeld(chooseOptimizer({ name: 'adamw' }).rule, 1) * elements + peakBytes(stepGraph(loss));
}

function print(title: string, rows: readonly Measured[]): void {
  printTable(title, [
    ['rows x width', 'median step', 'tokens/s', 'peak memory', 'estimated, beside Node'],
    ...rows.map((row) => [
      `${row.rows} x ${row.width}`,
      seconds(row.seconds),
      rate((row.rows * row.width) / row.seconds),
      gigabytes(row.peakBytes),
      gigabytes(row.estimatedBytes),
    ]),
  ]);
}

function timeOf(worker: Worker | undefined): number {
  return median(worker?.turns.map((turn) => turn.seconds) ?? []);
}

function numbers(list: string): number[] {
  return list.split(',').filter(Boolean).map(Number);
}
