import { UsageError } from '../core/errors.ts';
import { breathe } from '../core/interrupt.ts';
import { say, setting } from '../core/message.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { checkedLabels } from './auditing/checkedLabels.ts';
import { auditedLabels } from './auditing/classes.ts';
import { mended } from './auditing/mended.ts';
import type { AuditResult, MendResult } from './auditing/results.ts';
import { checkNotInput } from './predict.ts';
import { readLabels } from './readLabels.ts';
import { newLabelName } from './reviewing/item.ts';
import { checkReviewPath, writeReview } from './reviewing/writeReview.ts';
import type { JobHooks } from './types.ts';

export type { AuditResult, MendResult } from './auditing/results.ts';

export interface AuditOptions extends OptionsOf<'audit'> {}

/**
 * Looks for labels that are wrong, in a set of texts with one label each: a classifier that is fitted to all folds but one
 * tells those of that one, and confident learning says which it contradicts. With `output` a file for people to look at;
 * with `apply` the same file, filled in, makes the mended data.
 *
 * @throws UsageError for options, paths or labels to change; BertuneError for decisions that do not fit the data;
 * InterruptedError
 */
export async function audit(options: AuditOptions, hooks: JobHooks = {}): Promise<AuditResult | MendResult> {
  const all = resolve('audit', options);
  const { data, output, apply, format } = all;
  if (apply !== undefined) {
    if (output === undefined) {
      throw new UsageError(say`${setting('apply')} writes the mended data; name a file with ${setting('output')}`);
    }
    return mended({ data, apply, output }, hooks);
  }
  if (output !== undefined) {
    await checkReviewPath(output, format);
    checkNotInput(output, data, setting('data'));
  }
  const set = await readLabels(data, setting('data'), hooks, 'single texts');
  const labels = auditedLabels(set, setting('data'));
  await breathe(hooks.signal);
  const found = await checkedLabels(all, set, labels, hooks);
  const review = { items: found.items, labels, answer: newLabelName, canDrop: true } as const;
  const files = output === undefined ? [] : await writeReview(output, format, review, hooks.signal);
  return { ...found, classes: labels.length, files };
}
