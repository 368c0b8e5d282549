import { breathe } from '../../core/interrupt.ts';
import { type Origin, setting } from '../../core/message.ts';
import { reviewLabels } from '../../data/labelReview.ts';
import type { LabeledSet } from '../../data/labels.ts';
import { TextReviewer } from '../../data/textReview.ts';
import { shownText } from '../../text/pair.ts';
import { note } from '../note.ts';
import type { JobHooks } from '../types.ts';
import { findingsOf, heldOutFindings, type Reviewed } from './findings.ts';

/** Says what is wrong with labeled texts, and with those that measure: what `check` says of them, that alone. */
export async function noteWrong(
  [train, held]: readonly [train: LabeledSet | undefined, held: LabeledSet | undefined],
  hooks: JobHooks,
): Promise<void> {
  const reviewer = new TextReviewer(train ?? {});
  const first = train && (await reviewedSet(train, setting('train'), reviewer, hooks));
  const looked = held && (await reviewedSet(held, setting('eval'), new TextReviewer(held, reviewer), hooks));
  const second = looked && { ...looked, isHeld: true };
  const findings = [
    ...(first ? findingsOf(first) : []),
    ...(first && second ? heldOutFindings(second, first) : []),
    ...(second ? findingsOf(second) : []),
  ];
  for (const { level, line } of findings) if (level === 'wrong') note(hooks, line);
}

/** Texts that are looked at before the signal is. */
const atOnce = 10_000;

async function reviewedSet(
  { texts, labels, labelColumn }: LabeledSet,
  flag: Origin,
  reviewer: TextReviewer,
  { signal }: JobHooks,
): Promise<Reviewed> {
  const sizes = new Map<string, number>();
  for (const [i, text] of texts.entries()) {
    if (i % atOnce === 0) await breathe(signal);
    const label = labels[i] ?? '';
    reviewer.add(Object.values(shownText(text)).join(' | '), label);
    sizes.set(label, (sizes.get(label) ?? 0) + 1);
  }
  const found = { ...reviewLabels(labelColumn, sizes), column: labelColumn };
  // Bytes that could not be decoded are said where the set is read.
  return { flag, texts: reviewer.review(), labels: found, invalidUtf8: 0 };
}
