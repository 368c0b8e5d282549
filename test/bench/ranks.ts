import { parseArgs } from 'node:util';
import { sizeOf } from '../../src/core/tensor.ts';
import { objectiveParameters } from '../../src/tasks/text/graph.ts';
import { mpich, openMpi } from '../programs.ts';
import { generatedCorpus } from './corpora.ts';
import { bertuneCommand, type Command, fail, saveResults, workPath } from './environment.ts';
import { benchModel } from './models.ts';
import { runToEnd } from './processes.ts';
import { modelOf, type StepShape, stepObjective, stepShapes } from './shapes.ts';
import { median, printTable, rate, ratio, seconds, sum } from './table.ts';

/**
 * Tokens a second of `adapt` in one process of two threads, and in two processes of one thread each that MPI connects,
 * with gradients added up fast and exactly: whole runs in turns, medians and, for a machine that is busy, the fastest. From them and the bytes of a gradient, what a
 * step takes on more machines (no data needed). Flags: --rounds N, --steps N, --shapes base,small.
 */
const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '6' },
    shapes: { type: 'string', default: Object.keys(stepShapes).join() },
  },
});

if (!openMpi && !mpich) fail('there is no mpirun: apt-get install openmpi-bin');
const corpus = generatedCorpus({ lines: 20_000 });
const results = [];
for (const name of flags.shapes.split(',')) {
  if (name !== 'base' && name !== 'small') fail(`--shapes knows ${Object.keys(stepShapes).join()}, not ${name}`);
  const shape = stepShapes[name];
  const model = await benchModel(shape);
  const sides = [
    { name: '1 process of 2 threads', command: adapting(model, shape, 2, 'fast') },
    { name: '2 processes of 1 thread', command: together(adapting(model, shape, 1, 'fast')) },
    { name: 'the same, exact', command: together(adapting(model, shape, 1, 'exact')) },
  ].map((side) => ({ ...side, tokensPerSecond: [] as number[] }));
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const { command, tokensPerSecond } of sides) {
      const { stdout } = await runToEnd(command);
      tokensPerSecond.push((JSON.parse(stdout) as { tokensPerSecond: number }).tokensPerSecond);
    }
  }
  const [one] = sides.map(({ tokensPerSecond }) => median(tokensPerSecond));
  const fastest = Math.max(...(sides[0]?.tokensPerSecond ?? []));
  printTable(
    `adapt, ${shape.name}: ${shape.layers} x ${shape.hiddenSize}, 2 micro-batches of ${shape.rows} x ${shape.width}`,
    [
      ['', 'tokens/s, median', 'to one process', 'fastest', 'to one process', 'of each round'],
      ...sides.map(({ name, tokensPerSecond }, i) => [
        name,
        rate(median(tokensPerSecond)),
        i === 0 ? '-' : ratio(median(tokensPerSecond), one ?? 0),
        rate(Math.max(...tokensPerSecond)),
        i === 0 ? '-' : ratio(Math.max(...tokensPerSecond), fastest),
        tokensPerSecond.map(rate).join(' '),
      ]),
    ],
  );
  const gradientBytes = 4 * sum(objectiveParameters(modelOf(shape), stepObjective).map((spec) => sizeOf(spec.shape)));
  onMore(shape, gradientBytes, (shape.rows * shape.width) / fastest);
  results.push({ shape: shape.name, gradientBytes, sides: sides.map(({ command: _, ...side }) => side) });
}
saveResults('ranks', results);

function adapting(model: string, shape: StepShape, threads: number, reduce: string): Command {
  return bertuneCommand([
    ...['adapt', '--model', model, '--corpus', corpus, '--objective', 'masked', '--max-length', `${shape.width}`],
    ...['--batch-tokens', `${2 * shape.rows * shape.width}`, '--accumulation-steps', '2', '--max-steps', flags.steps],
    ...['--eval-fraction', '0', '--save-steps', '1000', '--threads', `${threads}`, '--reduce', reduce],
    ...['--output', workPath('runs', `ranks-${process.pid}`), '--overwrite', '--json'],
  ]);
}

/** Two processes of a command. */
function together({ name, command, args }: Command): Command {
  const asRoot = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  // Bound to a core, a process would lose it to whatever else runs there.
  const unbound = openMpi ? ['--bind-to', 'none'] : [];
  return { name, command: openMpi ?? mpich ?? '', args: [...unbound, '-n', '2', command, ...args], env: asRoot };
}

/**
 * What a step takes on machines like this one, a process each, and what share of it is arithmetic: on paper. A sum over N
 * processes sends 2 (N - 1) / N gradients from each, an exact one of k micro-batches a process (k + 1) (N - 1) / N; each
 * network gives 90 % of its rate, and a message takes 20 µs in each of 2 log2 N rounds.
 *
 * @param compute seconds that a micro-batch takes on one machine
 */
function onMore({ name }: StepShape, gradientBytes: number, compute: number): void {
  const rows = [8, 64, 512].flatMap((processes) =>
    [1, 8].map((batches) => {
      const arithmetic = batches * compute;
      const cells = [10, 100].flatMap((gigabits) => {
        const gradient = ((processes - 1) / processes) * (gradientBytes / ((gigabits / 8) * 0.9e9));
        const latency = 2 * Math.log2(processes) * 20e-6;
        const [fast, exact] = [2 * gradient + latency, (batches + 1) * gradient + latency];
        return [seconds(arithmetic + fast), `${share(arithmetic, fast)}`, `${share(arithmetic, exact)}`];
      });
      return [`${processes}`, `${batches}`, seconds(arithmetic), ...cells];
    }),
  );
  printTable(
    `${name} on paper: ${(gradientBytes / 1e6).toFixed(0)} MB of gradients, ${seconds(compute)} a micro-batch`,
    [
      [
        'machines',
        'micro-batches each',
        'arithmetic',
        '10 Gbit/s: step',
        'used',
        'exact',
        '100 Gbit/s: step',
        'used',
        'exact',
      ],
      ...rows,
    ],
  );
}

function share(arithmetic: number, sending: number): string {
  return `${Math.round((100 * arithmetic) / (arithmetic + sending))} %`;
}
