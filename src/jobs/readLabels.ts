import { BertuneError, counted, UsageError } from '../core/errors.ts';
import { type Message, type Origin, say, setting } from '../core/message.ts';
import { type AnsweredSet, type LabeledSet, readAnsweredSet, readLabeledSet } from '../data/labels.ts';
import { isBlank } from '../text/pair.ts';
import { invalidUtf8Notes } from './dataNotes.ts';
import { fetching, note } from './note.ts';
import type { DataOptions, JobHooks } from './types.ts';

/**
 * Reads a labeled set and says what was replaced in it.
 *
 * @param of what its texts may be
 * @throws BertuneError when it has no row; UsageError for pairs where single texts are asked for
 */
export async function readLabels(
  data: DataOptions,
  flag: Origin,
  hooks: JobHooks,
  of: 'single texts' | 'texts or pairs' = 'texts or pairs',
): Promise<LabeledSet> {
  refuseSeveral(data, 'one label a text is read');
  const set = await readLabeledSet({
    ...{ ...data, flag, readsPairs: of === 'texts or pairs' },
    onNote: (line) => note(hooks, line),
    onFetch: fetching(hooks),
  });
  return checked(set, flag, hooks);
}

/**
 * Reads texts with several labels each, or none, and says how many have none, and of how many nothing is said.
 *
 * @throws BertuneError when no text has a label
 */
export async function readSeveralLabels(
  data: DataOptions,
  flag: Origin,
  hooks: JobHooks,
): Promise<AnsweredSet<readonly string[]>> {
  const { labelSeparator: separator, labelColumns: columns, ...others } = data;
  const both = [
    columns && others.labelColumn !== undefined ? setting('labelColumn') : undefined,
    columns && separator !== undefined ? setting('labelSeparator') : undefined,
  ].find((other) => other !== undefined);
  if (both) throw new UsageError(say`${setting('labelColumns')} and ${both} cannot be given together`);
  const options = {
    ...others,
    several: { separator, columns },
    readsPairs: true,
    flag,
    onNote: (line: Message) => note(hooks, line),
    onFetch: fetching(hooks),
  };
  const read = await readAnsweredSet(options, ({ labels }) => labels);
  const set = withTexts(checked(read, flag, hooks), flag, hooks);
  const none = set.labels.filter((labels) => labels.length === 0).length;
  if (none === set.labels.length) throw new BertuneError(say`${flag}: no text has a label in ${set.labelColumn}`);
  if (none > 0) note(hooks, say`${flag}: ${counted(none, 'text')} without a label: of none of them`);
  if (separator !== undefined && set.labels.every((labels) => labels.length < 2)) {
    note(
      hooks,
      say`${flag}: ${setting('labelSeparator')} ${JSON.stringify(separator)} stands in no row of column ${set.labelColumn}: no text has more than one label`,
    );
  }
  return set;
}

/** Reads texts with a number each. @throws BertuneError naming the row of what is no number */
export async function readNumbers(data: DataOptions, flag: Origin, hooks: JobHooks): Promise<AnsweredSet<number>> {
  refuseSeveral(data, 'a number a text is read');
  const read = await readAnsweredSet(
    {
      ...data,
      areNumbers: true,
      readsPairs: true,
      flag,
      onNote: (line: Message) => note(hooks, line),
      onFetch: fetching(hooks),
    },
    ({ label }, row, column) => {
      const said = label?.trim() ?? '';
      if (said === '' || /^nan$/i.test(said)) return undefined;
      const value = Number(said);
      const shown = JSON.stringify(said.slice(0, 40));
      if (Number.isFinite(Math.fround(value))) return value;
      if (Number.isFinite(value)) {
        throw new BertuneError(
          say`${flag}: ${shown} in row ${row} of column ${column} is beyond what weights of 32 bits hold (3.4e38); write it in a larger unit`,
        );
      }
      const plain = plainNumber(said);
      if (plain !== undefined) {
        throw new BertuneError(
          say`${flag}: ${shown} in row ${row} of column ${column} is no plain number: write ${plain}`,
        );
      }
      throw new BertuneError(
        say`${flag}: ${shown} in row ${row} of column ${column} is no number, such as 3 or 2.5; another column is chosen with ${setting('labelColumn')}`,
      );
    },
  );
  return withTexts(checked(read, flag, hooks), flag, hooks);
}

/** How a number with a decimal comma, a currency or a percent sign is written; undefined where it cannot be told. */
function plainNumber(said: string): string | undefined {
  const bare = said.replace(/^([+-]?)\s*[$€£¥]\s*/u, '$1').replace(/\s*[%$€£¥]$/u, '');
  if (/^[+-]?\d+(\.\d+)?$/.test(bare)) return bare;
  // "1,200" may be either.
  if (/^[+-]?\d+,(\d{1,2}|\d{4,})$/.test(bare)) return bare.replace(',', '.');
  return /^[+-]?\d{1,3}([.,'\s]\d{3})+([.,]\d+)?$/u.test(bare)
    ? 'its digits without marks between thousands, with a point before decimals'
    : undefined;
}

function refuseSeveral({ labelSeparator, labelColumns }: DataOptions, read: string): void {
  const given = labelSeparator !== undefined ? 'labelSeparator' : labelColumns ? 'labelColumns' : undefined;
  if (given === undefined) return;
  throw new UsageError(
    say`${setting(given)} is for several labels a text (${setting('task')} several-labels), and ${read}`,
  );
}

/** @throws BertuneError when there is no row */
function checked<T>(set: AnsweredSet<T>, flag: Origin, hooks: JobHooks): AnsweredSet<T> {
  const { unlabeled = 0, labelColumn } = set;
  if (set.texts.length === 0 && unlabeled > 0)
    throw new BertuneError(say`${flag}: all ${counted(unlabeled, 'row')} have nothing in column ${labelColumn}`);
  if (unlabeled > 0)
    note(hooks, say`${flag}: ${counted(unlabeled, 'row')} with nothing in column ${labelColumn} left out`);
  if (set.texts.length === 0) throw new BertuneError(say`${flag} holds no labeled text; check the file`);
  for (const line of invalidUtf8Notes(set.invalidUtf8, flag)) note(hooks, line);
  return set;
}

/** Where the texts stand. */
function columnOf({ textColumn, pairColumn }: Pick<LabeledSet, 'textColumn' | 'pairColumn'>): string {
  return pairColumn === undefined ? textColumn : `${textColumn} or ${pairColumn}`;
}

/** The set without rows that have no text, which is said; the set itself where every row has one. */
export function withTexts<T>(set: AnsweredSet<T>, flag: Origin, hooks: JobHooks): AnsweredSet<T> {
  const kept = Array.from(set.texts.keys()).filter((i) => !isBlank(set.texts[i] ?? ''));
  const missing = set.texts.length - kept.length;
  if (missing === 0) return set;
  if (kept.length === 0) throw new BertuneError(say`${flag} has no row with a text in column ${columnOf(set)}`);
  note(hooks, say`${flag}: ${counted(missing, 'row')} without a text in column ${columnOf(set)} left out`);
  const at = <E>(list: readonly E[]) => kept.map((i) => list[i] as E);
  return {
    ...{ ...set, texts: at(set.texts), labels: at(set.labels) },
    ...{ ids: set.ids && at(set.ids), groups: set.groups && at(set.groups) },
    slices: set.slices && at(set.slices),
  };
}
