import type { AuditResult } from '../jobs/audit.ts';
import { percent, printable, quantity, shortened, table } from './format.ts';

const shown = 12;
const runsShown = 3;
const characters = 60;

/** How many labels look wrong and how sure that is, the first texts to look at, and what is odd about classes. */
export function auditReport({ texts, classes, accuracy, wrong, unjudged, items, ...found }: AuditResult): string {
  const { runs, nearDuplicates, mayBeOne, mayBeTwo, files } = found;
  const { mean, low, high } = wrong;
  const share = percent(mean / Math.max(1, texts));
  const several = [
    ...(unjudged < texts
      ? [
          `${quantity(texts)} texts, ${quantity(classes)} classes; a classifier that has not seen a text finds its label in ${percent(accuracy)}`,
          `about ${quantity(mean)} labels look wrong (${share}; 95 % interval ${quantity(low)} to ${quantity(high)})`,
          ...(unjudged > 0 ? [`${quantity(unjudged)} alone in their class: nothing is said of them`] : []),
        ]
      : [
          `${quantity(texts)} texts, ${quantity(classes)} classes, and no class has two texts that are not nearly the same: no label can be judged`,
        ]),
    ...(runs.length > 0 ? [inRuns(runs)] : []),
    ...(nearDuplicates > 0 ? [`${quantity(nearDuplicates)} texts are nearly the same as one with another label`] : []),
  ];
  const rows = items
    .slice(0, shown)
    .map(({ row, text, label = '', likely = '', score }) => [
      quantity(row),
      shortened(printable(text), characters),
      printable(label),
      printable(likely),
      score.toFixed(2),
    ]);
  const list =
    rows.length > 0
      ? [table([['row', 'text', 'label', 'likelier', 'score'], ...rows], ['right', 'left', 'left', 'left'])]
      : [];
  const more = items.length > shown ? [`… and ${quantity(items.length - shown)} more`] : [];
  const one = mayBeOne.map(
    ({ labels: [a, b], shares: [x, y] }) =>
      `${printable(a)} and ${printable(b)} may be one class: ${percent(x)} of the first look like the second, ${percent(y)} the other way round`,
  );
  const two = mayBeTwo.map(({ label, texts: [m, n], examples }) => {
    const [first, second] = examples.map((some) => JSON.stringify(shortened(printable(some[0] ?? ''), characters)));
    return `${printable(label)} may be two classes: ${quantity(m)} texts such as ${first}, ${quantity(n)} such as ${second}`;
  });
  const saved = files.length > 0 ? [`to look at: ${files.join(', ')}`] : [];
  return [several, [...list, ...more], [...one, ...two], saved]
    .filter(({ length }) => length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function inRuns(runs: AuditResult['runs']): string {
  const some = runs.slice(0, runsShown).map(([from, to]) => `${quantity(from)} to ${quantity(to)}`);
  const more = runs.length > runsShown ? ` and ${quantity(runs.length - runsShown)} more such runs` : '';
  return `wrong labels lie together, as after a column that slipped: rows ${some.join(', ')}${more}`;
}
