import type { LabeledResult, LabelsResult, NumberResult, TargetLadder } from '../jobs/types.ts';
import { classificationReport } from './classificationReport.ts';
import { percent, printable, quantity, shortened, table } from './format.ts';

/** How a model does on labeled texts, by the kind of its labels. */
export function labeledReport(result: LabeledResult): string {
  if (!('task' in result)) return classificationReport(result);
  if (result.count === 0) return 'not measured: no texts were held out';
  switch (result.task) {
    case 'several-labels':
      return manyLabelsReport(result);
    case 'number':
      return numberReport(result);
  }
}

/** Figures of all labels together, and a table by label. */
function manyLabelsReport(result: LabelsResult): string {
  const summary = [
    ['micro F1', result.microF1.toFixed(4)],
    ['macro F1', result.macroF1.toFixed(4)],
    ['average precision', result.averagePrecision.toFixed(4)],
    ['exact matches', percent(result.exactMatch)],
    ['Hamming loss', result.hammingLoss.toFixed(4)],
    ['loss', result.loss.toFixed(4)],
    ['texts', quantity(result.count)],
  ];
  const rows = result.perLabel.map((one) => [
    shortened(printable(one.label), 32),
    ...[one.precision, one.recall, one.f1].map((share) => share.toFixed(4)),
    one.averagePrecision === null ? '' : one.averagePrecision.toFixed(4),
    quantity(one.support),
    quantity(one.predicted),
    one.threshold.toFixed(3),
  ]);
  const header = ['label', 'precision', 'recall', 'F1', 'average precision', 'texts', 'told', 'threshold'];
  return [table(summary, ['left', 'right']), table([header, ...rows], ['left'])].join('\n\n');
}

function numberReport(result: NumberResult): string {
  const { interval } = result;
  const rows = [
    ['R²', result.r2.toFixed(4)],
    ['mean absolute error', shown(result.mae)],
    ['root mean squared error', shown(result.rmse)],
    ['Spearman', result.spearman.toFixed(4)],
    ['Pearson', result.pearson.toFixed(4)],
    ['texts', quantity(result.count)],
  ];
  const about = interval
    ? `± ${shown(interval.margin)} around a number is to hold ${percent(interval.share)} of them, and held ${percent(interval.held)}`
    : 'no interval around a number: too few training texts were held out to tell one';
  return [`${printable(result.name)}, a number`, '', table(rows, ['left', 'right']), '', about].join('\n');
}

/** The methods that were tried for several labels or a number, and those that were not. */
export function targetLadderReport({ chosen, measure, error, rungs, left }: TargetLadder): string {
  const header = ['method, on folds of the training texts', measure, `${error}, against ${chosen}`, 'texts', 'seconds'];
  const rows = rungs.map(({ method, score, difference, texts, seconds }) => [
    method === chosen ? `${method} (chosen)` : method,
    score.toFixed(4),
    difference ? `${signed(difference.mean)} (${signed(difference.low)} to ${signed(difference.high)})` : '',
    quantity(texts),
    seconds.toFixed(1),
  ]);
  const reasons = [...new Set(left.map(({ reason }) => reason))];
  const others = reasons.map((reason) => {
    const names = left.filter((one) => one.reason === reason).map(({ method }) => method);
    return `${names.join(', ')} ${names.length === 1 ? 'was' : 'were'} not tried: ${reason}`;
  });
  return [table([header, ...rows], ['left']), ...others].join('\n');
}

function signed(value: number): string {
  return `${value > 0 ? '+' : ''}${value.toFixed(4)}`;
}

function shown(value: number): string {
  return String(Number(value.toPrecision(4)));
}
