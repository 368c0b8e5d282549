import { wilsonInterval } from '../evaluation/intervals.ts';
import { accuracyDifference } from '../evaluation/pairedTexts.ts';
import { reliability } from './curves.ts';
import { figure, quantity, withInterval } from './format.ts';
import type { LabelHeld } from './held.ts';
import { type Html, html } from './html.ts';
import type { ReportedRun } from './run.ts';

/** The figures of several runs beside each other: a row for each that one of them has. */
export function comparison(runs: readonly ReportedRun[]): Html {
  const rows = figures.flatMap(({ name, of }) => {
    const values = runs.map((run) => of(run, runs));
    return values.some((value) => value !== undefined) ? [{ name, values }] : [];
  });
  const caption = 'The runs beside each other';
  return html`<section class="card wide" aria-labelledby="compared"><h2 id="compared">${caption}</h2><p class="lead">${sameness(runs)}</p><div class="scrolls" role="group" tabindex="0" aria-label="${caption}"><table class="compared"><caption class="unseen">${caption}</caption><thead><tr><td></td>${runs.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${rows.map(
    ({ name, values }) =>
      html`<tr><th scope="row">${name}</th>${values.map((value) => html`<td>${value ?? '–'}</td>`)}</tr>`,
  )}</tbody></table></div></section>`;
}

interface FigureOfRuns {
  readonly name: string;
  readonly of: (run: ReportedRun, runs: readonly ReportedRun[]) => string | undefined;
}

const figures: readonly FigureOfRuns[] = [
  { name: 'command', of: ({ command }) => command },
  { name: 'started from', of: ({ facts }) => facts.find(({ name }) => name === 'started from')?.value },
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
  { name: 'accuracy less that of the first, points (95 % interval)', of: gainOf },
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
    of: ({ held }) => {
      const measured = held?.kind === 'one-label' ? reliability(held) : undefined;
      return measured && `${(100 * measured.ece).toFixed(1)} points`;
    },
  },
  {
    name: 'held-out texts',
    of: ({ classifier, target }) => {
      const count = classifier?.count ?? target?.count;
      return count === undefined ? undefined : quantity(count);
    },
  },
  { name: 'perplexity before', of: ({ languageModel }) => numberOf(languageModel?.perplexityBefore) },
  { name: 'perplexity after', of: ({ languageModel }) => numberOf(languageModel?.perplexityAfter) },
  { name: 'steps', of: ({ course }) => course && quantity(course.steps.at(-1)?.step ?? 0) },
];

function numberOf(value: number | null | undefined): string | undefined {
  return typeof value === 'number' ? figure(value) : undefined;
}

/** What a classifier gains over the first run, where both answered to the same texts. */
function gainOf(run: ReportedRun, [first]: readonly ReportedRun[]): string | undefined {
  const [own, other] = [labelsOf(run), first && labelsOf(first)];
  if (run === first || !own || !other || !areSame(own, other)) return undefined;
  const right = ({ classes, answers }: LabelHeld) => classes.map((label, i) => label === answers[i]);
  const { mean, low, high } = accuracyDifference(right(other), right(own));
  const points = (share: number) => `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)}`;
  return `${points(mean)} (${points(low)} to ${points(high)})`;
}

/** Whether the figures can be compared. */
function sameness(runs: readonly ReportedRun[]): string {
  const held = runs.map(labelsOf).filter((one) => one !== undefined);
  const [first, ...others] = held;
  if (!first || others.length === 0) return 'Figures compare where they are of the same held-out texts.';
  if (others.every((one) => areSame(first, one))) {
    return 'The classifiers were measured on the same held-out texts. A difference is beyond chance where its interval does not hold 0.';
  }
  if (held.some(({ texts }) => !texts))
    return 'Whether the classifiers were measured on the same texts is not known: one of the runs kept none.';
  return 'The classifiers were measured on different texts, so that their figures differ for that reason, too.';
}

function labelsOf({ held }: ReportedRun): LabelHeld | undefined {
  return held?.kind === 'one-label' ? held : undefined;
}

/** Whether two runs answered to the same texts with the same right labels. */
function areSame(a: LabelHeld, b: LabelHeld): boolean {
  const isSame = (one: readonly unknown[] = [], other: readonly unknown[] = []) =>
    one.length === other.length && one.every((value, i) => value === other[i]);
  const right = ({ labels, classes }: LabelHeld) => classes.map((c) => labels[c]);
  if (!a.texts || !b.texts) return false;
  return isSame(a.texts, b.texts) && isSame(a.pairs, b.pairs) && isSame(right(a), right(b));
}
