import { counted } from '../../core/errors.ts';
import { normalInterval, wilsonInterval } from '../../evaluation/intervals.ts';
import type { LabelsResult, TargetFinetuneResult } from '../types.ts';
import { fittedAs } from './fitted.ts';
import { type HeadCard, listed } from './headCard.ts';

type Result = TargetFinetuneResult<LabelsResult>;

/** The card of a model with several labels a text. */
export const manyLabelsCard: HeadCard = {
  data: 'train',
  metrics({ result }) {
    const { microF1, macroF1, averagePrecision, exactMatch, hammingLoss, loss, lossStandardError, count } =
      result as Result;
    if (count === 0) return [];
    return [
      { type: 'f1', name: 'Micro F1', value: microF1 },
      { type: 'f1', name: 'Macro F1', value: macroF1 },
      { type: 'average_precision', name: 'Average precision', value: averagePrecision },
      {
        type: 'accuracy',
        name: 'Exact matches',
        value: exactMatch,
        ...wilsonInterval(Math.round(exactMatch * count), count),
      },
      { type: 'hamming_loss', name: 'Hamming loss', value: hammingLoss },
      { type: 'loss', name: 'Binary cross-entropy', value: loss, ...normalInterval(loss, lossStandardError) },
    ];
  },
  introduction: (record, base) =>
    `A text classifier with ${counted((record.result as Result).labels.length, 'label')}, of which a text may have several or none, ${fittedAs(record, base)}.`,
  vectors: (reads) => `It reads a vector of each text: ${reads}.`,
  results({ result }, measuredOn) {
    const { count, perLabel } = result as Result;
    const told = perLabel.map(({ label, threshold }) => `${label} ${threshold}`);
    return {
      before: `Measured on ${counted(count, 'text')} that training has not seen (${measuredOn}). The interval of exact matches is Wilson's, that of the cross-entropy from its spread over texts.`,
      after: `A label is told from its threshold on: ${listed(told)}. Thresholds were chosen by the F1 of each label on training texts held out; \`config.json\` holds them as \`label_thresholds\`.`,
    };
  },
  trainingData({ data, result }, names) {
    const { train } = data as { train: number };
    return `${counted(train, 'labeled text')} (${names}) with the labels ${listed((result as Result).labels)}.`;
  },
  example: {
    text: 'the parcel is late and the box was open',
    command: "echo 'the parcel is late and the box was open' | bertune predict --model",
  },
  limits: ({ result }) => [
    'It knows no label but those above. A score is no calibrated probability.',
    ...fewTexts(result as Result),
    'The held-out texts come from the same source as those of training; on other text it may do worse than measured.',
  ],
  fit: 'Logistic regression of each label against the rest',
  python: [
    'limits = config.label_thresholds',
    'print([[names[i] for i, p in enumerate(row) if p >= limits[i]] for row in logits.sigmoid().tolist()])',
  ],
  longTexts: 'cut to that length',
};

function fewTexts({ perLabel }: Result): string[] {
  const few = perLabel.filter(({ support }) => support < 10).map(({ label }) => label);
  return few.length === 0 ? [] : [`Fewer than ten texts measure ${listed(few)}: little is known about these labels.`];
}
