import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { coverageCurve, reliability } from '../../src/report/curves.ts';
import type { LabelHeld } from '../../src/report/held.ts';
import { escaped, html } from '../../src/report/html.ts';

interface Reference {
  readonly scores: number[];
  readonly right: number[];
  readonly ece: number;
  readonly bins: { count: number; score: number; right: number }[];
  readonly coverage: { score: number; coverage: number; risk: number }[];
}

/** Made by `curves.py` beside it: numpy's histogram for the bins, sorted sums for the curve. */
const reference: Reference = JSON.parse(
  readFileSync(new URL('../fixtures/report/curves.json', import.meta.url), 'utf8'),
);
const answers: LabelHeld = {
  kind: 'one-label',
  labels: ['a', 'b'],
  classes: reference.right.map(() => 0),
  answers: reference.right.map((right) => (right ? 0 : 1)),
  scores: reference.scores,
  own: reference.scores,
  of: reference.scores.length,
};

test('bins of scores and the calibration error are those of the reference', () => {
  const measured = reliability(answers);
  const bins = measured?.equalWidth.filter(({ count }) => count > 0) ?? [];
  expect(bins.length).toBe(reference.bins.length);
  for (const [i, { count, score, right }] of reference.bins.entries()) {
    expect(bins[i]?.count).toBe(count);
    expect(bins[i]?.confidence).toBeCloseTo(score, 12);
    expect(bins[i]?.accuracy).toBeCloseTo(right, 12);
  }
  expect(measured?.ece).toBeCloseTo(reference.ece, 12);
});

test('coverage against risk is that of the reference, equal scores together', () => {
  const curve = coverageCurve(answers);
  expect(curve.length).toBe(reference.coverage.length);
  expect(curve.length).toBeLessThan(reference.scores.length);
  for (const [i, { score, coverage, risk }] of reference.coverage.entries()) {
    expect(curve[i]?.score).toBe(score);
    expect(curve[i]?.coverage).toBeCloseTo(coverage, 12);
    expect(curve[i]?.risk).toBeCloseTo(risk, 12);
  }
});

test('a template escapes what is text, and lets HTML through once', () => {
  const inner = html`<b>${'<i> & "x"'}</b>`;
  expect(String(html`<p title="${`"'\``}">${inner}${['a<', 1]}${undefined}${false}</p>`)).toBe(
    '<p title="&#34;&#39;&#96;"><b>&#60;i&#62; &#38; &#34;x&#34;</b>a&#60;1</p>',
  );
  expect(escaped('a\u202eb\u0000c\n')).toBe('a\ufffdb\ufffdc ');
});
