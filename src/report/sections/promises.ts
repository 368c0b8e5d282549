import { texts } from '../format.ts';
import { html } from '../html.ts';
import type { Section } from './section.ts';

export const promisesSection: Section = {
  title: 'What is promised',
  lead: 'For texts drawn as those were that bertune calibrate read; of others nothing is promised.',
  render({ promises, classifier }) {
    if (!promises && !classifier) return undefined;
    if (!promises) return 'bertune calibrate has not read texts of its own for this model';
    const { promised, notPromised, texts: count } = promises;
    const shares = notPromised.map((share) => `${Number((100 * share).toFixed(1))} %`).join(', ');
    if (promised.length === 0)
      return html`<p>Nothing can be promised on ${texts(count)}: more of them, or fewer mistakes, would do.</p>`;
    return html`<p>On ${texts(count)} that neither trained nor chose anything:</p><ul class="plain">${promised.map((line) => html`<li>${line}</li>`)}</ul>${shares !== '' && html`<p class="hint">At most ${shares} wrong among those answered cannot be promised on so few texts, or with so many mistakes.</p>`}`;
  },
};
