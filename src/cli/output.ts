import { once } from 'node:events';
import type { CommandContext, OutputStream, Settings } from './command.ts';

/** Writes a command's result to stdout: one JSON document with `--json`, `human` otherwise. */
export async function writeResult(
  context: CommandContext,
  settings: Settings,
  result: object,
  human: () => string,
): Promise<void> {
  await writeLine(context.terminal.stdout, settings.json ? JSON.stringify(result) : human().trimEnd());
}

/** Writes one line and waits when the reader is slower than the writer. */
export async function writeLine(stream: OutputStream, line: string): Promise<void> {
  if (!stream.write(`${line}\n`)) await once(stream, 'drain');
}

/** Resolves when what was written has left the process, as far as the stream can tell. */
export function flushed(stream: OutputStream): Promise<void> {
  return new Promise((resolve) => {
    if (!stream.writable) resolve();
    else stream.write('', () => resolve());
  });
}
