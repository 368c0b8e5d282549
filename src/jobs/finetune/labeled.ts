import { setting } from '../../core/message.ts';
import { stratifiedFolds } from '../../data/folds.ts';
import { labelNames } from '../../data/labels.ts';
import type { LabelKindName } from '../../models/text/heads/table.ts';
import type { PairNames } from '../../models/text/model.ts';
import type { Resolved } from '../../settings/options.ts';
import { repeatedForm } from '../../text/normalize.ts';
import { classNumbers } from '../classNumbers.ts';
import { type RunSets, weightsOf } from '../labeledSets.ts';
import type { JobHooks } from '../types.ts';
import { readUnlabeled } from '../unlabeledTexts.ts';
import type { Descriptions } from './descriptions.ts';

/** What every run of fine-tuning has, whatever is learned of its texts. */
export interface RunTexts {
  /** The head that is trained. */
  readonly head: LabelKindName;
  /** Names of what it puts out. */
  readonly labels: readonly string[];
  /** How many of them, the first ones, keep what the model's classifier has of them; 0 where it is made anew. */
  readonly known: number;
  /** Of pairs each is both texts (see `pairText`). */
  readonly texts: readonly string[];
  /** The columns of pairs; null for single texts. */
  readonly pairs: PairNames | null;
  /** Texts without labels that help; absent where none were given. */
  readonly unlabeled?: readonly string[];
  /** Texts that measure the result and choose nothing. */
  readonly held: { readonly texts: readonly string[] };
}

/** The labeled sets of a run, as every method of fine-tuning takes them; the arrays of a set are parallel. */
export interface Labeled extends RunTexts {
  readonly head: 'oneLabel';
  readonly groups?: readonly string[];
  /** Class number of each text. */
  readonly classes: Int32Array;
  /** Weight of each class in the loss. */
  readonly classWeights: readonly number[];
  /** Fold of each text, from 0: what repeats or belongs together is in one; −1 of descriptions, which measure nothing. */
  readonly folds: Int32Array;
  readonly held: {
    readonly texts: readonly string[];
    readonly classes: Int32Array;
    /** What a column says of each, where texts are sliced by one. */
    readonly slices?: { readonly column: string; readonly values: readonly string[] };
  };
  /** Texts that describe classes, none of them known ones. */
  readonly described: {
    readonly texts: readonly string[];
    readonly classes: Int32Array;
    /** Whether nobody asked for them. */
    readonly isTried: boolean;
  };
}

/** Folds of the training texts. */
export const foldCount = 5;

/** Numbers the classes of both sets and deals the training texts into folds. @throws BertuneError for an unknown label */
export async function labeledSets(
  given: Resolved<'finetune'>,
  { train, held, ...sets }: Pick<RunSets, 'train' | 'held'> & Partial<RunSets>,
  hooks: JobHooks,
): Promise<Labeled> {
  const { labels, known } = sets.classes ?? { labels: labelNames(train.labels), known: 0 };
  const classes = classNumbers(train.labels, labels, setting('train'));
  const { texts, groups } = train;
  const column = (given.eval ?? given.train)?.sliceColumn;
  const labeled = [...texts, ...held.texts];
  const unlabeled =
    given.unlabeled && (await readUnlabeled(given.unlabeled, { known: labeled, seed: given.seed }, hooks));
  return {
    ...{ head: 'oneLabel', labels, known, texts, groups, classes, unlabeled, pairs: sets.pairs ?? null },
    classWeights: weightsOf(classes, labels.length, given.classWeights),
    folds: foldsOf({ texts, groups, classes }, given.seed),
    held: {
      texts: held.texts,
      classes: classNumbers(held.labels, labels, given.eval ? setting('eval') : setting('train')),
      ...(held.slices && column !== undefined ? { slices: { column, values: held.slices } } : {}),
    },
    described: describedSet(sets.described ?? { texts: [], labels: [] }, labels, known),
  };
}

/** Of a class that is known a classifier says more than a description. */
function describedSet(
  { texts, labels, isTried = false }: Descriptions,
  all: readonly string[],
  known: number,
): Labeled['described'] {
  const numbers = classNumbers(labels, all, setting('labelTexts'));
  const kept = Array.from(numbers.keys()).filter((i) => (numbers[i] as number) >= known);
  return {
    texts: kept.map((i) => texts[i] as string),
    classes: Int32Array.from(kept, (i) => numbers[i] as number),
    isTried,
  };
}

/** Deals texts into folds, each with its share of every class. */
export function foldsOf({ texts, groups, classes }: Pick<Labeled, 'texts' | 'groups' | 'classes'>, seed: number) {
  const keys = [texts.map(repeatedForm), ...(groups ? [groups] : [])];
  return stratifiedFolds({ classes, keys, count: foldCount, seed });
}

/** Training texts that are descriptions of classes, where there are some: for results. */
export function describedIn({ folds }: Labeled): { readonly described?: number } {
  const described = folds.filter((fold) => fold < 0).length;
  return described > 0 ? { described } : {};
}

/** Some of the training texts, by number. */
export function part(data: Labeled, numbers: ArrayLike<number>): Labeled {
  const at = <T>(list: readonly T[]) => Array.from(numbers, (i) => list[i] as T);
  return {
    ...data,
    texts: at(data.texts),
    groups: data.groups && at(data.groups),
    classes: Int32Array.from(numbers, (i) => data.classes[i] as number),
    folds: Int32Array.from(numbers, (i) => data.folds[i] as number),
  };
}
