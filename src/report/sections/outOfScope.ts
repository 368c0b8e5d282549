import type { RectYOptions } from '@observablehq/plot';
import { sortableTable, texts } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { ScoresOfRun } from '../run.ts';
import type { Section } from './section.ts';

export const outOfScopeSection: Section = {
  title: 'Texts of no label',
  lead: 'How well texts that have none of the labels are told from those that have one: the better, the more the classifier knows what it does not know.',
  render({ outOfScope, scores }, { marks, draw }) {
    const choice = scores && scores.outside.tried.length > 0 && choiceOf(scores.outside);
    if (!outOfScope) return choice || 'no texts of no label were measured';
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
    })}<figcaption>${label}${threshold !== undefined && ` Beyond the broken line, ${threshold.toPrecision(3)}, a text is taken for one of none.`}</figcaption></figure>${choice}`;
  },
};

/** What tells such texts, of all that were tried. */
function choiceOf({ kind, by, tried }: ScoresOfRun['outside']): Html {
  const rows = [...tried]
    .sort((a, b) => b.auroc - a.auroc)
    .map((one) => [
      `${one.kind}${one.kind === kind ? ' (chosen)' : ''}`,
      { shown: one.auroc.toFixed(3), sort: one.auroc },
    ]);
  const columns = [{ title: 'told by' }, { title: 'area under the ROC curve', isNumber: true }];
  return html`<p>Texts of no label are told by ${kind}, chosen on ${by}; 0.5 is guessing.</p>${sortableTable('What tells texts of no label', columns, rows)}`;
}
