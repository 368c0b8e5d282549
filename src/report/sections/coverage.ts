import { type CoveragePoint, coverageCurve, thinned } from '../curves.ts';
import { percent, quantity, sortableTable } from '../format.ts';
import { html } from '../html.ts';
import type { Section } from './section.ts';

/** Shares of wrong answers that people ask for. */
const wanted = [0.01, 0.02, 0.05, 0.1];

export const coverageSection: Section = {
  title: 'How much it can answer alone',
  lead: 'Answer only where the score is high and pass the rest on: the more is answered, the more of it is wrong. Measured on these texts; no promise for others.',
  render({ classifier, held }, { marks, draw }) {
    if (!classifier) return undefined;
    if (held?.kind !== 'one-label' || held.scores.length === 0) return 'the run kept no scores of its answers';
    const curve = coverageCurve(held);
    const last = curve.at(-1);
    const label = `Share of answers that is wrong against the share of texts that is answered, ${percent(last?.risk ?? Number.NaN)} when all are.`;
    const plot = draw(label, {
      x: { label: 'answered, %', domain: [0, 100], percent: true, ticks: 5 },
      y: { label: 'wrong, %', percent: true, ticks: 5, grid: true, zero: true },
      marks: [
        marks.areaY(thinned(curve, 300), {
          x: 'coverage',
          y: 'risk',
          fill: 'var(--accent)',
          fillOpacity: 0.15,
          curve: 'step-after',
        }),
        marks.lineY(thinned(curve, 300), {
          x: 'coverage',
          y: 'risk',
          stroke: 'var(--accent)',
          strokeWidth: 2,
          curve: 'step-after',
        }),
      ],
    });
    const rows = wanted.flatMap((risk) => {
      const point = furthest(curve, risk);
      return point ? [{ risk, point }] : [];
    });
    const table = sortableTable(
      'Answered at a share of wrong answers',
      [
        { title: 'wrong at most', isNumber: true },
        { title: 'answered', isNumber: true },
        { title: 'from a score of', isNumber: true },
        { title: 'wrong of answered', isNumber: true },
      ],
      rows.map(({ risk, point }) => [
        { shown: `${100 * risk} %`, sort: risk },
        { shown: percent(point.coverage), sort: point.coverage },
        { shown: point.score.toFixed(3), sort: point.score },
        { shown: `${quantity(point.wrong)} of ${quantity(point.answered)}`, sort: point.risk },
      ]),
    );
    return html`<figure>${plot}<figcaption>${label}</figcaption></figure>${rows.length > 0 && table}`;
  },
};

/** The threshold that answers most with no more than a share of wrong answers; undefined where none does. */
export function furthest(curve: readonly CoveragePoint[], risk: number): CoveragePoint | undefined {
  return curve.findLast((point) => point.risk <= risk);
}
