import { setting } from '../../core/message.ts';
import { standardErrorOfMean } from '../../evaluation/intervals.ts';
import { regressionMetrics } from '../../evaluation/regression.ts';
import { numberIntervalOf } from '../../hub/answerKeys.ts';
import type { AnswerFacts } from '../answers/answerKind.ts';
import { readNumbers } from '../readLabels.ts';
import type { NumberResult } from '../types.ts';
import type { LabelKind } from './labelKind.ts';
import { drawn } from './limit.ts';

/** One number a text. */
export const numberKind: LabelKind = {
  task: 'number',
  async evaluate(measured, { data, limit, seed }, hooks) {
    const set = await readNumbers(data, setting('data'), hooks);
    const { texts, targets } = await drawn(set.texts, set.labels, 1, { limit, seed }, hooks);
    return measureNumber(await measured.rows(texts), targets, measured);
  },
};

/** @param rows the number that each text got [1] @param targets those that were right [n] */
export function measureNumber(
  rows: readonly ArrayLike<number>[],
  targets: ArrayLike<number>,
  { labels: [name = 'number'], raw, path }: AnswerFacts,
): NumberResult {
  const values = Float64Array.from(rows, (row) => row[0] as number);
  const interval = numberIntervalOf(raw, path);
  const errors = values.map((value, i) => Math.abs(value - (targets[i] as number)));
  const inside = interval ? errors.filter((error) => error <= interval.margin).length : 0;
  return {
    ...{ task: 'number', name, count: values.length, ...regressionMetrics(targets, values) },
    maeStandardError: errors.length === 0 ? Number.NaN : standardErrorOfMean(errors),
    interval: interval ? { ...interval, held: inside / values.length } : null,
  };
}
