import { counted } from '../../core/errors.ts';
import { macroF1Interval, normalInterval, wilsonInterval } from '../../evaluation/intervals.ts';
import type { FinetuneResult } from '../types.ts';
import { type HeadCard, listed } from './headCard.ts';
import { trustLimits } from './trusted.ts';

/** The card of a classifier. */
export const oneLabelCard: HeadCard = {
  data: 'train',
  metrics({ result }) {
    const { accuracy, macroF1, loss, lossStandardError, count, confusion } = result as FinetuneResult;
    if (count === 0) return [];
    const right = confusion.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
    return [
      { type: 'accuracy', name: 'Accuracy', value: accuracy, ...wilsonInterval(right, count) },
      { type: 'f1', name: 'Macro F1', value: macroF1, ...macroF1Interval(confusion) },
      { type: 'loss', name: 'Cross-entropy', value: loss, ...normalInterval(loss, lossStandardError) },
    ];
  },
  introduction({ result, about }, base) {
    const { labels, head, described, steps } = result as FinetuneResult;
    const { pairs } = about ?? {};
    const what = pairs ? `classifier of pairs of texts (${pairs.text} with ${pairs.pair})` : 'text classifier';
    if (about?.words?.weight === null) {
      return `A ${what} with ${counted(labels.length, 'label')} on words, without a network, fitted with bertune.`;
    }
    const fitted = head ? `fitted with bertune to the vectors of ${base}` : `fine-tuned from ${base} with bertune`;
    const isDescribed = described !== undefined && !head && steps === 0;
    const way = isDescribed ? `made with bertune of descriptions of its labels and the vectors of ${base}` : fitted;
    return `A ${what} with ${counted(labels.length, 'label')}, ${way}.`;
  },
  vectors: (reads) => `It reads a vector of each text: ${reads}.`,
  results({ result }, measuredOn) {
    const { count } = result as FinetuneResult;
    return {
      before: `Measured on ${counted(count, 'text')} that training has not seen (${measuredOn}). The interval of accuracy is Wilson's, that of macro F1 by the delta method, that of the cross-entropy from its spread over texts.`,
    };
  },
  trainingData({ data, result }, names) {
    const { train } = data as { train: number };
    const { labels, described } = result as FinetuneResult;
    const descriptions = described ? counted(described, 'description') : '';
    if (train === 0) return `${descriptions} of the labels ${listed(labels)}.`;
    const also = described ? `, and ${descriptions} of labels,` : '';
    return `${counted(train, 'labeled text')} (${names})${also} with the labels ${listed(labels)}.`;
  },
  example: {
    text: 'how do i send this back?',
    command: "echo 'how do i send this back?' | bertune predict --model",
  },
  limits: ({ result, trust }) => [
    ...trustLimits((result as FinetuneResult).calibrated, trust),
    ...fewTexts(result as FinetuneResult),
    'The held-out texts come from the same source as those of training; on other text it may do worse than measured.',
  ],
  longTexts: 'cut to that length',
};

function fewTexts({ labels, confusion }: FinetuneResult): string[] {
  const few = labels.filter((_, i) => (confusion[i] ?? []).reduce((sum, cell) => sum + cell, 0) < 10);
  if (few.length === labels.length) {
    return ['Each label is measured by fewer than ten texts: little is known about any one of them.'];
  }
  return few.length === 0 ? [] : [`Fewer than ten texts measure ${listed(few)}: little is known about these labels.`];
}
