import { BertuneError } from '../core/errors.ts';
import { type Origin, say } from '../core/message.ts';
import { type LabeledSet, readLabeledSet } from '../data/labels.ts';
import { invalidUtf8Notes } from './dataNotes.ts';
import { note } from './note.ts';
import type { DataOptions, JobHooks } from './types.ts';

/** Reads a labeled set and says what was replaced in it. @throws BertuneError when it has no row */
export async function readLabels(data: DataOptions, flag: Origin, hooks: JobHooks): Promise<LabeledSet> {
  const set = await readLabeledSet({ ...data, flag, onNote: (line) => note(hooks, line) });
  if (set.texts.length === 0) throw new BertuneError(say`${flag} holds no labeled text; check the file`);
  for (const line of invalidUtf8Notes(set.invalidUtf8, flag)) note(hooks, line);
  return set;
}
