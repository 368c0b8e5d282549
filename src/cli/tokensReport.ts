import type { TokensResult } from '../jobs/types.ts';
import { printable, quantity, shortened, table } from './format.ts';

/** Entity F1, and a table by label, of a model that labels parts of texts. */
export function tokensReport(result: TokensResult, noun = 'texts'): string {
  const { entities, texts, words, wordAccuracy, loss } = result;
  if (texts === 0) return `not measured: no ${noun} were held out`;
  const { micro, macro, interval } = entities;
  const four = (share: number) => share.toFixed(4);
  const summary = table(
    [
      ['entity F1', `${four(micro.f1)} (95 %: ${four(interval.low)} to ${four(interval.high)})`],
      ['precision', four(micro.precision)],
      ['recall', four(micro.recall)],
      ['macro-F1', four(macro.f1)],
      ['words right', four(wordAccuracy)],
      ['loss', four(loss)],
      [noun, quantity(texts)],
      ['words', quantity(words)],
    ],
    ['left', 'left'],
  );
  const rows = entities.types.map(({ label, precision, recall, f1, support, predicted }) => [
    shortened(printable(label), 32),
    ...[precision, recall, f1].map(four),
    ...[support, predicted].map(quantity),
  ]);
  const header = ['label', 'precision', 'recall', 'F1', 'entities', 'found'];
  return [summary, table([header, ...rows], ['left'])].join('\n\n');
}
