import { formatBytes } from '../../core/memory.ts';
import { percent, quantity, sortableTable, withInterval } from '../format.ts';
import { html } from '../html.ts';
import type { LadderOfRun } from '../run.ts';
import type { Section } from './section.ts';

export const ladderSection: Section = {
  title: 'Methods that competed',
  lead: 'Share of training texts that each got right on folds, with its 95 % interval. What lies within the interval of another is not shown to be better.',
  render({ ladder }, { marks, draw }) {
    if (!ladder) return 'one method was asked for, so that none competed';
    const rows = ladder.rungs.flatMap((rung) =>
      rung.accuracy === null
        ? []
        : [{ ...rung, name: nameOf(rung), isChosen: isChosen(rung, ladder), right: rung.accuracy }],
    );
    const best = rows.find((row) => row.isChosen);
    const label = `Accuracy of ${rows.length} methods on folds of the training texts; ${ladder.chosen} was chosen${best ? ` with ${percent(best.right)}` : ''}.`;
    const plot = draw(label, {
      height: 40 + 26 * rows.length,
      marginLeft: 130,
      marginRight: 16,
      x: { label: 'right, %', percent: true, ticks: 4, grid: true, nice: true },
      y: { label: null, domain: rows.map(({ name }) => name) },
      marks: [
        marks.link(rows, {
          x1: 'low',
          x2: 'high',
          y: 'name',
          stroke: (row: { isChosen: boolean }) => colorOf(row),
          strokeWidth: 2,
        }),
        marks.dot(rows, { x: 'right', y: 'name', fill: (row: { isChosen: boolean }) => colorOf(row), r: 5 }),
      ],
    });
    const table = sortableTable(
      'Methods that competed',
      [
        { title: 'method' },
        { title: 'right (95 % interval)', isNumber: true },
        { title: 'against the chosen, points', isNumber: true },
        { title: 'texts', isNumber: true },
        { title: 'seconds', isNumber: true },
        { title: 'size', isNumber: true },
      ],
      rows.map((row) => [
        row.isChosen ? `${row.name} (chosen)` : row.name,
        { shown: withInterval(row.right, row.low, row.high), sort: row.right },
        { shown: pointsOf(row.difference), sort: row.difference?.mean ?? 0 },
        { shown: quantity(row.texts), sort: row.texts },
        { shown: row.seconds.toFixed(1), sort: row.seconds },
        { shown: formatBytes(row.bytes), sort: row.bytes },
      ]),
    );
    const left = ladder.left.map(({ method, reason }) => html`<li>${method} was not tried: ${reason}</li>`);
    return html`<figure>${plot}<figcaption>${label}</figcaption></figure>${table}${left.length > 0 && html`<ul class="plain">${left}</ul>`}`;
  },
};

type Rung = LadderOfRun['rungs'][number];

function nameOf({ method, adapted }: Rung): string {
  return adapted ? `${method}, adapted` : method;
}

function isChosen({ method, difference }: Rung, { chosen }: LadderOfRun): boolean {
  return method === chosen && difference === null;
}

function colorOf({ isChosen }: { readonly isChosen: boolean }): string {
  return isChosen ? 'var(--accent)' : 'var(--soft)';
}

function pointsOf(difference: Rung['difference']): string {
  if (!difference) return '';
  const points = (share: number) => `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)}`;
  return `${points(difference.mean)} (${points(difference.low)} to ${points(difference.high)})`;
}
