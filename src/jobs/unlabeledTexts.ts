import { BertuneError, counted } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { randomBelow } from '../core/random.ts';
import { openRecords } from '../data/records.ts';
import { normalizedForm } from '../text/normalize.ts';
import { invalidUtf8Notes } from './dataNotes.ts';
import { fetching, note } from './note.ts';
import type { DataOptions, JobHooks } from './types.ts';

/** Texts that are kept at most: of more, chance chooses. */
const mostTexts = 20_000;

/**
 * Reads texts without labels: each once, and none that has a label or measures the result. Memory is bounded, however many there are.
 *
 * @param known texts that are left out
 * @throws BertuneError where no text is left
 */
export async function readUnlabeled(
  data: DataOptions,
  {
    known,
    seed,
    most = mostTexts,
  }: { readonly known: Iterable<string>; readonly seed: number; readonly most?: number },
  hooks: JobHooks,
): Promise<string[]> {
  const seen = new Set<string>();
  const left = new Set(Array.from(known, normalizedForm));
  const texts: string[] = [];
  let [repeated, total] = [0, 0];
  const flag = setting('unlabeled');
  const records = await openRecords({ ...data, flag, onNote: (line) => note(hooks, line), onFetch: fetching(hooks) });
  try {
    for await (const batch of records.batches()) {
      for (const { text } of batch) {
        const form = normalizedForm(text);
        if (form === '') continue;
        if (left.has(form) || seen.has(form)) {
          repeated++;
          continue;
        }
        // A uniform sample of a stream (Vitter 1985): the one in whose place a text comes is forgotten.
        const place = total < most ? total : randomBelow(total + 1, seed, 'sample', total);
        total++;
        if (place >= most) continue;
        if (place < texts.length) seen.delete(normalizedForm(texts[place] as string));
        texts[place] = text;
        seen.add(form);
      }
    }
  } finally {
    await records.close();
  }
  for (const line of invalidUtf8Notes(records.invalidUtf8, flag)) note(hooks, line);
  if (texts.length === 0) {
    throw new BertuneError(
      say`${setting('unlabeled')} holds no text that is not in the labeled sets as well; check the file`,
    );
  }
  const which =
    total > texts.length ? `${texts.length} of ${counted(total, 'text')}, chosen by chance` : counted(total, 'text');
  const without = repeated > 0 ? `; ${repeated} left out, which repeat others or are in the labeled sets` : '';
  note(hooks, say`${setting('unlabeled')}: ${which}${without}`);
  return texts;
}
