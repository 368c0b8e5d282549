import { counted } from '../../core/errors.ts';
import { normalInterval } from '../../evaluation/intervals.ts';
import type { NumberResult, TargetFinetuneResult } from '../types.ts';
import { fittedAs } from './fitted.ts';
import { decimals, type HeadCard, plain } from './headCard.ts';

type Result = TargetFinetuneResult<NumberResult>;

/** The card of a model of a number. */
export const numberCard: HeadCard = {
  data: 'train',
  metrics({ result }) {
    const { r2, mae, maeStandardError, rmse, spearman, pearson, count } = result as Result;
    if (count === 0) return [];
    const figures = [
      { type: 'r_squared', name: 'R²', value: r2 },
      { type: 'mae', name: 'Mean absolute error', value: mae, ...normalInterval(mae, maeStandardError) },
      { type: 'rmse', name: 'Root mean squared error', value: rmse },
      { type: 'spearmanr', name: 'Spearman', value: spearman },
      { type: 'pearsonr', name: 'Pearson', value: pearson },
    ];
    // Of numbers that are all one some figures are none.
    return figures.filter(({ value }) => value !== null && Number.isFinite(value));
  },
  introduction: (record, base) =>
    `A model that tells a number of a text, its ${plain((record.result as Result).name)}, ${fittedAs(record, base)}.`,
  vectors: (reads) => `It reads a vector of each text: ${reads}.`,
  results({ result }, measuredOn) {
    const { count, interval } = result as Result;
    return {
      before: `Measured on ${counted(count, 'text')} that training has not seen (${measuredOn}). The interval of the mean absolute error is from its spread over texts.`,
      after: interval
        ? `An interval of ± ${decimals(interval.margin)} around each number is to hold ${100 * interval.share} % of them, by training texts held out; it held ${decimals(100 * interval.held)} % here.`
        : undefined,
    };
  },
  trainingData({ data }, names) {
    const { train } = data as { train: number };
    return `${counted(train, 'text')} with a number each (${names}).`;
  },
  example: { text: 'works as it should', command: "echo 'works as it should' | bertune predict --model" },
  limits: () => [
    'Its numbers are those of texts such as above: a text of another kind gets one, too, and it may lie outside their range.',
    'The interval is as wide for every text; it holds its share of texts such as those above, not of each kind of them.',
    'The held-out texts come from the same source as those of training; on other text it may do worse than measured.',
  ],
  fit: 'Ridge regression',
  python: ['print(logits[:, 0].tolist())'],
  longTexts: 'cut to that length',
};
