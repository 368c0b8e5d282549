import type { ClassificationResult } from '../jobs/types.ts';
import { percent, printable, quantity, shortened, table } from './format.ts';

const largestMatrix = 12;
const pairsShown = 10;
const labelLength = 32;

/** Accuracy, macro-F1, a table by class and the confusion matrix, or the most confused pairs of many classes. */
export function classificationReport(result: ClassificationResult, noun = 'texts'): string {
  if (result.count === 0) return `not measured: no ${noun} were held out`;
  const summary = table(
    [
      ['accuracy', result.accuracy.toFixed(4)],
      ['macro-F1', result.macroF1.toFixed(4)],
      ['loss', result.loss.toFixed(4)],
      [noun, quantity(result.count)],
    ],
    ['left', 'right'],
  );
  const confusions = result.labels.length > largestMatrix ? confusedPairs(result, noun) : confusionMatrix(result);
  return [summary, classTable(result), confusions].join('\n\n');
}

/** Precision, recall and F1 of a class are 0 where nothing was predicted as it or nothing is of it. */
function classTable({ labels, confusion }: ClassificationResult): string {
  const rows = labels.map((label, k) => {
    const correct = confusion[k]?.[k] ?? 0;
    const support = sum(confusion[k] ?? []);
    const predicted = sum(confusion.map((row) => row[k] ?? 0));
    const f1 = (2 * correct) / Math.max(1, support + predicted);
    const shares = [correct / Math.max(1, predicted), correct / Math.max(1, support), f1];
    return [shown(label), ...shares.map((share) => share.toFixed(4)), quantity(support)];
  });
  return table([['class', 'precision', 'recall', 'F1', 'support'], ...rows], ['left']);
}

function confusionMatrix({ labels, confusion }: ClassificationResult): string {
  const header = ['true \\ predicted', ...labels.map((label) => shortened(shown(label), 14))];
  const rows = labels.map((label, k) => [shown(label), ...(confusion[k] ?? []).map(quantity)]);
  return table([header, ...rows], ['left']);
}

function confusedPairs({ labels, confusion }: ClassificationResult, noun: string): string {
  const pairs = confusion
    .flatMap((row, i) => row.map((count, j) => ({ i, j, count })))
    .filter(({ i, j, count }) => i !== j && count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, pairsShown);
  if (pairs.length === 0) return `no ${noun} were confused with another class`;
  const rows = pairs.map(({ i, j, count }) => {
    const share = count / Math.max(1, sum(confusion[i] ?? []));
    return [shown(labels[i]), shown(labels[j]), quantity(count), percent(share)];
  });
  return table([['most confused: true', 'predicted', noun, 'of the class'], ...rows], ['left', 'left']);
}

function shown(label: string | undefined): string {
  return shortened(printable(label ?? '?'), labelLength);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
