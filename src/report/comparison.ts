import { wilsonInterval } from '../evaluation/intervals.ts';
import { calibrationError } from './curves.ts';
import { figure, quantity, withInterval } from './format.ts';
import { type Html, html } from './html.ts';
import type { ReportedRun } from './run.ts';

/** The figures of several runs beside each other: a row for each that one of them has. */
export function comparison(runs: readonly ReportedRun[]): Html {
  const rows = figures.flatMap(({ name, of }) => {
    const values = runs.map((run) => of(run));
    return values.some((value) => value !== undefined) ? [{ name, values }] : [];
  });
  const caption = 'The runs beside each other';
  return html`<section class="card wide" aria-labelledby="compared"><h2 id="compared">${caption}</h2><p class="lead">Figures compare where they are of the same held-out texts.</p><div class="scrolls" role="group" tabindex="0" aria-label="${caption}"><table class="compared"><caption class="unseen">${caption}</caption><thead><tr><td></td>${runs.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${rows.map(
    ({ name, values }) =>
      html`<tr><th scope="row">${name}</th>${values.map((value) => html`<td>${value ?? '–'}</td>`)}</tr>`,
  )}</tbody></table></div></section>`;
}

const figures: readonly { readonly name: string; readonly of: (run: ReportedRun) => string | undefined }[] = [
  { name: 'command', of: ({ command }) => command },
  { name: 'method', of: ({ classifier, target }) => classifier?.method ?? target?.method },
  { name: 'answers', of: ({ target }) => target?.main },
  {
    name: 'accuracy (95 % interval)',
    of: ({ classifier }) => {
      if (!classifier || classifier.count === 0) return undefined;
      const { low, high } = wilsonInterval(Math.round(classifier.accuracy * classifier.count), classifier.count);
      return withInterval(classifier.accuracy, low, high);
    },
  },
  {
    name: 'macro-F1',
    of: ({ classifier }) => (classifier && classifier.count > 0 ? classifier.macroF1.toFixed(4) : undefined),
  },
  {
    name: 'loss',
    of: ({ classifier }) => (classifier && classifier.count > 0 ? classifier.loss.toFixed(4) : undefined),
  },
  {
    name: 'calibration error',
    of: ({ answers }) =>
      answers && answers.scores.length > 0 ? `${(100 * calibrationError(answers)).toFixed(1)} points` : undefined,
  },
  { name: 'held-out texts', of: ({ classifier, target }) => numberOfTexts(classifier?.count ?? target?.count) },
  { name: 'perplexity before', of: ({ languageModel }) => numberOf(languageModel?.perplexityBefore) },
  { name: 'perplexity after', of: ({ languageModel }) => numberOf(languageModel?.perplexityAfter) },
  { name: 'steps', of: ({ course }) => course && quantity(course.steps.at(-1)?.step ?? 0) },
];

function numberOf(value: number | null | undefined): string | undefined {
  return typeof value === 'number' ? figure(value) : undefined;
}

function numberOfTexts(count: number | undefined): string | undefined {
  return count === undefined ? undefined : quantity(count);
}
