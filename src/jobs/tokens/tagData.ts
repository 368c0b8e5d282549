import { counted, UsageError } from '../../core/errors.ts';
import { type Origin, say, setting } from '../../core/message.ts';
import { randomUnit } from '../../core/random.ts';
import { labelNames } from '../../data/labels.ts';
import { readTagged, type TaggedText } from '../../data/tagged/readTagged.ts';
import type { Resolved } from '../../settings/options.ts';
import { repeatedForm } from '../../text/normalize.ts';
import { outside } from '../../text/tagging/scheme.ts';
import { note } from '../note.ts';
import type { DataOptions, JobHooks } from '../types.ts';

/** Texts with labels on their parts, to train on and to measure on. */
export interface TagData {
  /** Labels of entities. */
  readonly types: readonly string[];
  /** Tags of words, IOB2: O, and two for each type. */
  readonly tags: readonly string[];
  readonly train: readonly TaggedText[];
  readonly held: readonly TaggedText[];
}

/** What the tags of models that bertune trains are written in. */
export const modelScheme = 'IOB2';

/** Tags of entities of these types. */
export function tagsOf(types: readonly string[]): string[] {
  return [outside, ...types.flatMap((type) => [`B-${type}`, `I-${type}`])];
}

type Settings = Pick<
  Resolved<'finetune'>,
  'train' | 'eval' | 'evalFraction' | 'evalLimit' | 'trainLimit' | 'seed' | 'tagScheme' | 'offsets'
>;

/** Reads the sets of a run; of one without texts to measure on, a share is held out. Throws as `readTagged`. */
export async function tagData(given: Settings, hooks: JobHooks): Promise<TagData> {
  if (!given.train) throw new UsageError(say`${setting('task')} tokens needs ${setting('train')}`);
  const all = await readTexts(given.train, setting('train'), given, hooks);
  const own = given.eval && (await readTexts(given.eval, setting('eval'), given, hooks));
  const { train, held } = own ? { train: all, held: own } : split(all, given);
  const unseen = withoutSeen(train, held);
  if (unseen.length < held.length) {
    const dropped = counted(held.length - unseen.length, 'held-out text');
    note(hooks, `${dropped} also in the training part (but for case and spaces) left out of the evaluation`);
  }
  if (own && unseen.length === 0)
    throw new UsageError(say`every text of ${setting('eval')} is one of ${setting('train')}`);
  const trained = sampled(train, given.trainLimit, given.seed);
  const types = labelNames(trained.flatMap(({ spans }) => spans.map(({ label }) => label)));
  if (types.length === 0) throw new UsageError(say`${setting('train')} has no labeled part of a text; check the file`);
  const measured = sampled(unseen, given.evalLimit, given.seed);
  if (measured.length === 0) note(hooks, 'no text is held out, so the model is not measured');
  else if (!own) note(hooks, `${counted(measured.length, 'text')} held out to measure the model`);
  const known = new Set(types);
  const strange = labelNames(measured.flatMap(({ spans }) => spans.map(({ label }) => label))).filter(
    (label) => !known.has(label),
  );
  if (strange.length > 0) {
    note(
      hooks,
      `held-out texts have ${strange.join(', ')}, of which training has no example: none of these can be found`,
    );
  }
  return { types, tags: tagsOf(types), train: trained, held: measured };
}

/** Texts of files, those without any letter left out. */
export async function readTexts(
  data: DataOptions,
  flag: Origin,
  { tagScheme, offsets }: Pick<Settings, 'tagScheme' | 'offsets'>,
  hooks: JobHooks,
): Promise<TaggedText[]> {
  const { files, textColumn, pairColumn, labelColumn, groupColumn } = data;
  if (pairColumn !== undefined) {
    throw new UsageError(say`${setting('pairColumn')} is not taken with labels on tokens, which are those of one text`);
  }
  if (groupColumn !== undefined) {
    throw new UsageError(say`${setting('groupColumn')} is not taken with labels on tokens; give ${setting('eval')}`);
  }
  const { texts } = await readTagged({
    ...{ files, textColumn, labelColumn, flag, scheme: tagScheme, offsets },
    onNote: (line) => note(hooks, line),
  });
  const filled = texts.filter(({ text }) => text.trim() !== '');
  if (filled.length < texts.length) {
    note(hooks, say`${flag}: ${counted(texts.length - filled.length, 'row')} without a text left out`);
  }
  return filled;
}

/** Holds out a share of the texts; those that repeat stay together. */
function split(
  all: readonly TaggedText[],
  { evalFraction, seed }: Settings,
): { train: TaggedText[]; held: TaggedText[] } {
  const order = drawn(all, seed, 'split');
  const count = all.length < 2 ? 0 : Math.min(all.length - 1, Math.max(1, Math.round(all.length * evalFraction)));
  const held = new Set(evalFraction === 0 ? [] : order.slice(0, count));
  return { train: all.filter((_, i) => !held.has(i)), held: all.filter((_, i) => held.has(i)) };
}

function withoutSeen(train: readonly TaggedText[], held: readonly TaggedText[]): TaggedText[] {
  const seen = new Set(train.map(({ text }) => repeatedForm(text)));
  return held.filter(({ text }) => !seen.has(repeatedForm(text)));
}

/** At most so many, drawn once and for all: a smaller sample is part of a larger. */
export function sampled<T>(all: readonly T[], limit: number | undefined, seed: number): readonly T[] {
  if (limit === undefined || all.length <= limit) return all;
  const chosen = new Set(drawn(all, seed, 'sample').slice(0, limit));
  return all.filter((_, i) => chosen.has(i));
}

function drawn(all: readonly unknown[], seed: number, purpose: 'split' | 'sample'): number[] {
  const keyed = all.map((_, index) => ({ index, key: randomUnit(seed, purpose, index) }));
  return keyed.sort((a, b) => a.key - b.key || a.index - b.index).map(({ index }) => index);
}
