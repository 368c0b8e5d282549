import { counted, withArticle } from '../../core/errors.ts';
import { normalInterval } from '../../evaluation/intervals.ts';
import type { CardMetric } from '../../hub/modelCard.ts';
import type { RunRecord } from '../runRecord.ts';
import type { AdaptResult } from '../types.ts';
import { decimals, familyOf, type HeadCard } from './headCard.ts';

/** The card of a masked language model. */
export const maskedLmCard: HeadCard = {
  data: 'corpus',
  metrics({ result, about }) {
    const { evalLossAfter: loss, perplexityAfter } = result as AdaptResult;
    if (loss === null || perplexityAfter === null) return agreementOf(result as AdaptResult);
    const interval = normalInterval(loss, about?.after?.lossStandardError ?? 0);
    const perplexity = { low: Math.exp(interval.low), high: Math.exp(interval.high) };
    return [
      { type: 'perplexity', name: 'Pseudo-perplexity of masked tokens', value: perplexityAfter, ...perplexity },
      { type: 'loss', name: 'Masked-token cross-entropy', value: loss, ...interval },
      ...agreementOf(result as AdaptResult),
    ];
  },
  introduction(record, base) {
    const { command } = record;
    const how = command === 'pretrain' ? 'trained from a random start' : `adapted to its own kind of text from ${base}`;
    const family = withArticle(familyOf(record).title);
    const kind = trainedHead(record) === 'pooled' ? 'sentence encoder' : 'masked language model';
    return `${family[0]?.toUpperCase()}${family.slice(1)} ${kind}, ${how} with bertune.`;
  },
  vectors: (reads, record) =>
    trainedHead(record) === 'pooled'
      ? `Its vector of a text is ${reads}.`
      : `It is a sentence encoder, too: its vector of a text is ${reads}.`,
  trained: trainedHead,
  results({ command, result, about }, measuredOn) {
    const { evalLossBefore: before, evalLossAfter: after, perplexityBefore, vectors } = result as AdaptResult;
    const count = about?.after?.count ?? 0;
    const isCompared = command === 'adapt' && before !== null && after !== null && perplexityBefore !== null;
    const agreed = vectors
      ? `Of each of ${counted(vectors.texts, 'held-out text')} the ${vectors.neighbours} nearest by its vector were looked for before and after: ${decimals(100 * vectors.kept)} % of them stayed.`
      : undefined;
    if (perplexityBefore === null && agreed) return { before: `Measured on ${measuredOn}. ${agreed}` };
    return {
      before: `Measured on ${counted(count, 'masked token')} of held-out text (${measuredOn}), with masks that never move. The intervals take each text as one draw.`,
      after: isCompared
        ? `Before training, the same tokens under the same masks had a cross-entropy of ${decimals(before)} (perplexity ${decimals(perplexityBefore)}): it ${after < before ? 'fell' : 'rose'} by ${decimals(Math.abs(before - after))}.${agreed ? ` ${agreed}` : ''}`
        : agreed,
    };
  },
  trainingData({ data, result }, names) {
    const { corpus } = data as { corpus: { texts: number; tokens: number } };
    const { tokens, steps } = result as AdaptResult;
    return `${counted(corpus.texts, 'text')} of ${counted(corpus.tokens, 'token')} (${names}), without labels. ${counted(tokens, 'token')} were trained on in ${counted(steps, 'step')}.`;
  },
  example: { text: 'where is my [MASK]?', command: "bertune fill-mask 'where is my [MASK]?' --model" },
  limits: (record) => [
    'It has learned from the texts above, with what is wrong, private or unfair in them; it may repeat their words.',
    ...(trainedHead(record) === 'pooled'
      ? []
      : ['Perplexity compares models of one vocabulary on one text only.', ...fewTokens(record.about?.after?.count)]),
    ...(record.about?.sentence
      ? [
          'Whether its vectors serve a task better was not measured: compare them with those of its base on a task of your own.',
        ]
      : []),
  ],
  longTexts: 'split into pieces of that length',
};

/** A sentence encoder that was adapted without masked words need have no MLM head. */
function trainedHead({ about, configuration }: RunRecord): 'pooled' | 'maskedLm' {
  const { learned = ['words'] } = configuration as { learned?: readonly string[] };
  return about?.sentence && !learned.includes('words') ? 'pooled' : 'maskedLm';
}

/** How many of its vectors' neighbours a model has kept. */
function agreementOf({ vectors }: AdaptResult): CardMetric[] {
  if (!vectors) return [];
  return [{ type: 'agreement', name: "Neighbours of a text's vector that stayed", value: vectors.kept }];
}

/** Below this many predictions chance moves the held-out loss by several hundredths. */
export const fewPredictions = 1000;

function fewTokens(count: number | undefined): string[] {
  if (count === undefined || count >= fewPredictions) return [];
  return [
    `${counted(count, 'masked token')} measure it: so few that chance alone moves the loss by several hundredths.`,
  ];
}
