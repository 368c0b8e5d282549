import { parseArgs } from 'node:util';
import { ownScript, saveResults, threads } from './environment.ts';
import { stepShapes, withBlock } from './shapes.ts';
import { type StepOptions, stepOptions } from './stepOptions.ts';
import { gigabytes, median, printTable, rate, ratio, seconds } from './table.ts';
import { takeTurns } from './worker.ts';

/**
 * One training step of the small shape on every engine that is here. Losses are those of the last turn: the engines draw
 * the same masks, so they agree to rounding. With BERTUNE_TFJS, a folder with @tensorflow/tfjs-node, that takes turns, too.
 * Flags: --rounds N, --rows N, --width N, --javascript (its backend without WebAssembly, which takes minutes).
 */
const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    rows: { type: 'string', default: '8' },
    width: { type: 'string', default: '64' },
    javascript: { type: 'boolean', default: false },
  },
});

const shape = withBlock(stepShapes.small, Number(flags.rows), Number(flags.width));
const options = await stepOptions(shape, 0.1);
const onThreads = (count: number): StepOptions => ({ ...options, shape: { ...shape, threads: count } });
const workers = await takeTurns(
  [
    ownScript('ONNX Runtime, all threads', 'stepWorker.js', onThreads(threads)),
    ownScript('ONNX Runtime, one thread', 'stepWorker.js', onThreads(1)),
    ...(process.env.BERTUNE_TFJS
      ? [ownScript('TensorFlow.js, tfjs-node', 'stepWorker.js', { ...options, backend: 'tensorflow' })]
      : []),
    ownScript('TensorFlow.js, WebAssembly', 'stepWorker.js', { ...options, backend: 'wasm' }),
    ...(flags.javascript
      ? [ownScript('TensorFlow.js, JavaScript', 'stepWorker.js', { ...options, backend: 'cpu' })]
      : []),
  ],
  { rounds: Number(flags.rounds), warmUp: 1 },
);
const [first] = workers;
const time = (worker: (typeof workers)[number]) => median(worker.turns.map((turn) => turn.seconds));
printTable(`a training step of ${shape.layers} layers of ${shape.hiddenSize}, ${shape.rows} x ${shape.width} tokens`, [
  ['', 'median', 'tokens/s', 'peak memory', 'time ÷ the first', 'loss'],
  ...workers.map((worker) => [
    worker.name,
    seconds(time(worker)),
    rate((shape.rows * shape.width) / time(worker)),
    gigabytes(worker.peakBytes),
    ratio(first && first !== worker ? time(worker) : undefined, first ? time(first) : 0),
    String(worker.turns.at(-1)?.loss?.toFixed(6)),
  ]),
]);
saveResults('engines', { shape, sides: workers.map(({ name, turns }) => ({ name, turns })) });
