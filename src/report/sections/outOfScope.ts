import type { RectYOptions } from '@observablehq/plot';
import { percent, sortableTable, texts } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { Plots } from '../plots.ts';
import type { OutOfScope, ScoresOfRun } from '../run.ts';
import type { Section } from './section.ts';

export const outOfScopeSection: Section = {
  title: 'Texts of no label',
  lead: 'How well texts that have none of the labels are told from those that have one: the better, the more the classifier knows what it does not know.',
  render({ classifier, outOfScope, scores }, plots) {
    if (!classifier) return undefined;
    const isCompared = scores && scores.outside.tried.length > 0 && scores.outside.by !== 'nothing';
    const choice = isCompared && choiceOf(scores.outside);
    if (!outOfScope) return choice || 'no texts of no label were measured';
    return html`${histogram(outOfScope, plots)}${choice}`;
  },
};

const [ofLabel, ofNone] = ['of a label', 'of none'] as const;

function histogram({ inScope, outOfScope, score, by, threshold }: OutOfScope, { marks, draw }: Plots): Html {
  const [inside, outside] = [Array.from(inScope), Array.from(outOfScope ?? [])];
  const all = [
    ...inside.map((value) => ({ value, kind: ofLabel })),
    ...outside.map((value) => ({ value, kind: ofNone })),
  ];
  const beyond = (values: readonly number[]) =>
    percent(values.filter((value) => value > (threshold ?? Number.POSITIVE_INFINITY)).length / values.length);
  const of = outside.length > 0 ? ` and ${texts(outside.length)} of none` : '';
  const label = `How strange ${texts(inside.length)} of a label${of} are, told by ${score}.`;
  const told =
    threshold !== undefined &&
    ` Beyond the broken line, ${Number(threshold.toPrecision(3))}, a text is taken for one of none where answers may be left out: ${beyond(inside)} of those of a label${outside.length > 0 ? ` and ${beyond(outside)} of those of none` : ''}.`;
  const lacking =
    outside.length === 0 &&
    html`<p class="hint">No texts of no label were given when it was trained, so that there are none to see beside these.</p>`;
  const shares = marks.binX<RectYOptions>(
    { y: 'proportion-facet' },
    { x: 'value', fy: 'kind', fill: 'kind', thresholds: 30 },
  );
  const drawing = draw(label, {
    height: outside.length > 0 ? 260 : 180,
    marginRight: 64,
    x: { label: `${score}, stranger →`, labelArrow: 'none', ticks: 5 },
    y: { label: 'texts, %', percent: true, ticks: 3, grid: true },
    fy: { label: null },
    color: { domain: [ofLabel, ofNone], range: ['var(--series-0)', 'var(--series-1)'] },
    marks: [
      marks.rectY(all, shares),
      ...(threshold === undefined ? [] : [marks.ruleX([threshold], { stroke: 'var(--ink)', strokeDasharray: '4 3' })]),
      marks.ruleY([0]),
    ],
  });
  return html`<figure>${drawing}<figcaption>${label}${told} Texts of a label are ${by}.</figcaption></figure>${lacking}`;
}

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
