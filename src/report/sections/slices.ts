import { measureSlices } from '../../evaluation/slices.ts';
import { percent, quantity, sortableTable, withInterval } from '../format.ts';
import { html } from '../html.ts';
import type { Section } from './section.ts';

export const slicesSection: Section = {
  title: 'Slices',
  lead: 'How it does on the texts of each value of a column. A slice is called worse only where chance would hardly do that, with all slices tried counted in.',
  render({ classifier, held }) {
    if (!classifier) return undefined;
    if (held?.kind !== 'one-label' || !held.slices) return 'no column to slice by was given';
    const { classes, answers: answered, slices } = held;
    const right = classes.map((label, i) => label === answered[i]);
    const rows = measureSlices(
      slices.values.map((value) => value || '(none)'),
      right,
    );
    const worse = rows.filter(({ isWorse }) => isWorse).map(({ value }) => value);
    const table = sortableTable(
      `Slices by ${slices.column}`,
      [
        { title: slices.column },
        { title: 'texts', isNumber: true },
        { title: 'right (95 % interval)', isNumber: true },
        { title: 'the others', isNumber: true },
        { title: 'chance', isNumber: true },
      ],
      rows.map(({ value, texts, accuracy, low, high, others, p, isWorse }) => [
        isWorse ? `${value} (worse)` : value,
        { shown: quantity(texts), sort: texts },
        { shown: withInterval(accuracy, low, high), sort: accuracy },
        { shown: others === null ? '' : percent(others), sort: others ?? 0 },
        { shown: p === null ? 'too few texts' : p < 0.001 ? '< 0.001' : p.toFixed(3), sort: p ?? 1 },
      ]),
    );
    const verdict =
      worse.length > 0 ? `Worse than the rest: ${worse.join(', ')}.` : 'No slice is shown to be worse than the rest.';
    return html`<p>${verdict}</p>${table}`;
  },
};
