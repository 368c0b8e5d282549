import type { RectYOptions } from '@observablehq/plot';
import { texts } from '../format.ts';
import { html } from '../html.ts';
import type { Section } from './section.ts';

export const outOfScopeSection: Section = {
  title: 'Texts of no label',
  lead: 'Scores of texts that have one of the labels and of texts that have none: the less the two overlap, the better the classifier knows what it does not know.',
  render({ outOfScope }, { marks, draw }) {
    if (!outOfScope) return 'no texts of no label were measured';
    const { inScope, outOfScope: outside, score, threshold } = outOfScope;
    const all = [
      ...inScope.map((value) => ({ value, kind: 'of a label' })),
      ...outside.map((value) => ({ value, kind: 'of none' })),
    ];
    const label = `Scores (${score}) of ${texts(inScope.length)} of a label and ${texts(outside.length)} of none.`;
    const shares = marks.binX<RectYOptions>(
      { y: 'proportion-facet' },
      { x: 'value', fy: 'kind', fill: 'kind', thresholds: 30 },
    );
    return html`<figure>${draw(label, {
      height: 260,
      marginRight: 64,
      x: { label: score, ticks: 5 },
      y: { label: 'texts, %', percent: true, ticks: 3, grid: true },
      fy: { label: null },
      color: { domain: ['of a label', 'of none'], range: ['var(--series-0)', 'var(--series-1)'] },
      marks: [
        marks.rectY(all, shares),
        ...(threshold === undefined
          ? []
          : [marks.ruleX([threshold], { stroke: 'var(--ink)', strokeDasharray: '4 3' })]),
        marks.ruleY([0]),
      ],
    })}<figcaption>${label}${threshold !== undefined && ` Beyond the broken line, ${threshold.toPrecision(3)}, a text is taken for one of none.`}</figcaption></figure>`;
  },
};
