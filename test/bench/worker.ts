import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What one side of the benchmark measured: a time and a loss a step. */
export interface Side {
  readonly name: string;
  readonly seconds: number[];
  readonly losses: number[];
  peakBytes: number;
}

/** One side: a process that takes a step for every line it is sent. */
export class Worker {
  readonly side: Side;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(name: string, command: string, args: string[]) {
    this.side = { name, seconds: [], losses: [], peakBytes: 0 };
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    if (!this.#process.stdout) throw new Error('no output');
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async answer(): Promise<{ seconds: number; loss: number; peakBytes: number }> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.side.name} ended`);
    return JSON.parse(value);
  }

  async step(counts: boolean): Promise<void> {
    this.#process.stdin?.write('step\n');
    const { seconds, loss, peakBytes } = await this.answer();
    if (counts) this.side.seconds.push(seconds);
    this.side.losses.push(loss);
    this.side.peakBytes = peakBytes;
  }

  close(): void {
    this.#process.stdin?.end();
  }
}
