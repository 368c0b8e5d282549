import { BertuneError, counted } from '../core/errors.ts';
import { type Origin, say } from '../core/message.ts';
import { type LabeledSet, readLabeledSet } from '../data/labels.ts';
import { isBlank } from '../text/pair.ts';
import { invalidUtf8Notes } from './dataNotes.ts';
import { fetching, note } from './note.ts';
import type { DataOptions, JobHooks } from './types.ts';

/** Reads a labeled set and says what was replaced in it. @throws BertuneError when it has no row */
export async function readLabels(data: DataOptions, flag: Origin, hooks: JobHooks): Promise<LabeledSet> {
  const set = await readLabeledSet({
    ...data,
    flag,
    readsPairs: true,
    onNote: (line) => note(hooks, line),
    onFetch: fetching(hooks),
  });
  if (set.texts.length === 0) throw new BertuneError(say`${flag} holds no labeled text; check the file`);
  for (const line of invalidUtf8Notes(set.invalidUtf8, flag)) note(hooks, line);
  return set;
}

/** Where the texts stand. */
function columnOf({ textColumn, pairColumn }: LabeledSet): string {
  return pairColumn === undefined ? textColumn : `${textColumn} or ${pairColumn}`;
}

/** The set without rows that have no text, which is said; the set itself where every row has one. */
export function withTexts(set: LabeledSet, flag: Origin, hooks: JobHooks): LabeledSet {
  const kept = Array.from(set.texts.keys()).filter((i) => !isBlank(set.texts[i] ?? ''));
  const missing = set.texts.length - kept.length;
  if (missing === 0) return set;
  if (kept.length === 0) throw new BertuneError(say`${flag} has no row with a text in column ${columnOf(set)}`);
  note(hooks, say`${flag}: ${counted(missing, 'row')} without a text in column ${columnOf(set)} left out`);
  const at = <T>(list: readonly T[]) => kept.map((i) => list[i] as T);
  return {
    ...{ ...set, texts: at(set.texts), labels: at(set.labels) },
    ...{ ids: set.ids && at(set.ids), groups: set.groups && at(set.groups) },
  };
}
