import { createInterface } from 'node:readline';
import type { CommandSpec } from '../command.ts';
import { dataOptions, given, required, withProgress } from '../jobOptions.ts';
import { writeLine } from '../output.ts';

export const predictCommand: CommandSpec = {
  name: 'predict',
  summary: 'label texts: one JSON line for each, from files or from standard input',
  options: ['model', 'input', 'query', 'text-column', 'max-length'],
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
      stdin: input === undefined ? linesOf(stdin) : undefined,
      maxLength: settings['max-length'],
      threads: settings.threads,
    });
    await withProgress(context, async (hooks) => {
      for await (const { id, text, label, score } of predict(options, hooks)) {
        await writeLine(stdout, JSON.stringify(given({ id, text, label, score })));
      }
    });
  },
};

/** Opened when the first line is asked for: readline drops lines that nobody listens for. */
async function* linesOf(stdin: NodeJS.ReadableStream): AsyncGenerator<string> {
  yield* createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY });
}
