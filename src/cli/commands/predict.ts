import type { CommandSpec } from '../command.ts';
import { given, jobOptions, withProgress } from '../jobOptions.ts';
import { writeLine } from '../output.ts';

export const predictCommand: CommandSpec = {
  name: 'predict',
  summary: 'label texts: one JSON line for each, from files or from standard input',
  job: 'predict',
  flags: ['query', 'textColumn'],
  helps: { json: 'accepted for symmetry: the output is JSON lines anyway' },
  examples: [
    'bertune predict --model runs/intent --input new.csv > labels.jsonl',
    "echo 'where is my parcel?' | bertune predict --model runs/intent",
  ],
  async run(settings, context) {
    const { predict } = await import('../../jobs/predict.ts');
    const { textLines } = await import('../../jobs/textLines.ts');
    const { stdin, stdout, stderr } = context.terminal;
    const options = jobOptions('predict', settings);
    const isPiped = options.input === undefined;
    if (isPiped && stdin.isTTY) stderr.write('type one text a line; Ctrl-D ends\n');
    await withProgress(context, async (hooks) => {
      const lines = isPiped ? textLines(stdin, 'standard input', hooks) : undefined;
      for await (const { id, text, label, score } of predict({ ...options, stdin: lines }, hooks)) {
        await writeLine(stdout, JSON.stringify(given({ id, text, label, score })));
      }
    });
  },
};
