import { BertuneError, counted } from '../../../core/errors.ts';
import { say, setting } from '../../../core/message.ts';
import { iterativeSplit } from '../../../data/iterativeSplit.ts';
import { labelNames } from '../../../data/labels.ts';
import { sigmoid } from '../../../evaluation/linearTargets.ts';
import { manyLabelsMetrics } from '../../../evaluation/manyLabels.ts';
import { chosenThreshold } from '../../../evaluation/thresholds.ts';
import { thresholdsKey, thresholdsOf } from '../../../hub/answerKeys.ts';
import { inspectText } from '../../../hub/textFolder.ts';
import { manyLabels } from '../../../tasks/text/objectives/manyLabels.ts';
import { repeatedForm } from '../../../text/normalize.ts';
import { readFound } from '../../findModel.ts';
import { labelTargets, measureManyLabels } from '../../labelKinds/manyLabels.ts';
import { note } from '../../note.ts';
import { readSeveralLabels } from '../../readLabels.ts';
import { listed } from '../classes.ts';
import { foldCount } from '../labeled.ts';
import type { Learning } from '../learner.ts';
import { splitTargets } from './split.ts';
import type { Targeted, TargetKind } from './targetKind.ts';

/** Several labels a text, or none. */
export const manyLabelsTargets: TargetKind = {
  title: 'several labels',
  loss: () => 'logistic',
  objective: ({ data }) => manyLabels(data.labels.length),
  async read(learning) {
    const { given, hooks } = learning;
    const set = await splitTargets(learning, readSeveralLabels, (lists, groups) => {
      const numbered = numbers(lists);
      return iterativeSplit({ labels: numbered, keys: groups, shares: sharesOf(given.evalFraction), seed: given.seed });
    });
    const labels = await labelsOf(learning, labelNames(set.train.labels.flat()));
    const targets = labelTargets(set.train.labels, labels, setting('train'));
    noteLabels(targets, labels, hooks);
    const { texts, groups } = set.train;
    const keys = [texts.map(repeatedForm), ...(groups ? [groups] : [])];
    return {
      ...{ head: 'manyLabels', labels, known: 0, texts, pairs: set.pairs },
      targets: { data: Float32Array.from(targets), size: labels.length },
      folds: iterativeSplit({
        ...{ labels: numbers(set.train.labels), keys, seed: given.seed },
        shares: Array.from({ length: foldCount }, () => 1 / foldCount),
      }),
      held: {
        texts: set.held.texts,
        targets: labelTargets(set.held.labels, labels, setting(given.eval ? 'eval' : 'train')),
      },
      scale: { mean: 0, deviation: 1 },
    };
  },
  errors: {
    title: "1 − F1 of a text's labels",
    of(answers, data) {
      const { data: targets, size } = data.targets;
      const thresholds = thresholdsFor(answers, data);
      return Float64Array.from({ length: answers.length / size }, (_, i) => {
        if (Number.isNaN(answers[i * size])) return Number.NaN;
        let [right, told, own] = [0, 0, 0];
        for (let c = 0, at = i * size; c < size; c++, at++) {
          const isTold = sigmoid(answers[at] as number) >= (thresholds[c] as number);
          if (isTold) told++;
          if (targets[at] === 1) own++;
          if (isTold && targets[at] === 1) right++;
        }
        // Of a text without labels, to tell none is right.
        return told + own === 0 ? 0 : 1 - (2 * right) / (told + own);
      });
    },
  },
  score: {
    title: 'micro F1',
    of(answers, data) {
      const thresholds = thresholdsFor(answers, data);
      const { size } = data.targets;
      const answered = Array.from({ length: answers.length / size }, (_, i) => i).filter(
        (i) => !Number.isNaN(answers[i * size]),
      );
      const of = (values: ArrayLike<number>) =>
        Float64Array.from({ length: answered.length * size }, (_, at) => {
          return values[(answered[Math.floor(at / size)] as number) * size + (at % size)] as number;
        });
      const probabilities = of(answers).map(sigmoid);
      const decided = probabilities.map((p, at) => Number(p >= (thresholds[at % size] as number)));
      return manyLabelsMetrics(of(data.targets.data), probabilities, decided, size).microF1;
    },
  },
  decide(answers, { data, hooks }) {
    const thresholds = thresholdsFor(answers, data);
    const moved = thresholds.filter((threshold) => threshold !== 0.5).length;
    const scored = thresholds.length === 0 ? 0 : answeredIn(answers, data.targets.size);
    note(
      hooks,
      `thresholds of ${moved} of ${counted(thresholds.length, 'label')} chosen by their F1 on ${counted(scored, 'training text')} held out; the others stay at 0.5`,
    );
    return { [thresholdsKey]: thresholds };
  },
  measure: measureManyLabels,
  answers: (logits, { texts, targets }, { labels, raw, path }) => ({
    ...{ kind: 'several-labels', labels, texts, targets, logits },
    thresholds: thresholdsOf(raw, labels.length, path),
  }),
  metrics(measured) {
    if (measured.task !== 'several-labels') throw new Error('internal: figures of another kind');
    const { microF1, macroF1, exactMatch, loss } = measured;
    return { microF1, macroF1, exactMatch, loss };
  },
};

/** Four digits say enough of what few texts choose. */
function thresholdsFor(answers: Float32Array, { targets: { data, size } }: Targeted): number[] {
  const count = answers.length / size;
  return Array.from({ length: size }, (_, c) => {
    const column = (values: ArrayLike<number>) =>
      Float64Array.from({ length: count }, (_, i) => values[i * size + c] as number);
    return Number(chosenThreshold(column(data), column(answers).map(sigmoid)).toFixed(4));
  });
}

/** Texts that have an answer. */
function answeredIn(answers: Float32Array, size: number): number {
  let count = 0;
  for (let at = 0; at < answers.length; at += size) if (!Number.isNaN(answers[at])) count++;
  return count;
}

/** The part that trains comes first: what is too rare to be held out stays in it. */
function sharesOf(evalFraction: number): number[] {
  return [1 - evalFraction, evalFraction];
}

/** Labels by number, for what counts them alone. */
function numbers(lists: readonly (readonly string[])[]): number[][] {
  const places = new Map<string, number>();
  return lists.map((list) =>
    list.map((label) => {
      const place = places.get(label) ?? places.size;
      places.set(label, place);
      return place;
    }),
  );
}

/**
 * The labels in the order of their numbers: as the model has them, where it was made for the very same.
 *
 * @throws BertuneError for a single one
 */
async function labelsOf({ given, find }: Learning, own: readonly string[]): Promise<readonly string[]> {
  if (own.length < 2) {
    throw new BertuneError(
      say`${setting('train')} has one label only (${own.join()}); for texts that have it or not, give one label a text (${setting('task')} one-label)`,
    );
  }
  if (given.randomStart || given.method === 'words') return own;
  const { heads, labels } = await readFound(await find(), (folder) => inspectText(folder));
  const isSame =
    heads.includes('manyLabels') && labels?.length === own.length && own.every((one) => labels.includes(one));
  return isSame && labels ? labels : own;
}

/** Texts from which on there is something to learn of a label. */
const fewTexts = 5;

function noteLabels(targets: ArrayLike<number>, labels: readonly string[], hooks: Learning['hooks']): void {
  const sizes = labels.map((label, c) => {
    let texts = 0;
    for (let at = c; at < targets.length; at += labels.length) texts += targets[at] as number;
    return { label, texts };
  });
  const count = targets.length / labels.length;
  const mean = sizes.reduce((sum, { texts }) => sum + texts, 0) / Math.max(1, count);
  const shown = (some: typeof sizes) => listed(some.map(({ label, texts }) => `${label} ${texts}`));
  note(hooks, `${counted(labels.length, 'label')}, ${mean.toFixed(2)} a text: ${shown(sizes)}`);
  const rare = sizes.filter(({ texts }) => texts < fewTexts);
  if (rare.length > 0) {
    note(
      hooks,
      `${counted(rare.length, 'label')} with fewer than ${fewTexts} training texts, of which little can be learned: ${shown(rare)}`,
    );
  }
  const always = sizes.filter(({ texts }) => texts === count);
  if (always.length > 0)
    note(hooks, `every training text has ${listed(always.map(({ label }) => label))}: what lacks it cannot be learned`);
}
