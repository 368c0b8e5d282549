import { calibrationError, reliabilityBins } from '../curves.ts';
import { percent, quantity, sortableTable, withInterval } from '../format.ts';
import { html } from '../html.ts';
import type { Section } from './section.ts';

export const reliabilitySection: Section = {
  title: 'Does the score mean what it says?',
  lead: 'Of answers with a score of 80 %, 80 % should be right: points on the line. Below it the classifier is too sure of itself, above it not sure enough.',
  render({ answers }, { marks, draw }) {
    if (!answers || answers.scores.length === 0) return 'the run kept no scores of its answers';
    const bins = reliabilityBins(answers);
    const error = calibrationError(answers);
    const label = `Score of answers against the share of them that is right; expected calibration error ${(100 * error).toFixed(1)} points (15 bins).`;
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
    return html`<figure>${plot}<figcaption>${label}</figcaption></figure><details><summary>Numbers of the picture</summary>${table}</details>`;
  },
};
