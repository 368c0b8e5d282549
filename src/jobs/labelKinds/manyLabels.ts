import { BertuneError } from '../../core/errors.ts';
import { type Origin, say, setting } from '../../core/message.ts';
import { standardErrorOfMean } from '../../evaluation/intervals.ts';
import { losses, sigmoid } from '../../evaluation/linearTargets.ts';
import { manyLabelsMetrics } from '../../evaluation/manyLabels.ts';
import { thresholdsOf } from '../../hub/answerKeys.ts';
import type { AnswerFacts } from '../answers/answerKind.ts';
import { readSeveralLabels } from '../readLabels.ts';
import type { LabelsResult } from '../types.ts';
import type { LabelKind } from './labelKind.ts';
import { drawn } from './limit.ts';

/** Any number of right labels a text. */
export const manyLabelsKind: LabelKind = {
  task: 'several-labels',
  async evaluate(measured, { data, limit, seed }, hooks) {
    const { labels } = measured;
    const set = await readSeveralLabels(data, setting('data'), hooks);
    const targets = labelTargets(set.labels, labels, setting('data'));
    const chosen = await drawn(set.texts, targets, labels.length, { limit, seed }, hooks);
    return measureManyLabels(await measured.rows(chosen.texts), chosen.targets, measured);
  },
};

/** 1 where a text has a label [n, labels]. @throws BertuneError for a label that the model does not know */
export function labelTargets(
  lists: readonly (readonly string[])[],
  labels: readonly string[],
  flag: Origin,
): Float64Array {
  const places = new Map(labels.map((label, i) => [label, i]));
  const targets = new Float64Array(lists.length * labels.length);
  for (const [i, list] of lists.entries()) {
    for (const label of list) {
      const place = places.get(label);
      if (place === undefined) {
        const known =
          labels.length > 12 ? `${labels.slice(0, 12).join(', ')}, and ${labels.length - 12} more` : labels.join(', ');
        throw new BertuneError(
          say`${flag}: label "${label}" in row ${i + 1} was not seen in training; known labels: ${known}`,
        );
      }
      targets[i * labels.length + place] = 1;
    }
  }
  return targets;
}

/** @param rows logits of each text [labels] @param targets 1 where a text has a label [n, labels] */
export function measureManyLabels(
  rows: readonly ArrayLike<number>[],
  targets: ArrayLike<number>,
  { labels, raw, path }: AnswerFacts,
): LabelsResult {
  const size = labels.length;
  const thresholds = thresholdsOf(raw, size, path);
  const logits = Float64Array.from(
    { length: rows.length * size },
    (_, at) => rows[Math.floor(at / size)]?.[at % size] as number,
  );
  const probabilities = logits.map(sigmoid);
  const decided = probabilities.map((p, at) => Number(p >= (thresholds[at % size] as number)));
  const { perLabel, ...metrics } = manyLabelsMetrics(targets, probabilities, decided, size);
  const each = rows.map((_, i) => {
    let sum = 0;
    for (let at = i * size; at < (i + 1) * size; at++)
      sum += losses.logistic.loss(logits[at] as number, targets[at] as number);
    return sum / size;
  });
  const isEmpty = rows.length === 0;
  const figures = isEmpty
    ? { ...metrics, microF1: Number.NaN, macroF1: Number.NaN, microPrecision: Number.NaN, microRecall: Number.NaN }
    : metrics;
  return {
    ...{ task: 'several-labels', labels, count: rows.length, ...figures },
    loss: each.reduce((sum, one) => sum + one, 0) / each.length,
    lossStandardError: isEmpty ? Number.NaN : standardErrorOfMean(each),
    perLabel: perLabel.map((one, c) => ({ label: labels[c] ?? '', threshold: thresholds[c] ?? 0.5, ...one })),
  };
}
