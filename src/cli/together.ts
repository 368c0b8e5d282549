import { hostname } from 'node:os';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommanderError } from 'commander';
import { counted } from '../core/errors.ts';
import { Message } from '../core/message.ts';
import { type Failure, failureOf, join, type Launch, type Processes } from '../jobs/processes.ts';
import type { SignalSource, StopSignal, Terminal } from './command.ts';
import { spelledAsFlag } from './flags.ts';
import { flushed } from './output.ts';

/** How long a process that cannot join leaves it to the first one to say why. */
const firstSpeaksMs = 1500;
/** How long a launcher gets to hand on what a process wrote last: it may drop what it has not read when all are ended. */
const deliveryMs = 500;

/**
 * Runs one command line in one of several processes: the first one speaks for all, and what goes wrong in all of them is
 * said once. One that fails while others are at work ends them.
 *
 * @returns the exit status
 */
export async function runTogether(
  launch: Launch,
  terminal: Terminal,
  run: (terminal: Terminal, processes: Processes) => Promise<void>,
): Promise<number> {
  const who = `process ${launch.rank} of ${launch.size} on ${hostname()}`;
  let processes: Processes;
  try {
    processes = await join(launch, terminal.env.BERTUNE_MPI);
  } catch (error) {
    // The launcher ends the others when the first one has ended.
    if (launch.rank > 0) await sleep(firstSpeaksMs);
    terminal.stderr.write(errorLine(failureOf(error), launch.rank > 0 ? who : undefined));
    return failureOf(error).exitCode;
  }
  const isFirst = processes.collective.rank === 0;
  const exit = (code: number) => processes.abort(code);
  const silent = () => new Writable({ write: (_chunk, _encoding, done) => done() });
  const signals = withForwarded(terminal.signals);
  const own = isFirst ? terminal : { ...terminal, stdout: silent(), stderr: silent() };
  const inner = { ...own, exit, signals };
  try {
    await run(inner, processes);
    await Promise.all([flushed(inner.stdout), flushed(inner.stderr)]);
    processes.leave();
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      processes.leave();
      return 0;
    }
    const failure = error instanceof CommanderError ? ofUsage(error) : failureOf(error);
    const all = await processes.compareFailures(failure);
    if (!all) {
      terminal.stderr.write(errorLine(failure, who));
      await flushed(terminal.stderr);
      await sleep(deliveryMs);
      processes.abort(failure.exitCode);
      return failure.exitCode;
    }
    // Commander has said by itself what it did not understand.
    if (isFirst) terminal.stderr.write(errorLines(all, error instanceof CommanderError));
    await flushed(terminal.stderr);
    processes.leave();
    return failure.exitCode;
  }
}

/**
 * The same, with SIGUSR2 heard as SIGTERM: mpirun hands it on as it is, while of those that stop itself it makes a short
 * notice.
 */
function withForwarded(signals: SignalSource): SignalSource {
  const names = (event: StopSignal) => (event === 'SIGTERM' ? (['SIGTERM', 'SIGUSR2'] as const) : [event]);
  return {
    on: (event, listener) => names(event).map((name) => signals.on(name, listener)),
    off: (event, listener) => names(event).map((name) => signals.off(name, listener)),
  };
}

/** Who works together and how, in one line. */
export function described({ collective: { size }, machines, mpi, threads }: Processes): string {
  return `${counted(size, 'process', 'processes')} on ${counted(machines, 'machine')} by ${mpi}, ${counted(threads, 'thread')} each`;
}

function ofUsage(error: CommanderError): Failure {
  return { parts: [error.message.replace(/^error: /, '')], exitCode: 2, isKnown: true };
}

/** What went wrong, once where it is the same for all. @param isSaid whether that of the first process is */
function errorLines(failures: readonly Failure[], isSaid: boolean): string {
  const ranks = new Map<string, number[]>();
  for (const [rank, failure] of failures.entries()) {
    const line = errorLine(failure);
    ranks.set(line, [...(ranks.get(line) ?? []), rank]);
  }
  return [...ranks.values()]
    .filter((those) => !(isSaid && those[0] === 0))
    .map((those) => {
      const failure = failures[those[0] ?? 0] as Failure;
      return errorLine(failure, ranks.size === 1 ? undefined : `process ${those.join(', ')}`);
    })
    .join('');
}

function errorLine({ parts, isKnown }: Failure, who?: string): string {
  const message = new Message(parts)
    .spelled(spelledAsFlag)
    .trim()
    .replace(/\s*\n\s*/g, ' ');
  return `error: ${who === undefined ? '' : `${who}: `}${message}${isKnown ? '' : ' (run again with --debug in one process for the stack trace)'}\n`;
}
