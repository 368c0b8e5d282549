import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import type { CommandSpec, Terminal } from '../../src/cli/command.ts';
import { commands, runProgram } from '../../src/cli/program.ts';

/** A stream that keeps what is written to it. */
export class Collector extends Writable {
  readonly isTTY: boolean;
  readonly columns = 100;
  text = '';

  constructor(isTTY = false) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** A terminal in memory. */
export function memoryTerminal(input = ''): Terminal & { stdout: Collector; stderr: Collector; exits: number[] } {
  const exits: number[] = [];
  return {
    stdin: Readable.from(input === '' ? [] : [Buffer.from(input)]),
    stdout: new Collector(),
    stderr: new Collector(),
    env: {},
    signals: new EventEmitter(),
    exits,
    exit: (code) => exits.push(code),
  };
}

/** Runs a command line in this process. */
export async function runInProcess(
  words: readonly string[],
  specs: readonly CommandSpec[] = commands,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const terminal = memoryTerminal();
  const code = await runProgram(words, terminal, specs);
  return { code, stdout: terminal.stdout.text, stderr: terminal.stderr.text };
}
