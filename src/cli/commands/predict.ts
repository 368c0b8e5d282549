import { counted, UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { JobEvent } from '../../jobs/types.ts';
import { taggedFile } from '../../settings/takes.ts';
import type { CommandContext, CommandSpec, Settings } from '../command.ts';
import { quantity } from '../format.ts';
import { given, jobOptions, withProgress } from '../jobOptions.ts';
import { writeLine, writeResult } from '../output.ts';

export const predictCommand: CommandSpec = {
  name: 'predict',
  group: 'use',
  summary: 'label texts, or tell their number: a JSON line for each, or with --output a file of all rows',
  job: 'predict',
  flags: ['query', 'textColumn', 'pairColumn', 'output', 'format', 'tagScheme', 'scores', 'shard'],
  helps: {
    json: 'accepted for symmetry: the output is JSON lines anyway',
    output:
      'file to write in place of JSON lines, .csv, .parquet or .jsonl: the columns of the input and the answer; with labels on tokens also .conll, .tsv or .json',
    ...{ format: taggedFile.format.help, tagScheme: taggedFile.tagScheme.help },
  },
  examples: [
    'bertune predict --model runs/intent --input new.csv > labels.jsonl',
    'bertune predict --model runs/intent --input new.csv --output labeled.csv',
    "echo 'where is my parcel?' | bertune predict --model runs/intent",
    'bertune predict --model runs/intent --input new.csv --most-wrong 0.02 --output answered.csv',
    "echo 'where is my parcel?' | bertune predict --model runs/intent --explain",
    'bertune predict --model runs/names --input new.csv --output found.conll --tag-scheme BIOES',
    'bertune predict --model runs/names --input new.csv --output found.json --format label-studio',
  ],
  isShared: true,
  async run(settings, context) {
    const { stdin, stderr } = context.terminal;
    const isPiped = settings.input === undefined && settings.query === undefined;
    if (isPiped && stdin.isTTY) stderr.write('type one text a line; Ctrl-D ends\n');
    if (settings.output !== undefined && settings.explain) {
      throw new UsageError(say`${setting('explain')} goes with JSON lines, not with ${setting('output')}`);
    }
    if (settings.output !== undefined) return toFile(settings, context, isPiped);
    if (settings.scores) {
      throw new UsageError(say`${setting('scores')} goes with ${setting('output')}: JSON lines hold the answer alone`);
    }
    for (const name of ['shard', 'format', 'tagScheme'] as const) {
      if (settings[name] !== undefined) throw new UsageError(say`${setting(name)} goes with ${setting('output')}`);
    }
    const { predict } = await import('../../jobs/predict.ts');
    const { textLines } = await import('../../jobs/textLines.ts');
    const options = jobOptions('predict', settings);
    const { stdout } = context.terminal;
    await withProgress(context, async (hooks) => {
      const lines = isPiped ? textLines(stdin, 'standard input', hooks) : undefined;
      // Among lines of results on one terminal, progress would be in the way.
      const onEvent = (event: JobEvent) =>
        stdout.isTTY && event.type === 'progress' ? undefined : hooks.onEvent?.(event);
      for await (const { id, text, pair, ...answer } of predict({ ...options, stdin: lines }, { ...hooks, onEvent })) {
        await writeLine(stdout, JSON.stringify(given({ id, text, pair, ...answer })));
      }
    });
  },
};

async function toFile(settings: Settings, context: CommandContext, isPiped: boolean): Promise<void> {
  const { predictFile } = await import('../../jobs/predictFile.ts');
  const options = jobOptions('predictFile', settings);
  const { textLines } = await import('../../jobs/textLines.ts');
  const { stdin } = context.terminal;
  const result = await withProgress(context, (hooks) =>
    predictFile({ ...options, stdin: isPiped ? textLines(stdin, 'standard input', hooks) : undefined }, hooks),
  );
  await writeResult(context, settings, result, () => {
    const { count, labels, added, output, files, promised } = result;
    if (settings.shard) return `${counted(count, 'row')} in ${output}; bertune join makes one file of all parts`;
    const most = Object.entries(labels).sort(([, a], [, b]) => b - a);
    const shown = most.slice(0, 5).map(([label, texts]) => `${label} ${quantity(texts)}`);
    const others = most.length > shown.length ? `, and ${most.length - shown.length} more labels` : '';
    const names = added.length > 5 ? `${added.slice(0, 2).join(', ')} and ${added.length - 2} more` : added.join(', ');
    const without = count - most.reduce((sum, [, texts]) => sum + texts, 0);
    const left = promised && without > 0 ? `; ${quantity(without)} left unlabeled` : '';
    const told = most.length > 0 ? `: ${shown.join(', ')}${others}` : '';
    return `${counted(count, 'row')} with ${names} saved to ${(files ?? [output]).join(' and ')}${told}${left}`;
  });
}
