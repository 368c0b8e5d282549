import { sortableTable, texts } from '../format.ts';
import { html } from '../html.ts';
import type { Section } from './section.ts';

export const auditSection: Section = {
  title: 'Labels that look wrong',
  lead: 'Found by bertune audit, the likeliest first: look at them before you train again.',
  render({ audit }) {
    if (!audit) return 'no audit was given';
    if (audit.count === 0) return html`<p>None of ${texts(audit.texts)} has a label that looks wrong.</p>`;
    const table = sortableTable(
      'Labels that look wrong',
      [{ title: 'text' }, { title: 'label' }, { title: 'likely' }, { title: 'why' }],
      audit.flagged.map(({ text, label, likely, reason }) => [text, label, likely, reason]),
    );
    return html`<p>${texts(audit.count)} of ${texts(audit.texts)}; the first ${audit.flagged.length} are listed.</p>${table}`;
  },
};
