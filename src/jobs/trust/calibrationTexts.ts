import { counted } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { LabeledSet } from '../../data/labels.ts';
import { note } from '../note.ts';
import type { JobHooks } from '../types.ts';
import { hashOf } from './textHashes.ts';
import type { Learned, Trust } from './trust.ts';

/** Texts that a promise may stand on, one of each; says which others there were. */
export function usable(
  { texts, labels }: Pick<LabeledSet, 'texts' | 'labels'>,
  learned: Learned,
  known: Trust | null,
  hooks: JobHooks,
): { readonly kept: number[]; readonly leftOut: number } {
  const [trained, tuned] = [new Set(learned.trained), new Set(known?.tuned)];
  /** The label that a text had first. */
  const seen = new Map<number, string>();
  let others = 0;
  const kept: number[] = [];
  const without = { trained: 0, tuned: 0, again: 0 };
  for (const [i, text] of texts.entries()) {
    const hash = hashOf(text);
    if (trained.has(hash)) without.trained++;
    else if (tuned.has(hash)) without.tuned++;
    else if (!seen.has(hash)) kept.push(i);
    else {
      without.again++;
      if (seen.get(hash) !== labels[i]) others++;
    }
    if (!seen.has(hash)) seen.set(hash, labels[i] as string);
  }
  const reasons = {
    trained: 'which the model learned from',
    tuned: 'by which its scores were calibrated',
    again: 'which are there before: a text counts once',
  };
  for (const reason of ['trained', 'tuned', 'again'] as const) {
    if (without[reason] === 0) continue;
    note(hooks, say`${setting('data')}: ${counted(without[reason], 'text')} left out, ${reasons[reason]}`);
  }
  if (others > 0) {
    const have = others === 1 ? 'has' : 'have';
    note(hooks, say`${setting('data')}: ${others} of these ${have} another label than before: the first one counts`);
  }
  if (learned.trained.length === 0 || learned.isPart) {
    const which = learned.isPart ? 'an earlier training of the model' : 'the training of the model';
    note(hooks, say`${setting('data')}: texts of ${which} cannot be told, for nobody kept which they were`);
  }
  return { kept, leftOut: without.trained + without.tuned };
}

/** Says of which labels there is no text, and so no promise. */
export function noteLacking(classes: Int32Array, labels: readonly string[], hooks: JobHooks): void {
  const seen = new Set(classes);
  const lacking = labels.filter((_, i) => !seen.has(i));
  if (lacking.length === 0) return;
  const shown = lacking.slice(0, 5).join(', ');
  const more = lacking.length > 5 ? `, and ${lacking.length - 5} more` : '';
  note(
    hooks,
    say`${setting('data')} has no text of ${shown}${more}: nothing can be promised of texts with such a label`,
  );
}

/** Says which texts promises stand on no longer. */
export function noteReplaced(count: number, files: readonly string[], hooks: JobHooks): void {
  note(
    hooks,
    say`promises stand on ${setting('data')} from now on, no longer on the ${counted(count, 'text')} of ${files.join(', ')}`,
  );
}
