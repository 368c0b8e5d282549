import { quantity, sortableTable, withInterval } from '../format.ts';
import { html } from '../html.ts';
import type { Section } from './section.ts';

export const slicesSection: Section = {
  title: 'Slices',
  lead: 'How it does on the texts of each value of a column. A slice is called worse only where chance would hardly do that, with all slices tried counted in.',
  render({ slices }) {
    if (!slices || slices.length === 0) return 'no column to slice by was given';
    return html`${slices.map(({ column, slices: rows }) => {
      const worse = rows.filter(({ isWorse }) => isWorse).map(({ value }) => value);
      const verdict =
        worse.length > 0 ? `Worse than the rest: ${worse.join(', ')}.` : 'No slice is shown to be worse than the rest.';
      const table = sortableTable(
        `Slices by ${column}`,
        [
          { title: column },
          { title: 'texts', isNumber: true },
          { title: 'right (95 % interval)', isNumber: true },
          { title: 'chance', isNumber: true },
        ],
        rows.map(({ value, texts, accuracy, low, high, p, isWorse }) => [
          isWorse ? `${value} (worse)` : value,
          { shown: quantity(texts), sort: texts },
          { shown: withInterval(accuracy, low, high), sort: accuracy },
          { shown: p === null ? 'too few texts' : p < 0.001 ? '< 0.001' : p.toFixed(3), sort: p ?? 1 },
        ]),
      );
      return html`<p>${verdict}</p>${table}`;
    })}`;
  },
};
