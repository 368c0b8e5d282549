import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { InferenceSession } from 'onnxruntime-node';
import { onnxEngine } from '../../src/engine/onnx/engine.ts';
import { DropoutMasks } from '../../src/engine/wasm/dropoutMasks.ts';
import { LoopEngine } from '../../src/engine/wasm/engine.ts';
import * as ops from '../../src/graph/functions.ts';
import { Graph } from '../../src/graph/graph.ts';
import { adapt } from '../../src/jobs/adapt.ts';
import { corpusFile } from './corpora.ts';
import { cacheFolder, saveResults, threads, workPath } from './environment.ts';
import { groupKernels, isProduct, type KernelTimes, readKernels } from './kernels.ts';
import { benchModel } from './models.ts';
import { stepShapes } from './shapes.ts';
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
const loops = { optimizer: 0, masks: 0 };
watchLoops();
const ends: { time: number; cpu: number }[] = [];
await adapt(
  {
    ...{ model, corpus: { files: [corpus] }, output: workPath('runs', 'profile'), overwrite: true, threads, seed: 1 },
    ...{
      maxLength: shape.width,
      batchTokens: shape.rows * shape.width,
      maxSteps: 100_000,
      evalFraction: 0,
      cache: cacheFolder,
    },
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

/** Times what runs in WebAssembly, in the steps that count. */
function watchLoops(): void {
  const timed = <T>(kind: keyof typeof loops, started: number, result: T): T => {
    if (step >= warmUp) loops[kind] += (performance.now() - started) / 1000;
    return result;
  };
  const { compile } = LoopEngine.prototype;
  LoopEngine.prototype.compile = async function (...given) {
    const program = await compile.apply(this, given);
    return {
      ...program,
      async run(...tensors) {
        const started = performance.now();
        return timed('optimizer', started, await program.run(...tensors));
      },
    };
  };
  const { draw } = DropoutMasks.prototype;
  DropoutMasks.prototype.draw = function (...given) {
    const started = performance.now();
    timed('masks', started, draw.apply(this, given));
  };
}

function report(): void {
  const [first, last] = [ends[warmUp - 1], ends.at(-1)];
  if (!first || !last) throw new Error('no steps');
  const wall = (last.time - first.time) / steps;
  const idle = 1 - (last.cpu - first.cpu) / (last.time - first.time) / threads;
  const sessions = watched.map((entry) => ({ kernels: kernelsOf(entry), time: timeOf(entry) }));
  const ofStep = sessions.filter(({ kernels }) => kernels.some(isProduct));
  const kernels = ofStep.flatMap((session) => session.kernels);
  const ofProducts = kernels.filter(isProduct);
  const timed = (some: readonly KernelTimes[]) => sum(some.map((kernel) => kernel.seconds)) / steps;
  const operations = sum(ofProducts.map((kernel) => kernel.operations)) / steps;
  const engine = sum(ofStep.map(({ time }) => time));
  const [optimizer, masks] = [loops.optimizer / steps, loops.masks / steps];
  const limit = operations / plain;
  const parts: [string, number][] = [
    ['matrix products', timed(ofProducts)],
    ['other kernels (memory-bound)', timed(kernels) - timed(ofProducts)],
    ['engine between kernels', engine - timed(kernels)],
    ['dropout masks', masks],
    ['optimizer: norm and update', optimizer],
    ['data preparation and the rest outside the engine', wall - engine - masks - optimizer],
  ];
  printTable(`a step of adapt, ${shape.layers} x ${shape.hiddenSize}, ${shape.rows} x ${shape.width} tokens`, [
    ['', 'a step', 'share'],
    ...parts.map(([name, time]) => [name, seconds(time), percent(time / wall)]),
    ['the whole step', seconds(wall), percent(1)],
    [`its products at the speed of a plain one (${gigaflops(plain)})`, seconds(limit), percent(limit / wall)],
    ['cores idle', '', percent(idle)],
  ]);
  const row = ({ calls, seconds: time, operations: all }: KernelTimes) => [
    ...[String(Math.round(calls / steps)), seconds(time / steps), percent(time / steps / wall)],
    all > 0 ? gigaflops(all / time) : '',
  ];
  const byOp = groupKernels(kernels, ({ op }) => op);
  const byShape = groupKernels(ofProducts, ({ op, shapes }) => `${op} ${shapes}`);
  const columns = ['calls', 'a step', 'share', 'speed'];
  printTable('kernels', [['', ...columns], ...byOp.slice(0, 16).map((group) => [group.op, ...row(group)])]);
  printTable(`matrix products (one of the feed-forward layer's size alone: ${gigaflops(inner)})`, [
    ['', ...columns],
    ...byShape.slice(0, 16).map((group) => [`${group.op} ${group.shapes}`, ...row(group)]),
  ]);
  saveResults('profile', { shape, steps, plain, inner, wall, idle, limit, parts, byOp, byShape });
}

function gigaflops(operationsPerSecond: number): string {
  return `${(operationsPerSecond / 1e9).toFixed(0)} GFLOPS`;
}

/** Seconds a step in the runs of a session. */
function timeOf({ runs }: Watched): number {
  return sum(runs.filter((run) => run.step >= warmUp).map((run) => run.seconds)) / steps;
}

/** The kernels of a session in the steps that count. */
function kernelsOf({ session, prefix, runs }: Watched): KernelTimes[] {
  session.endProfiling();
  const file = readdirSync(folder).find((name) => name.startsWith(`${prefix}_`));
  return file === undefined ? [] : readKernels(join(folder, file), (run) => (runs[run]?.step ?? 0) >= warmUp);
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
