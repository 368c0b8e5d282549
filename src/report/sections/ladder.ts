import { formatBytes } from '../../core/memory.ts';
import { type Cell, percent, quantity, sortableTable, withInterval } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { Plots } from '../plots.ts';
import type { LadderOfRun, RungOfRun } from '../run.ts';
import type { Section } from './section.ts';

export const ladderSection: Section = {
  title: 'Methods that competed',
  lead: 'How each did on folds of the training texts, with its 95 % interval where there is one. What lies within the interval of another is not shown to be better.',
  render({ ladder, classifier, target }, plots) {
    if (!ladder && !classifier && !target) return undefined;
    if (!ladder) return 'one method was asked for, so that none competed';
    const rows = ladder.rungs.flatMap((rung) =>
      rung.score === null ? [] : [{ ...rung, name: nameOf(rung), isChosen: isChosen(rung, ladder), score: rung.score }],
    );
    const reasons = leftOut(ladder.left);
    if (rows.length === 0) return html`<p>No method was measured; ${ladder.chosen} was chosen.</p>${reasons}`;
    // Points without intervals would show differences that may be none.
    const withIntervals = rows.filter(({ low, high }) => low !== undefined && high !== undefined);
    const plot = withIntervals.length > 0 && plotOf(rows, withIntervals, ladder, plots);
    return html`${plot}${tableOf(rows, ladder)}${reasons}`;
  },
};

interface Row extends RungOfRun {
  readonly name: string;
  readonly isChosen: boolean;
  readonly score: number;
}

/** Methods that were not tried, those with one reason together. */
function leftOut(left: LadderOfRun['left']): Html | undefined {
  const methods = new Map<string, string[]>();
  for (const { method, reason } of left) methods.set(reason, [...(methods.get(reason) ?? []), method]);
  if (methods.size === 0) return undefined;
  const lines = [...methods].map(
    ([reason, names]) => html`<li>${names.join(', ')} ${names.length === 1 ? 'was' : 'were'} not tried: ${reason}</li>`,
  );
  return html`<ul class="plain">${lines}</ul>`;
}

function plotOf(
  rows: readonly Row[],
  withIntervals: readonly Row[],
  { chosen, measure, isShare }: LadderOfRun,
  { marks, draw }: Plots,
): Html {
  const best = rows.find((row) => row.isChosen);
  const shown = (score: number) => (isShare ? `${percent(score)} ${measure}` : `${measure} ${score.toFixed(3)}`);
  const label = `${rows.length} ${rows.length === 1 ? 'method' : 'methods'} on folds of the training texts; ${chosen} was chosen${best ? `, ${shown(best.score)}` : ''}.`;
  const color = (row: { isChosen: boolean }) => (row.isChosen ? 'var(--accent)' : 'var(--soft)');
  const drawing = draw(label, {
    height: 40 + 26 * rows.length,
    marginLeft: 130,
    marginRight: 16,
    x: { label: isShare ? `${measure}, %` : measure, percent: isShare, ticks: 4, grid: true, nice: true },
    y: { label: null, domain: rows.map(({ name }) => name) },
    marks: [
      marks.link(withIntervals, { x1: 'low', x2: 'high', y: 'name', stroke: color, strokeWidth: 2 }),
      marks.dot(rows, { x: 'score', y: 'name', fill: color, r: 5 }),
    ],
  });
  return html`<figure>${drawing}<figcaption>${label}</figcaption></figure>`;
}

function tableOf(rows: readonly Row[], { measure, isShare, differs }: LadderOfRun): Html {
  const has = (key: keyof RungOfRun) => rows.some((row) => row[key] !== undefined && row[key] !== null);
  const columns: readonly { readonly title: string; readonly isShown: boolean; readonly of: (row: Row) => Cell }[] = [
    {
      title: isShare ? `${measure} (95 % interval)` : measure,
      isShown: true,
      of: ({ score, low, high }) => ({
        shown: isShare && low !== undefined && high !== undefined ? withInterval(score, low, high) : score.toFixed(3),
        sort: score,
      }),
    },
    {
      title: `against the chosen, ${differs}`,
      isShown: has('difference'),
      of: ({ difference }) => ({ shown: differenceOf(difference, isShare), sort: difference?.mean ?? 0 }),
    },
    { title: 'texts', isShown: true, of: ({ texts }) => ({ shown: quantity(texts), sort: texts }) },
    {
      title: 'seconds',
      isShown: has('seconds'),
      of: ({ seconds = 0 }) => ({ shown: seconds.toFixed(1), sort: seconds }),
    },
    { title: 'size', isShown: has('bytes'), of: ({ bytes = 0 }) => ({ shown: formatBytes(bytes), sort: bytes }) },
  ];
  const shown = columns.filter(({ isShown }) => isShown);
  return sortableTable(
    'Methods that competed',
    [{ title: 'method' }, ...shown.map(({ title }) => ({ title, isNumber: true }))],
    rows.map((row) => [row.isChosen ? `${row.name} (chosen)` : row.name, ...shown.map(({ of }) => of(row))]),
  );
}

function nameOf({ method, adapted }: RungOfRun): string {
  return adapted ? `${method}, adapted` : method;
}

function isChosen({ method, difference }: RungOfRun, { chosen }: LadderOfRun): boolean {
  return method === chosen && difference === null;
}

/** @param isShare whether it is told in points */
function differenceOf(difference: RungOfRun['difference'], isShare: boolean): string {
  if (!difference) return '';
  const shown = (value: number) => {
    const text = isShare ? (100 * value).toFixed(1) : String(Number(value.toPrecision(2)));
    return `${value > 0 ? '+' : ''}${text}`;
  };
  return `${shown(difference.mean)} (${shown(difference.low)} to ${shown(difference.high)})`;
}
