import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { type Command, childEnvironment } from './environment.ts';

/** What a side says of one turn. */
export interface Turn {
  readonly seconds: number;
  /** Largest resident memory of the process so far. */
  readonly peakBytes: number;
  readonly loss?: number;
  readonly messages?: number;
  /** Messages that got the right label. */
  readonly correct?: number;
  /** Real tokens, padding left out. */
  readonly tokens?: number;
  /** Seconds of the part that is compared on its own, when a turn has one. */
  readonly coreSeconds?: number;
}

/** One side: a process that says when it is ready, and then does one turn for every line it is sent. */
export class Worker {
  readonly name: string;
  /** What it said when it was ready. */
  start: Turn | undefined;
  /** The turns that count. */
  readonly turns: Turn[] = [];
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor({ name, command, args }: Command) {
    this.name = name;
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: childEnvironment() });
    if (!this.#process.stdout) throw new Error('no output');
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  get peakBytes(): number {
    return Math.max(0, ...this.turns.map(({ peakBytes }) => peakBytes));
  }

  async ready(): Promise<void> {
    this.start = await this.#answer();
  }

  async turn(counts: boolean): Promise<void> {
    this.#process.stdin?.write('go\n');
    const turn = await this.#answer();
    if (counts) this.turns.push(turn);
  }

  close(): void {
    this.#process.stdin?.end();
    this.#process.kill();
  }

  async #answer(): Promise<Turn> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.name} ended`);
    return JSON.parse(value);
  }
}

/** Idle threads of the side that has just run stop spinning within this. */
const pauseMilliseconds = 250;

/**
 * Starts all sides, one after the other, and lets them take turns, so that all meet the same machine.
 *
 * @param warmUp turns before the first that counts: they compile, allocate and fill caches
 */
export async function takeTurns(
  commands: readonly Command[],
  { rounds, warmUp }: { rounds: number; warmUp: number },
): Promise<Worker[]> {
  const workers: Worker[] = [];
  try {
    for (const command of commands) {
      const worker = new Worker(command);
      workers.push(worker);
      await worker.ready();
    }
    for (let round = -warmUp; round < rounds; round++) {
      for (const worker of workers) {
        await worker.turn(round >= 0);
        await setTimeout(pauseMilliseconds);
      }
    }
  } finally {
    for (const worker of workers) worker.close();
  }
  return workers;
}
