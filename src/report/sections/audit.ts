import { quantity, texts } from '../format.ts';
import { breakable, html } from '../html.ts';
import type { Audit } from '../run.ts';
import { shownText } from '../shownTexts.ts';
import type { Section } from './section.ts';

/** Labels that are listed, and those that stand before the others are opened. */
const [mostShown, first] = [100, 12] as const;
const runsShown = 12;

export const auditSection: Section = {
  title: 'Labels that look wrong',
  lead: 'Found by bertune audit, the likeliest first: look at them before you train again.',
  render({ audit, classifier }) {
    if (!audit && !classifier) return undefined;
    if (!audit)
      return 'no audit was given, and there is none in the folder of the run (audit.csv, as bertune audit writes it)';
    if (audit.count === 0) return html`<p>${found(audit)}</p>${odd(audit)}`;
    const shown = audit.flagged.slice(0, mostShown);
    const rest = audit.count - shown.length;
    const more = shown.slice(first);
    return html`<p>${found(audit)}</p>${listOf(shown.slice(0, first))}${
      more.length > 0 &&
      html`<details class="more"><summary>${quantity(more.length)} more</summary>${listOf(more)}</details>`
    }${rest > 0 && html`<p class="hint">${texts(rest, 'more text')} not listed: the file has all.</p>`}${
      shown[0]?.text === undefined &&
      html`<p class="hint">Texts are left out of this report; rows are those of the audited file.</p>`
    }${odd(audit)}`;
  },
};

function found({ count, texts: all, wrong }: Audit): string {
  const of = all === undefined ? '' : ` of ${quantity(all)}`;
  const about =
    wrong &&
    ` About ${quantity(Math.round(wrong.mean))} labels are wrong (95 % interval ${quantity(Math.round(wrong.low))} to ${quantity(Math.round(wrong.high))}).`;
  return `${texts(count)}${of} ${count === 1 ? 'has a label that looks' : 'have labels that look'} wrong.${about ?? ''}`;
}

function listOf(flagged: Audit['flagged']) {
  const items = flagged.map(({ row, text, label, likely, reason, score }) => {
    const change = likely !== undefined && html` → <b>${breakable(likely)}</b>`;
    return html`<li>${text !== undefined && shownText(text)}<span class="what"><b>${breakable(label)}</b>${change} · ${reason} · row ${quantity(row)} · score ${score.toFixed(2)}</span></li>`;
  });
  return html`<ol class="flagged">${items}</ol>`;
}

/** Runs of wrong labels, and labels that may be one, or two. */
function odd({ runs = [], mayBeOne = [], mayBeTwo = [] }: Audit) {
  const some = runs.slice(0, runsShown).map(([from, to]) => `${quantity(from)} to ${quantity(to)}`);
  const more = runs.length > runsShown ? ` and ${quantity(runs.length - runsShown)} more such runs` : '';
  const lines = [
    ...(some.length > 0
      ? [`Wrong labels lie together, as after a column that slipped: rows ${some.join(', ')}${more}.`]
      : []),
    ...mayBeOne.map(([a, b]) => `${a} and ${b} may be one label`),
    ...mayBeTwo.map((label) => `${label} may be two labels`),
  ];
  return lines.length > 0 && html`<ul class="plain">${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}
