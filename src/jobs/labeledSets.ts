import { BertuneError, counted, UsageError } from '../core/errors.ts';
import { type Origin, say, setting } from '../core/message.ts';
import { dropSeen, labelNames, sampleLimit, samplePerClass, stratifiedSplit } from '../data/labels.ts';
import type { PairNames } from '../models/text/model.ts';
import type { Resolved } from '../settings/options.ts';
import { noteWrong } from './checking/start.ts';
import { classNumbers } from './classNumbers.ts';
import type { RunClasses } from './finetune/classes.ts';
import { type Descriptions, descriptionsOf, readDescriptions } from './finetune/descriptions.ts';
import { note } from './note.ts';
import { checkOfPairs } from './pairsOfTexts.ts';
import { readLabels, withTexts } from './readLabels.ts';
import type { DataOptions, JobHooks } from './types.ts';

/** Texts with a label each; the arrays are parallel. */
export interface LabeledTexts {
  readonly texts: readonly string[];
  readonly labels: readonly string[];
  /** Where the data has them: texts of one group belong together. */
  readonly groups?: readonly string[];
  /** Values of the column that slices the texts measured on, where one is named; '' where a text has none. */
  readonly slices?: readonly string[];
}

/** What a run of fine-tuning works with. */
export interface RunSets {
  readonly train: LabeledTexts;
  readonly held: LabeledTexts;
  readonly classes: RunClasses;
  /** Texts that describe classes. */
  readonly described: Descriptions;
  /** The columns of pairs; null for single texts. */
  readonly pairs: PairNames | null;
}

/**
 * The texts to train on and those to measure on, limits and splits applied.
 *
 * @param classesOf the classes of a run whose texts have these labels
 */
export async function readSets(
  options: Resolved<'finetune'>,
  classesOf: (labels: readonly string[]) => Promise<RunClasses>,
  hooks: JobHooks,
): Promise<RunSets> {
  const { seed } = options;
  checkOfPairs(options);
  const [training, evaluation] = await readLookedOver(options, hooks);
  const all = training ?? noTexts;
  const { textColumn: text = '', pairColumn: pair } = training ?? evaluation ?? {};
  const pairs = pair === undefined ? null : { text, pair };
  const read = await readDescriptions(options, hooks);
  const classes = await classesOf([...all.labels, ...(read?.labels ?? [])]);
  const described = descriptionsOf(pairs ? { ...options, labelTexts: 'none' } : options, {
    read,
    classes,
    texts: all.texts.length,
  });
  const [only = ''] = classes.labels;
  if (classes.labels.length < 2) {
    const origin = setting(options.train ? 'train' : 'labelTexts');
    throw new BertuneError(say`${origin} has one label only (${only}); a classifier needs at least two`);
  }
  if (evaluation) {
    classNumbers(evaluation.labels, classes.labels, setting('eval'));
    const held = limited(evaluation, options.evalLimit, seed);
    return { train: chosen(all, options), held, classes, described, pairs };
  }
  if (!options.train) return { train: all, held: noTexts, classes, described, pairs };
  const { train, held } = split(all, options, hooks);
  return { train, held, classes, described, pairs };
}

/** The labeled sets without rows that have no text; what is wrong with them is said. */
async function readLookedOver({ train, eval: held }: Resolved<'finetune'>, hooks: JobHooks) {
  const read = async (data: DataOptions | undefined, flag: Origin) =>
    data && withTexts(await readLabels(data, flag, hooks), flag, hooks);
  const sets = [await read(train, setting('train')), await read(held, setting('eval'))] as const;
  await noteWrong(sets, hooks);
  return sets;
}

const noTexts: LabeledTexts = { texts: [], labels: [] };

/** Holds out a part of the texts. */
function split(
  all: LabeledTexts,
  options: Resolved<'finetune'>,
  hooks: JobHooks,
): { train: LabeledTexts; held: LabeledTexts } {
  const { evalFraction: fraction, seed } = options;
  if (fraction === 0) {
    throw new UsageError(
      say`${setting('evalFraction')} 0 leaves no text to measure the classifier on; give a file with ${setting('eval')}`,
    );
  }
  const split = stratifiedSplit({ labels: all.labels, groups: all.groups, fraction, seed });
  if (split.singletons.length === labelNames(all.labels).length) {
    note(
      hooks,
      say`no class has two texts, so none is held out and the classifier is not measured; ${setting('eval')} gives texts to measure it on`,
    );
    return { train: chosen(all, options), held: noTexts };
  }
  if (split.singletons.length > 0) {
    note(
      hooks,
      `${counted(split.singletons.length, 'class', 'classes')} with one example cannot be held out and only train: ${split.singletons.slice(0, 8).join(', ')}`,
    );
  }
  const training = pick(all, split.train);
  const drawn = pick(all, split.heldOut);
  const { kept, dropped, alike } = dropSeen(training.texts, drawn.texts);
  if (dropped > 0)
    note(
      hooks,
      `${counted(dropped, 'held-out text')} also in the training part (but for case and spaces) left out of the evaluation`,
    );
  if (alike > 0) {
    note(
      hooks,
      `${counted(alike, 'held-out text')} told from training texts by numbers alone: kept, since numbers may tell classes apart, but if they do not, the score flatters`,
    );
  }
  if (kept.length === 0) {
    throw new UsageError(
      say`${setting('train')} leaves no text to evaluate on; give more labels or a file with ${setting('eval')}`,
    );
  }
  const held = limited(pick(drawn, kept), options.evalLimit, seed);
  note(hooks, `${counted(held.texts.length, 'text')} held out, class by class, to measure the classifier`);
  return { train: chosen(training, options), held };
}

/** The training texts under --labels-per-class and --train-limit. @throws UsageError when a class would be lost */
function chosen(set: LabeledTexts, { labelsPerClass, trainLimit, seed }: Resolved<'finetune'>): LabeledTexts {
  const perClass = labelsPerClass
    ? pick(set, samplePerClass({ labels: set.labels, perClass: labelsPerClass, seed }))
    : set;
  const classes = labelNames(set.labels).length;
  if (trainLimit !== undefined && trainLimit < classes) {
    throw new UsageError(
      say`${setting('trainLimit')} ${trainLimit} leaves out ${classes - trainLimit} of ${classes} classes; use at least ${classes}`,
    );
  }
  return limited(perClass, trainLimit, seed);
}

function limited(set: LabeledTexts, limit: number | undefined, seed: number): LabeledTexts {
  return limit === undefined ? set : pick(set, sampleLimit({ labels: set.labels, limit, seed }));
}

function pick(set: LabeledTexts, indices: readonly number[]): LabeledTexts {
  return {
    texts: indices.map((i) => set.texts[i] as string),
    labels: indices.map((i) => set.labels[i] as string),
    groups: set.groups && indices.map((i) => set.groups?.[i] as string),
    slices: set.slices && indices.map((i) => set.slices?.[i] as string),
  };
}

/** Class weights n / (classes · n_c), the "balanced" heuristic of scikit-learn, or ones. */
export function weightsOf(classes: Int32Array, count: number, kind: 'none' | 'balanced'): number[] {
  const sizes = new Array<number>(count).fill(0);
  for (const label of classes) sizes[label] = (sizes[label] as number) + 1;
  return sizes.map((size) => (kind === 'none' ? 1 : classes.length / (count * Math.max(1, size))));
}
