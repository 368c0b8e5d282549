import { extname } from 'node:path';
import { UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import { isColumnFile } from '../../data/tagged/openTagged.ts';
import type { OptionsOf } from '../../settings/options.ts';
import type { OpenModel } from '../openModel.ts';

/** Files of texts with labels on their parts: words and tags in columns, or tasks of Label Studio. */
export type TaggedFile = 'columns' | 'label-studio';

/** Which of them is asked for, by its ending and `format`; undefined for a table. @throws UsageError where these disagree */
export function taggedFileOf({ output, format, tagScheme }: OptionsOf<'predictFile'>): TaggedFile | undefined {
  const ending = extname(output).toLowerCase();
  if (format === 'label-studio' && ending !== '.json') {
    throw new UsageError(
      say`${setting('output')}: ${setting('format')} ${format} is written to .json, not to ${output}`,
    );
  }
  const kind =
    format === 'label-studio' ? format : ending === '.tsv' || isColumnFile(output) ? ('columns' as const) : undefined;
  if (ending === '.json' && kind === undefined) {
    throw new UsageError(
      say`${setting('output')} ${output}: .json is written with ${setting('format')} label-studio; else choose .csv, .parquet or .jsonl`,
    );
  }
  if (tagScheme !== undefined && kind !== 'columns') throw onlyInColumns('tagScheme');
  return kind;
}

/** Of tags, where there are none. */
export function onlyInColumns(name: 'tagScheme'): UsageError {
  return new UsageError(
    say`${setting(name)} is for words and tags in columns: give ${setting('output')} a file such as found.conll`,
  );
}

/** @throws UsageError for settings of labels on tokens where the model has none */
export function checkTagSettings(
  options: Pick<OptionsOf<'predict'>, 'offsets' | 'aggregation' | 'explain'>,
  { kind, path }: Pick<OpenModel, 'kind' | 'path'>,
): void {
  // Words that explain an answer have places, too.
  const names = options.explain ? (['aggregation'] as const) : (['offsets', 'aggregation'] as const);
  const given = names.find((name) => options[name] !== undefined);
  if (given === undefined || kind === 'tokenLabels') return;
  throw new UsageError(say`${setting(given)} is for labels on tokens, and ${path} gives none; leave it out`);
}
