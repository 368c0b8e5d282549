import { createInterface } from 'node:readline';
import { throwIfAborted } from '../../core/interrupt.ts';
import type { CommandSpec } from '../command.ts';
import { dataOptions, given, required, withProgress } from '../jobOptions.ts';
import { writeLine } from '../output.ts';

export const predictCommand: CommandSpec = {
  name: 'predict',
  summary: 'label texts: one JSON line for each, from files or from standard input',
  options: ['model', 'input', 'query', 'text-column', 'max-length', 'int8'],
  required: ['model'],
  defaults: { input: 'lines of standard input' },
  descriptions: { json: 'accepted for symmetry: the output is JSON lines anyway' },
  examples: [
    'bertune predict --model runs/intent --input new.csv > labels.jsonl',
    "echo 'where is my parcel?' | bertune predict --model runs/intent",
  ],
  async run(settings, context) {
    const { predict } = await import('../../jobs/predict.ts');
    const { stdin, stdout, stderr } = context.terminal;
    const input = dataOptions(settings, settings.input, settings.query);
    if (input === undefined && stdin.isTTY) stderr.write('type one text a line; Ctrl-D ends\n');
    const options = given({
      model: required(settings, 'model'),
      input,
      maxLength: settings['max-length'],
      threads: settings.threads,
      int8: settings.int8,
      offline: settings.offline,
    });
    await withProgress(context, async (hooks) => {
      const lines = input === undefined ? linesOf(stdin, hooks.signal) : undefined;
      for await (const { id, text, label, score } of predict({ ...options, stdin: lines }, hooks)) {
        await writeLine(stdout, JSON.stringify(given({ id, text, label, score })));
      }
    });
  },
};

/** Lines until the signal. Opened when the first is asked for: readline drops lines that nobody listens for. */
async function* linesOf(stdin: NodeJS.ReadableStream, signal: AbortSignal): AsyncGenerator<string> {
  yield* createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY, signal });
  throwIfAborted(signal);
}
