import { BertuneError, counted } from '../../../core/errors.ts';
import { say, setting } from '../../../core/message.ts';
import { stratifiedFolds } from '../../../data/folds.ts';
import { stratifiedSplit } from '../../../data/labels.ts';
import { conformalMargin, regressionMetrics } from '../../../evaluation/regression.ts';
import { marginKey, numberIntervalOf } from '../../../hub/answerKeys.ts';
import { number } from '../../../tasks/text/objectives/number.ts';
import { repeatedForm } from '../../../text/normalize.ts';
import { measureNumber } from '../../labelKinds/number.ts';
import { note } from '../../note.ts';
import { readNumbers } from '../../readLabels.ts';
import { foldCount } from '../labeled.ts';
import { splitTargets } from './split.ts';
import type { TargetKind } from './targetKind.ts';

/** Share of further numbers that the interval around each is to hold. */
const share = 0.9;

/** One number a text. */
export const numberTargets: TargetKind = {
  title: 'a number',
  loss: ({ given }) => given.loss,
  objective: ({ given }) => number(given.loss),
  async read(learning) {
    const { given, hooks } = learning;
    const { evalFraction: fraction, seed } = given;
    const { train, held, pairs } = await splitTargets(learning, readNumbers, (values, [groups]) => {
      const labels = Array.from(levels(values), String);
      const { heldOut } = stratifiedSplit({ labels, groups, fraction, seed });
      const part = new Int32Array(values.length);
      for (const i of heldOut) part[i] = 1;
      return part;
    });
    const { texts, labels: values, groups, labelColumn } = train;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    const [first = 0] = values;
    if (values.every((value) => value === first)) {
      throw new BertuneError(
        say`${setting('train')}: every number in column ${labelColumn} is ${first}; there is nothing to learn`,
      );
    }
    // The weights hold both in 32 bits.
    if (!Number.isFinite(Math.fround(deviation)) || Math.fround(deviation) === 0) {
      throw new BertuneError(
        say`${setting('train')}: numbers in column ${labelColumn} have a standard deviation of ${deviation}, which weights of 32 bits do not hold; write them in another unit`,
      );
    }
    const sorted = [...values].sort((a, b) => a - b);
    note(
      hooks,
      `${counted(values.length, 'number')} from ${sorted[0]} to ${sorted.at(-1)}, mean ${shown(mean)}, standard deviation ${shown(deviation)}`,
    );
    const keys = [texts.map(repeatedForm), ...(groups ? [groups] : [])];
    return {
      ...{ head: 'number', labels: [labelColumn], known: 0, texts, pairs },
      targets: { data: Float32Array.from(values, (value) => (value - mean) / deviation), size: 1 },
      folds: stratifiedFolds({ classes: levels(values), keys, count: foldCount, seed }),
      held: { texts: held.texts, targets: Float64Array.from(held.labels) },
      scale: { mean, deviation },
    };
  },
  errors: {
    title: 'squared error, in variances',
    of: (answers, { targets: { data } }) =>
      Float64Array.from(answers, (value, i) => (value - (data[i] as number)) ** 2),
  },
  score: {
    title: 'R²',
    of(answers, { targets: { data } }) {
      const answered = Array.from(answers.keys()).filter((i) => !Number.isNaN(answers[i]));
      const of = (values: ArrayLike<number>) => Float64Array.from(answered, (i) => values[i] as number);
      return regressionMetrics(of(data), of(answers)).r2;
    },
  },
  decide(answers, { data, hooks }) {
    const { scale, targets } = data;
    const residuals = Float64Array.from(answers, (value, i) => (value - (targets.data[i] as number)) * scale.deviation);
    const margin = conformalMargin(residuals, share);
    const count = residuals.filter((residual) => !Number.isNaN(residual)).length;
    if (!Number.isFinite(margin)) {
      note(
        hooks,
        `no interval around the numbers: ${counted(count, 'training text')} held out tell none that holds ${100 * share} %`,
      );
      return {};
    }
    note(
      hooks,
      `an interval of ± ${shown(margin)} around each number held ${100 * share} % of ${counted(count, 'training text')} held out`,
    );
    return { [marginKey]: { margin, share } };
  },
  measure: measureNumber,
  answers: (rows, { texts, targets }, { labels: [name = 'number'], raw, path }) => ({
    ...{ kind: 'number', name, texts, targets, values: rows.map((row) => row[0] as number) },
    interval: numberIntervalOf(raw, path),
  }),
  metrics(measured) {
    if (measured.task !== 'number') throw new Error('internal: figures of another kind');
    const { rmse, mae, r2 } = measured;
    // Of numbers that are all one there is no R², which is no fault of the run.
    return { rmse, mae, ...(Number.isNaN(r2) ? {} : { r2 }) };
  },
};

/** Levels that numbers are dealt by, so that every part has low and high ones. */
const mostLevels = 10;

/** Each number's level among all, by its rank; equal ones are of one level. */
function levels(values: readonly number[]): Int32Array {
  const sorted = [...values].sort((a, b) => a - b);
  const first = new Map<number, number>();
  for (const [place, value] of sorted.entries()) if (!first.has(value)) first.set(value, place);
  const count = Math.max(1, Math.min(mostLevels, Math.floor(values.length / 4)));
  return Int32Array.from(values, (value) => Math.floor(((first.get(value) ?? 0) * count) / values.length));
}

function shown(value: number): string {
  return String(Number(value.toPrecision(3)));
}
