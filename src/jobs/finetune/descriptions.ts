import { UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { Resolved } from '../../settings/options.ts';
import { readLabels } from '../readLabels.ts';
import type { JobHooks } from '../types.ts';

/** Texts that describe classes, each with the name of its class; the arrays are parallel. */
export interface Descriptions {
  readonly texts: readonly string[];
  readonly labels: readonly string[];
}

/**
 * Reads the texts that describe classes; undefined where none are asked for. Those of `names` come once the classes are
 * known.
 *
 * @throws BertuneError for a file that holds none
 */
export async function readDescriptions(
  { labelTexts }: Resolved<'finetune'>,
  hooks: JobHooks,
): Promise<Descriptions | undefined> {
  if (labelTexts === undefined || labelTexts === 'names') return undefined;
  const { texts, labels } = await readLabels(labelTexts, setting('labelTexts'), hooks);
  return { labels, texts: texts.map((text, i) => (text.trim() === '' ? readableName(labels[i] as string) : text)) };
}

/** The names of classes as texts that describe them. @throws UsageError for names that say nothing */
export function namesAsTexts(labels: readonly string[]): Descriptions {
  if (labels.length === 0) {
    throw new UsageError(
      say`${setting('labelTexts')} names has no classes to name: give ${setting('train')}, a classifier as ${setting('model')}, or a file with labels and texts that describe them`,
    );
  }
  if (labels.every((label) => /^-?[\d\s]+$/.test(label))) {
    throw new UsageError(
      say`${setting('labelTexts')} names: the labels are numbers (${labels.slice(0, 3).join(', ')}), which describe nothing; give a file with labels and texts that describe them`,
    );
  }
  return { labels, texts: labels.map(readableName) };
}

/** The name of a class as people would write it: `Refund_not_showing_up` and `refundNotShowingUp` are "refund not showing up". */
export function readableName(label: string): string {
  const words = label
    .replace(/(?<=[\p{Ll}\p{N}])(?=\p{Lu})/gu, ' ')
    .replace(/(?<=\p{Lu})(?=\p{Lu}\p{Ll})/gu, ' ')
    .replace(/[\s_.:/\\-]+/gu, ' ')
    .trim()
    .toLowerCase();
  return words === '' ? label : words;
}
