import { rowsTable } from '../format.ts';
import { html } from '../html.ts';
import type { Section } from './section.ts';

export const settingsSection: Section = {
  title: 'How it was made',
  lead: 'Data and settings of the run, as its run.json has them.',
  render({ facts, settings }) {
    return html`${rowsTable('Data and model', facts)}${settings.length > 0 && html`<details open><summary>Settings</summary>${rowsTable('Settings', settings)}</details>`}`;
  },
};
