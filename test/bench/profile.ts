import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { InferenceSession } from 'onnxruntime-node';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import * as ops from '../../src/graph/functions.ts';
import { Graph } from '../../src/graph/graph.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { corpusFile } from './corpora.ts';
import { saveResults, threads, workPath } from './environment.ts';
import { benchModel } from './models.ts';
import { stepOperations, stepShapes } from './shapes.ts';
import { percent, printTable, seconds, sum } from './table.ts';

/**
 * Where the time of a step of the real `adapt` goes: matrix products, the other kernels, the optimizer, what is left of
 * a run of the engine, and what is outside of it; with the time that the arithmetic alone takes at the speed of a plain
 * matrix product on the same machine. ONNX Runtime times its kernels.
 * Flags: --steps N (after three that do not count), --shape base|small, --lines N (of text/cs_logs.txt.gz).
 */
const { values: flags } = parseArgs({
  options: {
    steps: { type: 'string', default: '5' },
    shape: { type: 'string', default: 'base' },
    lines: { type: 'string', default: '20000' },
  },
});
const warmUp = 3;
const products = new Set([
  'MatMul',
  'FusedMatMul',
  'TransposeMatMul',
  'Gemm',
  'FusedGemm',
  'Conv',
  'Einsum',
  'Attention',
]);

/** One of the job's sessions, with the time of each of its runs and the step that it was part of. */
interface Watched {
  readonly prefix: string;
  readonly session: InferenceSession;
  readonly runs: { readonly step: number; readonly seconds: number }[];
}

const shape = stepShapes[flags.shape === 'small' ? 'small' : 'base'];
const steps = Number(flags.steps);
const model = await benchModel(shape);
const corpus = await corpusFile('text/cs_logs.txt.gz', Number(flags.lines));
const [plain, inner] = [
  await productSpeed(2048, 2048, 2048),
  await productSpeed(1024, shape.hiddenSize, 4 * shape.hiddenSize),
];
const folder = workPath('profile', 'sessions');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const watched: Watched[] = [];
let step = 0;
watchSessions();
const ends: { time: number; cpu: number }[] = [];
await adapt(
  {
    ...{ model, corpus: { files: [corpus] }, output: workPath('runs', 'profile'), overwrite: true, threads, seed: 1 },
    ...{ maxLength: shape.width, batchTokens: shape.rows * shape.width, maxSteps: 100_000, evalFraction: 0 },
  },
  {
    onEvent({ type }) {
      if (type !== 'step') return;
      const { user, system } = process.cpuUsage();
      ends.push({ time: performance.now() / 1000, cpu: (user + system) / 1e6 });
      if (++step < warmUp + steps) return;
      report();
      process.exit();
    },
  },
);

/** Wraps the making of sessions, so that the engine's own are profiled and their runs are timed. */
function watchSessions(): void {
  const create = InferenceSession.create.bind(InferenceSession);
  const watchedCreate = async (bytes: Uint8Array, options: InferenceSession.SessionOptions) => {
    const prefix = `session${watched.length}`;
    const profiling = { enableProfiling: true, profileFilePrefix: join(folder, prefix) };
    const session = await create(bytes, { ...options, ...profiling });
    const entry: Watched = { prefix, session, runs: [] };
    watched.push(entry);
    const run = session.run.bind(session);
    const timedRun = async (feeds: InferenceSession.FeedsType, fetches: InferenceSession.FetchesType) => {
      const started = performance.now();
      try {
        return await run(feeds, fetches);
      } finally {
        entry.runs.push({ step, seconds: (performance.now() - started) / 1000 });
      }
    };
    return Object.assign(session, { run: timedRun });
  };
  Object.assign(InferenceSession, { create: watchedCreate });
}

/** Time and calls of each kind of op in the runs that count. */
type OpTimes = Map<string, { calls: number; seconds: number }>;

function report(): void {
  const [first, last] = [ends[warmUp - 1], ends.at(-1)];
  if (!first || !last) throw new Error('no steps');
  const wall = (last.time - first.time) / steps;
  const idle = 1 - (last.cpu - first.cpu) / (last.time - first.time) / threads;
  const sessions = watched.map((entry) => ({
    ops: opTimes(entry),
    time: sum(counted(entry).map((run) => run.seconds)) / steps,
  }));
  const isStep = (ops: OpTimes) => [...ops.keys()].some((op) => products.has(op));
  const inStep = sessions.filter(({ ops }) => isStep(ops));
  const ops = merged(inStep.map((session) => session.ops));
  const times = [...ops].map(([op, { seconds: time }]) => ({ op, time: time / steps }));
  const arithmetic = sum(times.filter(({ op }) => products.has(op)).map(({ time }) => time));
  const memoryBound = sum(times.filter(({ op }) => !products.has(op)).map(({ time }) => time));
  const engine = sum(inStep.map(({ time }) => time));
  const optimizer = sum(sessions.filter((session) => !isStep(session.ops)).map(({ time }) => time));
  const limit = stepOperations(shape) / plain;
  const parts: [string, number][] = [
    ['matrix products', arithmetic],
    ['other kernels (memory-bound)', memoryBound],
    ['engine between kernels', engine - arithmetic - memoryBound],
    ['optimizer: norm and update', optimizer],
    ['data preparation and the rest outside the engine', wall - engine - optimizer],
  ];
  printTable(`a step of adapt, ${shape.layers} x ${shape.hiddenSize}, ${shape.rows} x ${shape.width} tokens`, [
    ['', 'a step', 'share'],
    ...parts.map(([name, time]) => [name, seconds(time), percent(time / wall)]),
    ['the whole step', seconds(wall), percent(1)],
    [
      `its arithmetic at the speed of a plain product (${(plain / 1e9).toFixed(0)} GFLOPS)`,
      seconds(limit),
      percent(limit / wall),
    ],
    ['cores idle', '', percent(idle)],
  ]);
  const speed = stepOperations(shape) / arithmetic;
  const figures = [speed, inner].map((value) => `${(value / 1e9).toFixed(0)} GFLOPS`);
  process.stdout.write(
    `matrix products ran at ${figures[0]}; one of the feed-forward layer's size alone: ${figures[1]}\n\n`,
  );
  const sorted = [...ops].sort(([, a], [, b]) => b.seconds - a.seconds);
  printTable('kernels of the step', [
    ['', 'calls', 'a step', 'share'],
    ...sorted
      .slice(0, 16)
      .map(([op, { calls, seconds: time }]) => [
        ...[op, String(Math.round(calls / steps)), seconds(time / steps), percent(time / steps / wall)],
      ]),
  ]);
  saveResults('profile', { shape, plain, inner, wall, idle, limit, parts, kernels: Object.fromEntries(sorted) });
}

function counted({ runs }: Watched): Watched['runs'] {
  return runs.filter((run) => run.step >= warmUp);
}

/** What ONNX Runtime wrote about a session's kernels, in the runs that count. */
function opTimes(entry: Watched): OpTimes {
  entry.session.endProfiling();
  const file = readdirSync(folder).find((name) => name.startsWith(`${entry.prefix}_`));
  const times: OpTimes = new Map();
  if (file === undefined) return times;
  let run = 0;
  let pending: ProfileEvent[] = [];
  // A run's own event comes after those of its kernels.
  for (const event of JSON.parse(readFileSync(join(folder, file), 'utf8')) as ProfileEvent[]) {
    if (event.cat === 'Node' && event.name.endsWith('_kernel_time')) pending.push(event);
    if (event.name !== 'model_run') continue;
    if ((entry.runs[run++]?.step ?? 0) >= warmUp) for (const kernel of pending) addTime(times, kernel);
    pending = [];
  }
  return times;
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

function addTime(times: OpTimes, { dur, args }: ProfileEvent): void {
  const op = args?.op_name ?? '?';
  const { calls, seconds } = times.get(op) ?? { calls: 0, seconds: 0 };
  times.set(op, { calls: calls + 1, seconds: seconds + dur / 1e6 });
}

function merged(all: readonly OpTimes[]): OpTimes {
  const total: OpTimes = new Map();
  for (const [op, { calls, seconds }] of all.flatMap((times) => [...times])) {
    const before = total.get(op) ?? { calls: 0, seconds: 0 };
    total.set(op, { calls: before.calls + calls, seconds: before.seconds + seconds });
  }
  return total;
}

/** Operations a second of one matrix product [m, k] x [k, n] in float32, by the same engine: the fastest of many, as it is a limit. */
async function productSpeed(m: number, k: number, n: number): Promise<number> {
  const graph = new Graph();
  graph.output('c', ops.matmul(graph.input('a', 'float32', [m, k]), graph.input('b', 'float32', [k, n])));
  const program = await onnxEngine({ threads }).compile(graph);
  const matrix = (rows: number, columns: number) =>
    ({ dtype: 'float32', shape: [rows, columns], data: new Float32Array(rows * columns).fill(0.5) }) as const;
  const [inputs, into] = [{ a: matrix(m, k), b: matrix(k, n) }, { c: matrix(m, n) }];
  const times: number[] = [];
  for (let i = 0; i < 40; i++) {
    const started = performance.now();
    await program.run(inputs, into);
    times.push((performance.now() - started) / 1000);
  }
  await program.dispose();
  return (2 * m * k * n) / Math.min(...times);
}
