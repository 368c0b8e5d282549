import { thinned } from '../curves.ts';
import { quantity } from '../format.ts';
import { html } from '../html.ts';
import type { Plots } from '../plots.ts';
import type { Course } from '../run.ts';
import type { Section } from './section.ts';

/** Points of a curve: more are not told apart on a page. */
const mostPoints = 400;

export const learningSection: Section = {
  title: 'Learning curve',
  lead: 'Loss of each step (light), smoothed (dark), and what was measured on held-out texts (points).',
  render({ course, languageModel }, plots) {
    if (!course || course.steps.length === 0) return 'the model was fitted at once, without steps';
    const { evaluations } = course;
    const before = evaluations[0]?.step === 0 ? undefined : languageModel?.lossBefore;
    const all = typeof before === 'number' ? [{ step: 0, metrics: { loss: before } }, ...evaluations] : evaluations;
    return html`${lossPlot({ ...course, evaluations: all }, plots)}${metricPlots(course, plots)}`;
  },
};

function lossPlot({ steps, evaluations }: Course, { marks, draw }: Plots) {
  const finite = steps.filter(({ loss }) => Number.isFinite(loss));
  const smooth = thinned(smoothed(finite), mostPoints);
  const held = evaluations.flatMap(({ step, metrics: { loss } }) => (typeof loss === 'number' ? [{ step, loss }] : []));
  const [first, last] = [smooth[0], smooth.at(-1)];
  const end = held.at(-1);
  const beside = end ? ` Held-out loss ${end.loss.toFixed(3)} at step ${quantity(end.step)}.` : '';
  const label = `Training loss by step: ${first?.loss.toFixed(3)} at step ${first?.step}, ${last?.loss.toFixed(3)} at step ${quantity(last?.step ?? 0)}, smoothed.${beside}`;
  return html`<figure>${draw(label, {
    x: { label: 'step', tickFormat: ',d', ticks: 5 },
    y: { label: 'loss', zero: held.length === 0, nice: true, ticks: 5, grid: true },
    marks: [
      marks.lineY(thinned(finite, mostPoints), {
        x: 'step',
        y: 'loss',
        stroke: 'var(--accent)',
        strokeOpacity: 0.25,
        strokeWidth: 1,
      }),
      marks.lineY(smooth, { x: 'step', y: 'loss', stroke: 'var(--accent)', strokeWidth: 2 }),
      marks.dot(held, { x: 'step', y: 'loss', fill: 'var(--series-1)', r: 4, stroke: 'var(--card)' }),
    ],
  })}<figcaption>${label}</figcaption></figure>`;
}

/** Of every other metric than the loss that was measured more than once. */
function metricPlots({ evaluations }: Course, { marks, draw }: Plots) {
  const names = new Set(evaluations.flatMap(({ metrics }) => Object.keys(metrics)));
  return ['accuracy', 'macroF1']
    .filter((name) => names.has(name))
    .map((name) => {
      const points = evaluations.flatMap(({ step, metrics }) => {
        const value = metrics[name];
        return typeof value === 'number' ? [{ step, value }] : [];
      });
      const last = points.at(-1);
      if (points.length < 2 || !last) return undefined;
      const shown = name === 'macroF1' ? 'macro-F1' : name;
      const label = `${shown} on held-out texts by step, ${(100 * last.value).toFixed(1)} % at the end.`;
      return html`<figure>${draw(label, {
        x: { label: 'step', tickFormat: ',d', ticks: 5 },
        y: { label: `${shown}, %`, percent: true, ticks: 5, grid: true },
        marks: [
          marks.lineY(points, { x: 'step', y: 'value', stroke: 'var(--series-1)', strokeWidth: 2 }),
          marks.dot(points, { x: 'step', y: 'value', fill: 'var(--series-1)', r: 4, stroke: 'var(--card)' }),
        ],
      })}<figcaption>${label}</figcaption></figure>`;
    });
}

/** A mean over the last steps, of which later ones count more: 2 % of the run each. */
function smoothed(steps: Course['steps']): { step: number; loss: number }[] {
  const keep = 1 - 1 / Math.max(Math.min(5, steps.length / 8), steps.length / 50, 1);
  let [sum, weight] = [0, 0];
  return steps.map(({ step, loss }) => {
    [sum, weight] = [keep * sum + loss, keep * weight + 1];
    return { step, loss: sum / weight };
  });
}
