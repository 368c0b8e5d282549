import { texts as counted, percent, quantity } from '../format.ts';
import type { LabelHeld } from '../held.ts';
import { breakable, type Html, html } from '../html.ts';
import type { Classifier } from '../run.ts';
import { heldText, keptNote } from '../shownTexts.ts';
import type { Section } from './section.ts';

/** Pairs of labels that are listed, and of those the ones that stand before the others are opened. */
const [mostPairs, pairsFirst] = [200, 12] as const;
/** Texts that are shown of each of the first pairs, how many these are, and texts of the others. */
const [mostTexts, pairsWithMost, fewTexts] = [12, 50, 4] as const;
/** Labels of which a matrix is still read. */
const mostInMatrix = 12;

export const confusionSection: Section = {
  title: 'What is taken for what',
  lead: 'Held-out texts by their right label and the one that was answered, with their share of all texts of the right one. Open a pair to read its texts.',
  render({ classifier, held }) {
    if (!classifier) return undefined;
    if (classifier.count === 0) return 'no labeled texts were held out';
    const answers = held?.kind === 'one-label' ? held : undefined;
    const pairs = confusedPairs(classifier);
    const matrix = classifier.labels.length <= mostInMatrix && matrixOf(classifier);
    if (pairs.length === 0) return html`${matrix}<p>Every held-out text got its right label.</p>`;
    const shown = pairs.slice(0, mostPairs);
    const rest = pairs.length - shown.length;
    const list = shown.map((pair, i) => pairOf(pair, classifier, answers, i < pairsWithMost ? mostTexts : fewTexts));
    const further = list.slice(pairsFirst);
    const more =
      further.length > 0 &&
      html`<details class="more"><summary>${counted(further.length, 'more pair')}</summary><div class="pairs">${further}</div></details>`;
    return html`${matrix}<div data-sorts><div class="pairs">${list.slice(0, pairsFirst)}</div>${more}</div>${rest > 0 && html`<p class="hint">${counted(rest, 'more pair')} not listed.</p>`}${keptNote(answers)}`;
  },
};

interface Pair {
  readonly own: number;
  readonly answered: number;
  readonly count: number;
  readonly share: number;
}

function confusedPairs({ confusion }: Classifier): Pair[] {
  const pairs = confusion.flatMap((row, own) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.flatMap((count, answered) =>
      count > 0 && answered !== own ? [{ own, answered, count, share: count / total }] : [],
    );
  });
  return pairs.sort((a, b) => b.count - a.count || b.share - a.share);
}

function pairOf(
  { own, answered, count, share }: Pair,
  { labels }: Classifier,
  answers: LabelHeld | undefined,
  most: number,
): Html {
  const [right, wrong] = [labels[own] ?? String(own), labels[answered] ?? String(answered)];
  const summary = html`<span class="own">${breakable(right)}</span><span class="taken"><span class="unseen">taken for</span><span aria-hidden="true">→</span> ${breakable(wrong)}</span><span class="count">${counted(count)}</span><span class="share">${percent(share)}<span class="unseen"> of its texts</span></span>`;
  const data = html` data-own="${right}" data-taken="${wrong}" data-count="${count}" data-share="${share}"`;
  const list = textsOf(own, answered, answers);
  if (!list) return html`<div class="pair"${data}>${summary}</div>`;
  const rest = count - Math.min(most, list.length);
  return html`<details class="pair"${data}><summary>${summary}</summary><ul class="texts">${list
    .slice(0, most)
    .map(
      ({ text, score, other }) =>
        html`<li>${text} <span class="scores">${wrong} ${percent(score)}, ${right} ${percent(other)}</span></li>`,
    )}</ul>${rest > 0 && html`<p class="hint">${counted(rest, 'more text')} not shown.</p>`}</details>`;
}

/** The texts of a pair, those first that the classifier is surest of; undefined where there are none to read. */
function textsOf(own: number, answered: number, kept: LabelHeld | undefined) {
  if (!kept?.texts) return undefined;
  const { classes, answers, scores, own: others } = kept;
  const found = Array.from(classes.keys()).filter((i) => classes[i] === own && answers[i] === answered);
  if (found.length === 0) return undefined;
  found.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  return found.map((i) => ({ text: heldText(kept, i), score: scores[i] ?? 0, other: others[i] ?? 0 }));
}

function matrixOf({ labels, confusion }: Classifier): Html {
  const rows = confusion.map((row, own) => {
    const total = Math.max(
      1,
      row.reduce((sum, count) => sum + count, 0),
    );
    const cells = row.map((count, answered) => {
      const kind = own === answered ? 'right' : count > 0 ? 'wrong' : '';
      // Shades in steps, by classes of the style sheet.
      const shade = count === 0 ? 0 : Math.max(1, Math.round((5 * count) / total));
      return html`<td class="cell ${kind} shade-${shade}">${quantity(count)}</td>`;
    });
    return html`<tr><th scope="row">${labels[own]}</th>${cells}</tr>`;
  });
  const caption = 'Held-out texts: right labels in rows, answers in columns';
  return html`<div class="scrolls" role="group" tabindex="0" aria-label="${caption}"><table class="matrix"><caption class="unseen">${caption}</caption><thead><tr><td>right ↓ answer →</td>${labels.map((label) => html`<th scope="col"><span>${label}</span></th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`;
}
