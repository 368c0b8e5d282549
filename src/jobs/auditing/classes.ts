import { BertuneError, counted, UsageError } from '../../core/errors.ts';
import { type Origin, say, setting } from '../../core/message.ts';
import { reviewLabels } from '../../data/labelReview.ts';
import { type LabeledSet, labelNames } from '../../data/labels.ts';

/** The classes of texts with one label each. @throws UsageError for labels that are no classes; BertuneError for a single class */
export function auditedLabels({ labels, labelColumn }: LabeledSet, flag: Origin): readonly string[] {
  const sizes = new Map<string, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const { looksLike } = reviewLabels(labelColumn, sizes);
  const names = labelNames(sizes.keys());
  if (looksLike !== undefined) {
    throw new UsageError(
      say`${flag}: the labels of column ${labelColumn} look like ${looksLike}, and one label a text is what can be judged; another column is chosen with ${setting('labelColumn')}`,
    );
  }
  if (names.length < 2) {
    throw new BertuneError(
      say`${flag} has ${counted(names.length, 'label')} only (${names[0] ?? ''}); there is nothing to tell apart`,
    );
  }
  return names;
}
