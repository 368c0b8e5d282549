import { percent, quantity, sortableTable } from '../format.ts';
import { breakable, type Html } from '../html.ts';
import type { Target } from '../run.ts';
import type { Section } from './section.ts';

export const classesSection: Section = {
  title: 'Label by label',
  lead: 'Precision: of the texts that got the label, how many have it. Recall: of those that have it, how many got it. Of labels on parts of texts, each part counts.',
  render({ classifier, target }) {
    if (target && target.count > 0) return target.labels.length > 0 ? ofTarget(target.labels) : undefined;
    if (!classifier) return undefined;
    if (classifier.count === 0) return 'no labeled texts were held out';
    const { labels, confusion } = classifier;
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    const rows = labels.map((label, k) => {
      const right = confusion[k]?.[k] ?? 0;
      const support = sum(confusion[k] ?? []);
      const predicted = sum(confusion.map((row) => row[k] ?? 0));
      // 0, as scikit-learn has it, where nothing got the label or nothing has it.
      const [precision, recall] = [right / Math.max(1, predicted), right / Math.max(1, support)];
      const f1 = (2 * right) / Math.max(1, support + predicted);
      return { label, precision, recall, f1, support };
    });
    rows.sort((a, b) => a.f1 - b.f1);
    const share = (value: number) => ({ shown: percent(value), sort: value });
    return sortableTable(
      'Labels, the least well known first',
      [
        { title: 'label' },
        { title: 'precision', isNumber: true },
        { title: 'recall', isNumber: true },
        { title: 'F1', isNumber: true },
        { title: 'texts', isNumber: true },
      ],
      rows.map(({ label, precision, recall, f1, support }) => [
        breakable(label),
        share(precision),
        share(recall),
        share(f1),
        { shown: quantity(support), sort: support },
      ]),
    );
  },
};

function ofTarget(labels: Target['labels']): Html {
  const hasThresholds = labels.some(({ threshold }) => threshold !== undefined);
  const share = (value: number) => ({ shown: percent(value), sort: value });
  return sortableTable(
    'Labels, the least well known first',
    [
      { title: 'label' },
      ...['precision', 'recall', 'F1', 'number', ...(hasThresholds ? ['told from'] : [])].map((title) => ({
        title,
        isNumber: true,
      })),
    ],
    [...labels]
      .sort((a, b) => a.f1 - b.f1)
      .map(({ label, precision, recall, f1, support, threshold }) => [
        ...[breakable(label), share(precision), share(recall), share(f1), { shown: quantity(support), sort: support }],
        ...(threshold === undefined ? [] : [{ shown: threshold.toFixed(3), sort: threshold }]),
      ]),
  );
}
