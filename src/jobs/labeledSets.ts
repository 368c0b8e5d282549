import { BertuneError, counted, UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import { dropSeen, type LabeledSet, labelNames, sampleLimit, samplePerClass, stratifiedSplit } from '../data/labels.ts';
import type { Resolved } from '../settings/options.ts';
import { classNumbers } from './classNumbers.ts';
import { note } from './note.ts';
import { readLabels } from './readLabels.ts';
import type { JobHooks } from './types.ts';

/** Texts with a label each; the arrays are parallel. */
export interface LabeledTexts {
  readonly texts: readonly string[];
  readonly labels: readonly string[];
  /** Where the data has them: texts of one group belong together. */
  readonly groups?: readonly string[];
}

/** The texts to train on and those to measure on, limits and splits applied. */
export async function readSets(
  options: Resolved<'finetune'>,
  hooks: JobHooks,
): Promise<{ train: LabeledTexts; held: LabeledTexts }> {
  const { seed } = options;
  const all = await readLabels(options.train, setting('train'), hooks);
  if (all.labels.every((label) => label === all.labels[0])) {
    throw new BertuneError(
      say`${setting('train')} has one label only (${all.labels[0]}); a classifier needs at least two`,
    );
  }
  if (options.eval) {
    const evaluation = await readLabels(options.eval, setting('eval'), hooks);
    classNumbers(evaluation.labels, labelNames(all.labels), setting('eval'));
    const held = limited(evaluation, options.evalLimit, seed);
    return { train: chosen(all, options), held };
  }
  const fraction = options.evalFraction;
  if (fraction === 0) {
    throw new UsageError(
      say`${setting('evalFraction')} 0 leaves no text to measure the classifier on; give a file with ${setting('eval')}`,
    );
  }
  const split = stratifiedSplit({ labels: all.labels, groups: all.groups, fraction, seed });
  if (split.singletons.length > 0) {
    note(
      hooks,
      `${counted(split.singletons.length, 'class', 'classes')} with one example cannot be held out and only train: ${split.singletons.slice(0, 8).join(', ')}`,
    );
  }
  const training = pick(all, split.train);
  const drawn = pick(all, split.heldOut);
  const { kept, dropped } = dropSeen(training.texts, drawn.texts);
  if (dropped > 0)
    note(hooks, `${counted(dropped, 'held-out text')} also in the training part left out of the evaluation`);
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

function pick(set: LabeledTexts | LabeledSet, indices: readonly number[]): LabeledTexts {
  return {
    texts: indices.map((i) => set.texts[i] as string),
    labels: indices.map((i) => set.labels[i] as string),
    groups: set.groups && indices.map((i) => set.groups?.[i] as string),
  };
}

/** Class weights n / (classes · n_c), the "balanced" heuristic of scikit-learn, or ones. */
export function weightsOf(classes: Int32Array, count: number, kind: 'none' | 'balanced'): number[] {
  const sizes = new Array<number>(count).fill(0);
  for (const label of classes) sizes[label] = (sizes[label] as number) + 1;
  return sizes.map((size) => (kind === 'none' ? 1 : classes.length / (count * Math.max(1, size))));
}
