import { percent, quantity, sortableTable } from '../format.ts';
import type { Section } from './section.ts';

export const classesSection: Section = {
  title: 'Label by label',
  lead: 'Precision: of the texts that got the label, how many have it. Recall: of those that have it, how many got it.',
  render({ classifier }) {
    if (!classifier || classifier.count === 0) return 'no labeled texts were held out';
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
        label,
        share(precision),
        share(recall),
        share(f1),
        { shown: quantity(support), sort: support },
      ]),
    );
  },
};
