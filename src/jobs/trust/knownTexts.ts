import { counted } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import { note } from '../note.ts';
import type { JobHooks } from '../types.ts';
import { hashOf } from './textHashes.ts';
import type { Learned, Trust } from './trust.ts';

/** Says how many of the texts that are to measure a classifier have made it what it is: they flatter it. */
export function noteKnownTexts(
  texts: readonly string[],
  learned: Learned,
  trust: Pick<Trust, 'tuned'> | null,
  hooks: JobHooks,
): void {
  const [trained, tuned] = [new Set(learned.trained), new Set(trust?.tuned)];
  if (trained.size + tuned.size === 0) return;
  const hashes = texts.map(hashOf);
  const of = say`of the ${counted(texts.length, 'text')} of ${setting('data')}`;
  const known = hashes.filter((hash) => trained.has(hash)).length;
  if (known > 0) {
    note(hooks, say`${known} ${of} trained the model: on texts that it has not seen, it does worse than measured`);
  }
  const fitted = hashes.filter((hash) => tuned.has(hash) && !trained.has(hash)).length;
  if (fitted > 0) {
    note(hooks, say`${fitted} ${of} calibrated its scores: on others they are less of probabilities than measured`);
  }
}
