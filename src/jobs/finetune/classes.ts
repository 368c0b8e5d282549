import { counted } from '../../core/errors.ts';
import { joined, type Message, say, setting } from '../../core/message.ts';
import { differenceOf, spelling } from '../../data/labelReview.ts';
import { labelNames } from '../../data/labels.ts';
import { inspectText, type TextInspection } from '../../hub/textFolder.ts';
import { defaultLabels } from '../../models/text/hubLabels.ts';
import type { Resolved } from '../../settings/options.ts';
import { type FoundModel, readFound } from '../findModel.ts';
import { note } from '../note.ts';
import type { JobHooks } from '../types.ts';

/** The classes of a run. */
export interface RunClasses {
  /** In the order of their numbers: those that the model knows as it numbers them, and new ones behind them. */
  readonly labels: readonly string[];
  /** How many, the first ones, keep what the model's classifier has of them; 0: the classifier is made for `labels` alone. */
  readonly known: number;
}

/**
 * The classes of a run: those of its texts and, where it starts from a classifier, those that this one knows.
 *
 * @param own labels of the texts, and of what describes classes
 * @throws what `inspectText` throws
 */
export async function runClasses(
  given: Resolved<'finetune'>,
  found: () => Promise<FoundModel>,
  own: Iterable<string>,
  hooks: JobHooks,
): Promise<RunClasses> {
  const labels = labelNames(own);
  // A classifier on words takes nothing of the model.
  if (given.labels === 'replace' || given.randomStart || given.method === 'words') return { labels, known: 0 };
  const facts = await readFound(await found(), (folder) => inspectText(folder));
  const known = labelsOf(facts);
  if (known.length === 0) return { labels, known: 0 };
  const isOwn = new Set(labels);
  const isKnown = new Set(known);
  const shared = known.filter((label) => isOwn.has(label)).length;
  const added = labels.filter((label) => !isKnown.has(label));
  // Names that transformers gives to classes without one say nothing of other texts.
  const isUnnamed = defaultLabels(known.length).every((name, i) => name === known[i]);
  if (isUnnamed && shared === 0) return { labels, known: 0 };
  // A classifier for the very same classes is gone on with, or fitted anew, like any other model.
  if (added.length === 0 && shared === known.length) return { labels: known, known: 0 };
  noteClasses(known, added, known.length - shared, hooks);
  return { labels: [...known, ...added], known: known.length };
}

/** The classes that a folder's classifier tells apart, of which one is right; none without such a classifier. */
function labelsOf({ labels, heads }: TextInspection): readonly string[] {
  return heads.includes('oneLabel') ? (labels ?? []) : [];
}

function noteClasses(known: readonly string[], added: readonly string[], textless: number, hooks: JobHooks): void {
  const parts: (string | Message)[] = [`keeps ${counted(known.length, 'class', 'classes')}`];
  if (added.length > 0) parts.push(`, adds ${added.length}: ${listed(added)}`);
  if (textless > 0) parts.push(say`; ${textless} ${textless === 1 ? 'has' : 'have'} no text in ${setting('train')}`);
  note(hooks, say`${joined(parts, '')} (${setting('labels')} replace: only those of ${setting('train')})`);
  const forms = new Map(known.map((label) => [spelling(label), label]));
  for (const label of added) {
    const other = forms.get(spelling(label));
    if (other !== undefined) {
      note(
        hooks,
        `${JSON.stringify(label)} differs from ${JSON.stringify(other)} in ${differenceOf([label, other])}: taken for another class; if it is the same, spell it alike`,
      );
    }
    forms.set(spelling(label), label);
  }
}

/** The first names, and how many more there are. */
export function listed(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown}, and ${names.length - most} more` : shown;
}
