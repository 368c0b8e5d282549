import { UsageError } from '../../core/errors.ts';
import { say, setting } from '../../core/message.ts';
import type { Resolved } from '../../settings/options.ts';
import { readLabels } from '../readLabels.ts';
import type { JobHooks } from '../types.ts';
import type { RunClasses } from './classes.ts';

/** Texts that describe classes, each with the name of its class; the arrays are parallel. */
export interface Descriptions {
  readonly texts: readonly string[];
  readonly labels: readonly string[];
  /** Whether nobody asked for them: names that may help. */
  readonly isTried?: boolean;
}

/**
 * Reads the texts that describe classes; undefined where no file has some. Names come once the classes are known.
 *
 * @throws BertuneError for a file that holds none
 */
export async function readDescriptions(
  { labelTexts }: Resolved<'finetune'>,
  hooks: JobHooks,
): Promise<Descriptions | undefined> {
  if (labelTexts === undefined || labelTexts === 'names' || labelTexts === 'none') return undefined;
  const { texts, labels } = await readLabels(labelTexts, setting('labelTexts'), hooks, 'single texts');
  return { labels, texts: texts.map((text, i) => (text.trim() === '' ? readableName(labels[i] as string) : text)) };
}

/**
 * What describes the classes of a run: what was read, their names where these are asked for, and names that say something
 * where nothing is asked for and the classes have few texts.
 *
 * @param texts how many there are with a label
 * @throws UsageError for names that say nothing
 */
export function descriptionsOf(
  given: Resolved<'finetune'>,
  {
    read,
    classes: { labels, known },
    texts,
  }: { readonly read: Descriptions | undefined; readonly classes: RunClasses; readonly texts: number },
): Descriptions {
  if (read) return read;
  if (given.labelTexts === 'names') return namesAsTexts(labels);
  const isNew = known === 0 && !given.randomStart && given.method !== 'words' && given.reads !== 'pooler';
  const areTried = given.labelTexts === undefined && isNew && texts < fewTexts * labels.length && saySomething(labels);
  return areTried ? { ...namesAsTexts(labels), isTried: true } : { texts: [], labels: [] };
}

/** Texts of a class beside which one more says little. */
const fewTexts = 50;

/** Whether most names are words, rather than numbers, letters or what stands for a name. */
function saySomething(labels: readonly string[]): boolean {
  const telling = labels.map(readableName).filter((name) => !standIn.test(name) && someWord.test(name));
  return telling.length >= (2 / 3) * labels.length;
}

const standIn = /^(label|class|category|cluster|topic|type|group|intent|tag|target|id|no|code)?[\s#]*(\d+|[a-z])$/;
/** Three letters, or one of a script that writes words with fewer. */
const someWord = /\p{L}{3}|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

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
