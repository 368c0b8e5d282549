import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { exportModel } from '../../src/jobs/exportModel.ts';
import { corpusFile } from './corpora.ts';
import {
  bertuneCommand,
  type Command,
  childEnvironment,
  ownScript,
  saveResults,
  threads,
  workPath,
} from './environment.ts';
import { benchModel } from './models.ts';
import { runToEnd } from './processes.ts';
import type { Load, LoadResult } from './serveLoad.ts';
import { stepShapes } from './shapes.ts';
import { gigabytes, median, printTable, rate, ratio } from './table.ts';

/**
 * `bertune serve` under load from a second process (autocannon), one message a request, with a classifier of 4 x 256 and 77
 * labels, beside a plain `pipeline` of transformers.js behind the same HTTP library. Both servers live at once and take
 * turns; so does ours with `--int8`. `--minutes N` instead keeps ours under load for so long and tells whether its memory grows.
 * Flags: --seconds N, --connections N, --rounds N, --messages N (of text/cs_logs.txt.gz), --minutes N, --only-ours.
 */
const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    connections: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '1' },
    messages: { type: 'string', default: '2000' },
    minutes: { type: 'string' },
    'only-ours': { type: 'boolean', default: false },
  },
});

interface RunningServer {
  readonly name: string;
  readonly url: string;
  readonly process: ChildProcess;
}

interface Side {
  readonly server: RunningServer;
  readonly turns: { readonly result: LoadResult; readonly residentBytes: number }[];
}

const shape = stepShapes.small;
const model = await benchModel(shape, 77);
const messages = await corpusFile('text/cs_logs.txt.gz', Number(flags.messages));
const serveCommand = ['serve', '--model', model, '--port', '0', '--json', ...threadFlag()];
const servers = [await start(bertuneCommand(serveCommand))];
try {
  if (flags.minutes !== undefined) await watchMemory(servers[0] as RunningServer, Number(flags.minutes));
  else {
    servers.push(await start({ ...bertuneCommand([...serveCommand, '--int8']), name: 'bertune, int8' }));
    if (!flags['only-ours']) servers.push(await start(await transformersJs()));
    await compare(servers);
  }
} finally {
  for (const { process } of servers) process.kill('SIGTERM');
}

async function compare(running: readonly RunningServer[]): Promise<void> {
  const [first, , ...theirs] = running; // int8 may differ
  await checkSameLabels([first, ...theirs].flatMap((server) => server ?? []));
  const sides: Side[] = running.map((server) => ({ server, turns: [] }));
  for (const { server } of sides) await load(server, 3);
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const { server, turns } of sides) {
      const result = await load(server, Number(flags.seconds));
      turns.push({ result, residentBytes: resident(server) });
    }
  }
  const middle = ({ turns }: Side, of: (result: LoadResult) => number) => median(turns.map(({ result }) => of(result)));
  const [ours, ourInt8] = sides;
  printTable(`serve, ${flags.connections} connections, ${shape.layers} x ${shape.hiddenSize}, a message a request`, [
    ['', 'requests/s', 'p50', 'p99', 'failed', 'memory', 'ours ÷ theirs: requests/s', 'int8'],
    ...sides.map((side) => {
      const perSecond = middle(side, (result) => result.requestsPerSecond);
      return [
        side.server.name,
        rate(perSecond),
        `${middle(side, (result) => result.p50)} ms`,
        `${middle(side, (result) => result.p99)} ms`,
        String(side.turns.reduce((sum, { result }) => sum + result.failed, 0)),
        gigabytes(Math.max(...side.turns.map(({ residentBytes }) => residentBytes))),
        ...[ours, ourInt8].map((own) => {
          const others = side !== ours && side !== ourInt8;
          return ratio(own && others ? middle(own, (result) => result.requestsPerSecond) : undefined, perSecond);
        }),
      ];
    }),
  ]);
  saveResults('serve', { shape, flags, sides: sides.map(({ server, turns }) => ({ name: server.name, turns })) });
}

/** Samples the memory while the server is under load, a minute at a time. */
async function watchMemory(server: RunningServer, minutes: number): Promise<void> {
  const samples: { minute: number; residentBytes: number; result: LoadResult }[] = [];
  await load(server, 10);
  for (let minute = 1; minute <= minutes; minute++) {
    const result = await load(server, 60);
    samples.push({ minute, residentBytes: resident(server), result });
  }
  printTable(`serve under load for ${minutes} minutes, ${flags.connections} connections`, [
    ['minute', 'requests/s', 'p99', 'failed', 'memory'],
    ...samples.map(({ minute, residentBytes, result }) => [
      String(minute),
      rate(result.requestsPerSecond),
      `${result.p99} ms`,
      String(result.failed),
      `${(residentBytes / 1e6).toFixed(0)} MB`,
    ]),
  ]);
  const third = Math.max(1, Math.floor(samples.length / 3));
  const level = (part: typeof samples) => median(part.map(({ residentBytes }) => residentBytes));
  const growth = level(samples.slice(-third)) / level(samples.slice(0, third));
  process.stdout.write(`memory of the last third ÷ that of the first: ${growth.toFixed(3)}\n`);
  saveResults('serve-memory', { shape, flags, samples, growth });
}

/** @throws when the two sides do not give the same labels: then they do not do the same work */
async function checkSameLabels(running: readonly RunningServer[]): Promise<void> {
  const lines = readFileSync(messages, 'utf8').split('\n');
  const texts = lines.filter((line) => line.trim() !== '').slice(0, 32);
  const answers = [];
  for (const { url } of running) {
    const labels = [];
    for (const text of texts) {
      const response = await fetch(`${url}/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ texts: [text] }),
      });
      const answer = (await response.json()) as { predictions: { label: string }[] };
      labels.push(answer.predictions[0]?.label);
    }
    answers.push(labels.join());
  }
  if (new Set(answers).size > 1) throw new Error('the two servers give different labels');
}

async function load({ name, url }: RunningServer, seconds: number): Promise<LoadResult> {
  const options: Load = { url, seconds, connections: Number(flags.connections), messages };
  const { stdout } = await runToEnd(ownScript(`the load on ${name}`, 'serveLoad.js', options));
  return JSON.parse(stdout);
}

/** Starts a server, which says `{"url": …}` once it listens. */
async function start({ name, command, args }: Command): Promise<RunningServer> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: childEnvironment() });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) return { name, url: JSON.parse(line).url, process: child };
  }
  throw new Error(`${name} did not start`);
}

async function transformersJs(): Promise<Command> {
  const folder = workPath('exports', basename(model));
  if (!existsSync(folder)) await exportModel({ model, output: folder, dtypes: ['fp32'], threads });
  return ownScript('transformers.js', 'serveTransformersJs.js', { folder, threads });
}

function threadFlag(): string[] {
  return ['--threads', String(threads)];
}

/** Resident memory now; 0 where the system does not tell (it is read from /proc). */
function resident({ process: { pid } }: RunningServer): number {
  try {
    const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
