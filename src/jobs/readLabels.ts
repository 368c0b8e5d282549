import { BertuneError, counted } from '../core/errors.ts';
import { type Origin, say } from '../core/message.ts';
import { type LabeledSet, readLabeledSet } from '../data/labels.ts';
import { note } from './note.ts';
import type { DataOptions, JobHooks } from './types.ts';

/** Reads a labeled set and says what was replaced in it. @throws BertuneError when it has no row */
export async function readLabels(data: DataOptions, flag: Origin, hooks: JobHooks): Promise<LabeledSet> {
  const set = await readLabeledSet({ ...data, flag, onNote: (line) => note(hooks, line) });
  if (set.texts.length === 0) throw new BertuneError(say`${flag} holds no labeled text; check the file`);
  noteInvalidUtf8(set.invalidUtf8, flag, hooks);
  return set;
}

/** Says once that bytes were not UTF-8. */
function noteInvalidUtf8(count: number, flag: Origin, hooks: JobHooks): void {
  if (count === 0) return;
  const line = say`${counted(count, 'invalid UTF-8 byte sequence')} in ${flag} replaced by U+FFFD`;
  note(hooks, line);
}
