import { UsageError } from '../core/errors.ts';
import { say, setting } from '../core/message.ts';
import type { LabeledSet } from '../data/labels.ts';
import type { PowerLaw } from '../evaluation/powerLaw.ts';
import type { OptionsOf } from '../settings/options.ts';
import { resolve } from '../settings/resolve.ts';
import { learningCurve, type MeasuredSize } from '../tasks/learningCurve.ts';
import { auditedLabels } from './auditing/classes.ts';
import { openLearner } from './auditing/openLearner.ts';
import { classNumbers } from './classNumbers.ts';
import { activity, note } from './note.ts';
import { readLabels, withTexts } from './readLabels.ts';
import type { JobHooks } from './types.ts';

export type { MeasuredSize } from '../tasks/learningCurve.ts';

export interface CurveOptions extends OptionsOf<'curve'> {}

export interface CurveResult {
  readonly method: 'frozen' | 'words';
  readonly classes: number;
  /** Texts that measure; each draw has others where there are no texts for that alone. */
  readonly measuredOn: number;
  /** Accuracy at growing numbers of labels, with 95 % intervals. */
  readonly sizes: readonly MeasuredSize[];
  /** What fits the errors: floor + scale · n^-rate. */
  readonly law: PowerLaw;
  /** What all labels that there are, twice as many, and four times as many would bring. */
  readonly forecasts: readonly MeasuredSize[];
  /** How much twice as many labels would add to the accuracy. */
  readonly gain: { readonly mean: number; readonly low: number; readonly high: number };
}

/**
 * How accuracy grows with the number of labels, and what more would bring, by a classifier that is fitted quickly: a
 * linear one on vectors of a model, or on words.
 *
 * @throws UsageError for options, paths, columns or labels to change; BertuneError for files that cannot be read;
 * InterruptedError
 */
export async function curve(options: CurveOptions, hooks: JobHooks = {}): Promise<CurveResult> {
  const all = resolve('curve', options);
  const { train, eval: heldData, seed } = all;
  const set = withTexts(await readLabels(train, setting('train'), hooks, 'single texts'), setting('train'), hooks);
  const labels = auditedLabels(set, setting('train'));
  const held =
    heldData && withTexts(await readLabels(heldData, setting('eval'), hooks, 'single texts'), setting('eval'), hooks);
  checkEnough(set, labels);
  const texts = [...set.texts, ...(held?.texts ?? [])];
  const { learner } = await openLearner(all, texts, hooks);
  const found = await learningCurve({
    ...{ learner, seed, groups: set.groups },
    examples: {
      texts: Int32Array.from(set.texts.keys()),
      labels: classNumbers(set.labels, labels, setting('train')),
      classes: labels.length,
    },
    held: held && {
      texts: Int32Array.from(held.texts.keys(), (i) => set.texts.length + i),
      labels: classNumbers(held.labels, labels, setting('eval')),
      classes: labels.length,
    },
    onProgress: (done, total) => hooks.onEvent?.({ type: 'progress', ...activity(say`measuring`), done, total }),
  });
  const count = set.texts.length;
  if (found.sizes.length < 3) {
    note(
      hooks,
      say`${found.sizes.length} numbers of labels are few to see a curve in; give more labels for a forecast`,
    );
  }
  return {
    ...{ method: learner.method, classes: labels.length, measuredOn: held?.texts.length ?? count },
    ...{ sizes: found.sizes, law: found.law },
    // What all labels bring is a forecast itself where a part of them measures.
    forecasts: [1, 2, 4].map((times) => found.forecast(times * count)),
    gain: found.gain(count, 2 * count),
  };
}

/** Texts of a class, on average, without which there is no smaller number to compare with. */
const leastOfClass = 6;

function checkEnough({ texts }: LabeledSet, labels: readonly string[]): void {
  const needed = leastOfClass * labels.length;
  if (texts.length >= needed) return;
  throw new UsageError(
    say`${setting('train')} has ${texts.length} texts for ${labels.length} classes, and a curve needs about ${needed}; label more first`,
  );
}
