import { BertuneError, counted } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import { openRecords } from '../../data/records.ts';
import { invalidUtf8Notes } from '../dataNotes.ts';
import { note } from '../note.ts';
import type { DataOptions, JobHooks } from '../types.ts';

/** Texts of no class that are read at most. */
const mostTexts = 20_000;

/** The texts of no class. @throws BertuneError where there is none */
export async function readOutOfScope(data: DataOptions, hooks: JobHooks): Promise<string[]> {
  const flag = setting('outOfScope');
  const records = await openRecords({ ...data, flag, onNote: (line) => note(hooks, line) });
  const texts: string[] = [];
  try {
    for await (const batch of records.batches()) {
      for (const { text } of batch) if (text.trim() !== '' && texts.length < mostTexts) texts.push(text);
    }
  } finally {
    await records.close();
  }
  for (const line of invalidUtf8Notes(records.invalidUtf8, flag)) note(hooks, line);
  if (texts.length === 0) throw new BertuneError(say`${flag} holds no text; check the file`);
  const first = texts.length === mostTexts ? ', the first ones' : '';
  note(hooks, say`${flag}: ${counted(texts.length, 'text')} of no class${first}`);
  return texts;
}
