import { wilsonInterval } from '../../evaluation/intervals.ts';
import { reliability } from '../curves.ts';
import { percent, quantity, sortableTable, texts, withInterval } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { FigureOfRun, ScoreFigures, ScoresOfRun } from '../run.ts';
import type { Section } from './section.ts';

export const reliabilitySection: Section = {
  title: 'Does the score mean what it says?',
  lead: 'Of answers with a score of 80 %, 80 % should be right: points on the line. Below it the classifier is too sure of itself, above it not sure enough.',
  render({ classifier, held, scores }, { marks, draw }) {
    if (!classifier) return undefined;
    const measured = held?.kind === 'one-label' ? reliability(held) : undefined;
    if (!measured) return 'the run kept no scores of its answers';
    const bins = measured.equalWidth.flatMap(({ low, high, count, confidence, accuracy }) => {
      if (confidence === null || accuracy === null) return [];
      const { low: rightLow, high: rightHigh } = wilsonInterval(Math.round(accuracy * count), count);
      return [{ low, high, texts: count, score: confidence, right: accuracy, rightLow, rightHigh }];
    });
    const label = `Score of answers against the share of them that is right; expected calibration error ${(100 * measured.ece).toFixed(1)} points (15 bins).`;
    const plot = draw(label, {
      height: 260,
      x: { label: 'score, %', domain: [0, 100], percent: true, ticks: 5 },
      y: { label: 'right, %', domain: [0, 100], percent: true, ticks: 5, grid: true },
      marks: [
        marks.line(
          [
            [0, 0],
            [1, 1],
          ],
          { stroke: 'var(--soft)', strokeDasharray: '4 4' },
        ),
        marks.ruleX(bins, {
          x: 'score',
          y1: 'rightLow',
          y2: 'rightHigh',
          stroke: 'var(--accent)',
          strokeOpacity: 0.5,
          strokeWidth: 2,
        }),
        marks.dot(bins, { x: 'score', y: 'right', r: 'texts', fill: 'var(--accent)', stroke: 'var(--card)' }),
      ],
      r: { range: [3, 9] },
    });
    const table = sortableTable(
      'Answers by score',
      [
        { title: 'score' },
        { title: 'texts', isNumber: true },
        { title: 'mean score', isNumber: true },
        { title: 'right (95 % interval)', isNumber: true },
      ],
      bins.map((bin) => [
        { shown: `${Math.round(100 * bin.low)} to ${Math.round(100 * bin.high)} %`, sort: bin.low },
        { shown: quantity(bin.texts), sort: bin.texts },
        { shown: percent(bin.score), sort: bin.score },
        { shown: withInterval(bin.right, bin.rightLow, bin.rightHigh), sort: bin.right },
      ]),
    );
    return html`<figure>${plot}<figcaption>${label}</figcaption></figure>${scores && calibration(scores)}<details><summary>Numbers of the picture</summary>${table}</details>`;
  },
};

/** What calibration did to the scores. */
function calibration({ kind, temperature, texts: count, by, before, after }: ScoresOfRun): Html {
  const how = {
    none: 'Calibration left the scores as they are',
    temperature: `Scores are calibrated by a temperature${temperature === undefined ? '' : ` of ${temperature}`}`,
    vector: 'Scores are calibrated by a scale and a shift of each label',
  }[kind];
  const line = html`<p>${how}, fitted to ${texts(count)}: ${by}.</p>`;
  if (!before || !after) return line;
  const rows = measures.map(({ name, key, points }) => [
    name,
    points ? percent(before[key].value) : before[key].value.toFixed(3),
    shown(after[key], points),
  ]);
  const columns = [
    { title: 'measure' },
    { title: 'before', isNumber: true },
    { title: 'after (95 % interval)', isNumber: true },
  ];
  return html`${line}${sortableTable('Scores before and after calibration', columns, rows)}`;
}

const measures: readonly { readonly name: string; readonly key: keyof ScoreFigures; readonly points: boolean }[] = [
  { name: 'calibration error, equal widths', key: 'ece', points: true },
  { name: 'calibration error, equal shares', key: 'eceEqualMass', points: true },
  { name: 'Brier score', key: 'brier', points: false },
  { name: 'log loss', key: 'logLoss', points: false },
];

/** @param points as shares, in percent */
function shown({ value, low, high }: FigureOfRun, points: boolean): string {
  if (points) return withInterval(value, low, high);
  return `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}
