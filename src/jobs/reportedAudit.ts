import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Origin } from '../core/message.ts';
import type { Audit } from '../report/run.ts';
import type { AuditedItems } from './reviewing/readItems.ts';

/** Labels that are shown at most. */
const mostFlagged = 200;

/** The file of an audit that lies in a run's folder, `audit.` and anything: the latest where there are several. */
export function auditIn(folder: string): { readonly path?: string; readonly others: readonly string[] } {
  // The configuration that Label Studio gets beside its tasks holds no texts.
  const names = readdirSync(folder).filter((name) => /^audit\.\w+$/i.test(name) && !/\.xml$/i.test(name));
  const [latest, ...others] = names
    .map((name) => ({ name, at: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at || a.name.localeCompare(b.name))
    .map(({ name }) => name);
  return { ...(latest === undefined ? {} : { path: join(folder, latest) }), others };
}

/**
 * What a file of `audit` has to report. Throws as `readItems`.
 *
 * @param keepsTexts whether texts may be in it
 */
export async function auditOf(path: string, keepsTexts: boolean, flag: Origin = 'the audit'): Promise<Audit> {
  const { readItems } = await import('./reviewing/readItems.ts');
  const { items, texts, wrong, runs, mayBeOne, mayBeTwo }: AuditedItems = await readItems(path, flag);
  return {
    ...{ texts, wrong, runs, count: items.length },
    flagged: items.slice(0, mostFlagged).map(({ row, text, label = '', likely, score, reason }) => ({
      ...{ row, label, likely, score, reason, ...(keepsTexts ? { text } : {}) },
    })),
    mayBeOne: mayBeOne?.map(({ labels }) => labels),
    mayBeTwo: mayBeTwo?.map(({ label }) => label),
  };
}
